//! Start timestamps: since when what a sample counts has been counted.

use event::Labels;

use super::smooth::Timed;

/// Since when a sample's counter has been counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The time of the sample.
    pub timestamp_ms: i64,
    /// When its counter was zero.
    pub start_ms: i64,
}

/// The start timestamps of a series' samples, numbers or histograms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartSeries {
    /// Names the series.
    pub labels: Labels,
    /// In the order of time; samples of which nothing is known have none.
    pub starts: Vec<Start>,
}

/// What is known of a series' starts.
#[derive(Clone, Copy)]
pub struct Starts<'a>(pub &'a [Start]);

impl Starts<'_> {
    /// The start timestamp of the sample of this time.
    pub fn of(self, time_ms: i64) -> Option<i64> {
        let at = self.0.binary_search_by_key(&time_ms, |start| start.timestamp_ms).ok()?;
        Some(self.0[at].start_ms)
    }

    /// Whether the counter has started again between two samples of these times.
    pub fn restarted(self, before_ms: i64, after_ms: i64) -> bool {
        // One at the sample's own time is OpenTelemetry's word for an unknown start; a later one is wrong.
        let Some(start) = self.of(after_ms).filter(|start| *start < after_ms && *start >= before_ms) else {
            return false;
        };
        // Exactly where the sample before lies, it is that of a delta, or of a counter with an unknown start.
        let is_delta = |before: i64| before < before_ms;
        self.of(before_ms) != Some(start) && (start > before_ms || self.of(before_ms).is_some_and(is_delta))
    }

    /// Whether some sample's time of counting reaches into that of the sample before.
    pub fn overlap<T: Timed>(self, samples: &[T]) -> bool {
        let overlaps = |before_ms, after_ms| {
            let start = self.of(after_ms);
            start.is_some_and(|start| start < before_ms) && start != self.of(before_ms)
        };
        !self.0.is_empty() && samples.windows(2).any(|pair| overlaps(pair[0].time_ms(), pair[1].time_ms()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a counter with these starts at 10 and at 20 has started again between them.
    fn restarted(before: Option<i64>, after: Option<i64>) -> bool {
        let known = [(10, before), (20, after)].into_iter();
        let start = |(timestamp_ms, start)| Some(Start { timestamp_ms, start_ms: start? });
        Starts(&known.filter_map(start).collect::<Vec<_>>()).restarted(10, 20)
    }

    #[test]
    fn a_counter_has_started_again_if_it_began_behind_the_sample_before() {
        assert!(restarted(None, Some(11)) && restarted(Some(3), Some(19)));
        assert!(!restarted(Some(3), None) && !restarted(Some(3), Some(3)) && !restarted(Some(3), Some(4)));
        assert!(!restarted(Some(3), Some(20)) && !restarted(Some(3), Some(21)), "unknown or wrong");
    }

    #[test]
    fn a_start_at_the_sample_before_is_that_of_a_delta_unless_the_one_before_is_unknown() {
        assert!(restarted(Some(9), Some(10)));
        assert!(
            !restarted(None, Some(10)) && !restarted(Some(10), Some(10)) && !restarted(Some(12), Some(10))
        );
    }
}
