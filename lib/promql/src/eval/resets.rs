//! Where a counter of numbers has started again.

use super::{Starts, Track};

/// A sample before which a counter has started again.
pub struct Reset {
    /// Its index.
    at: usize,
    /// The value of the sample before it.
    lost: f64,
}

/// All of a series, in their order.
pub fn resets(track: &Track) -> Vec<Reset> {
    let starts = Starts(&track.starts);
    let pairs = track.samples.windows(2).enumerate();
    let reset = pairs.filter(|(_, pair)| {
        pair[1].value < pair[0].value || starts.restarted(pair[0].timestamp_ms, pair[1].timestamp_ms)
    });
    reset.map(|(at, pair)| Reset { at: at + 1, lost: pair[0].value }).collect()
}

/// Those between two samples of `from..to`.
pub fn between(resets: &[Reset], from: usize, to: usize) -> &[Reset] {
    let first = resets.partition_point(|reset| reset.at <= from);
    let last = resets.partition_point(|reset| reset.at < to);
    &resets[first..last.max(first)]
}

/// What the counter has lost, added to `base` one reset after the other.
pub fn sum_of_resets(resets: &[Reset], base: f64) -> f64 {
    resets.iter().fold(base, |sum, reset| sum + reset.lost)
}
