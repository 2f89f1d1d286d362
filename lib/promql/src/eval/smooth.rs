//! Values between samples, and the samples that tell what is at the ends of a range.

use event::{HistogramSample, Sample};

/// What has a time.
pub trait Timed {
    fn time_ms(&self) -> i64;
}

impl Timed for Sample {
    fn time_ms(&self) -> i64 {
        self.timestamp_ms
    }
}

impl Timed for HistogramSample {
    fn time_ms(&self) -> i64 {
        self.timestamp_ms
    }
}

/// The value on the line between two samples; a counter that has started again begins at zero.
pub fn between(before: &Sample, after: &Sample, time_ms: i64, is_counter: bool) -> f64 {
    let start = if is_counter && after.value < before.value { 0.0 } else { before.value };
    start + (after.value - start) * share(before, after, time_ms)
}

/// How far `time_ms` lies on the way from one sample to the next.
pub fn share(before: &impl Timed, after: &impl Timed, time_ms: i64) -> f64 {
    (time_ms - before.time_ms()) as f64 / (after.time_ms() - before.time_ms()) as f64
}

/// Where a time lies among samples.
pub enum Place<'a, T> {
    At(&'a T),
    Between(&'a T, &'a T),
    Behind(&'a T),
}

/// Where `time_ms` lies among the samples not further away than `reach_ms`; `None`: before all.
pub fn place<T: Timed>(samples: &[T], time_ms: i64, reach_ms: i64) -> Option<Place<'_, T>> {
    let next = samples.partition_point(|sample| sample.time_ms() < time_ms);
    let after = samples.get(next).filter(|sample| sample.time_ms() <= time_ms + reach_ms);
    if let Some(exact) = after.filter(|sample| sample.time_ms() == time_ms) {
        return Some(Place::At(exact));
    }
    let before = samples[..next].last().filter(|sample| sample.time_ms() > time_ms - reach_ms)?;
    Some(after.map_or(Place::Behind(before), |after| Place::Between(before, after)))
}

/// The value at `time_ms` from the samples not further away than `reach_ms`.
pub fn at(samples: &[Sample], time_ms: i64, reach_ms: i64) -> Option<f64> {
    Some(match place(samples, time_ms, reach_ms)? {
        Place::At(sample) | Place::Behind(sample) => sample.value,
        Place::Between(before, after) => between(before, after, time_ms, false),
    })
}

/// The samples within `start_ms..=end_ms` with values at both ends: the last one before, or, if `smoothed`,
/// one between those around.
pub fn extended(samples: &[Sample], start_ms: i64, end_ms: i64, smoothed: bool) -> Vec<Sample> {
    let Some(edges) = Edges::of(samples, start_ms, end_ms, smoothed) else { return Vec::new() };
    let (left, right) = edges.values(samples, false);
    let edge = |timestamp_ms, value| Sample { timestamp_ms, value };
    let within = edges.within(samples).iter().copied();
    [edge(start_ms, left)].into_iter().chain(within).chain([edge(end_ms, right)]).collect()
}

/// The samples that tell the values at the ends of a range.
pub struct Edges {
    pub first: usize,
    pub last: usize,
    pub start_ms: i64,
    pub end_ms: i64,
    smoothed: bool,
}

impl Edges {
    /// `None` if the samples say nothing of the range.
    pub fn of<T: Timed>(samples: &[T], start_ms: i64, end_ms: i64, smoothed: bool) -> Option<Self> {
        let mut last = samples.len().checked_sub(1)?;
        let first = samples[..last].partition_point(|s| s.time_ms() <= start_ms).saturating_sub(1);
        if smoothed {
            last = samples[..last].partition_point(|s| s.time_ms() < end_ms);
        }
        let silent = samples[last].time_ms() <= start_ms || (smoothed && samples[first].time_ms() > end_ms);
        (!silent).then_some(Edges { first, last, start_ms, end_ms, smoothed })
    }

    /// The samples around the start, if its value lies between two.
    pub fn around_start<'a, T: Timed>(&self, samples: &'a [T]) -> Option<(&'a T, &'a T)> {
        let first = &samples[self.first];
        let next = samples.get(self.first + 1)?;
        (self.smoothed && first.time_ms() < self.start_ms).then_some((first, next))
    }

    /// The samples around the end, if its value lies between two.
    pub fn around_end<'a, T: Timed>(&self, samples: &'a [T]) -> Option<(&'a T, &'a T)> {
        let last = &samples[self.last];
        let before = samples[..self.last].last()?;
        (self.smoothed && last.time_ms() > self.end_ms).then_some((before, last))
    }

    /// The values at both ends.
    pub fn values(&self, samples: &[Sample], is_counter: bool) -> (f64, f64) {
        let left = self.around_start(samples).map(|(a, b)| between(a, b, self.start_ms, is_counter));
        let right = self.around_end(samples).map(|(a, b)| between(a, b, self.end_ms, is_counter));
        (left.unwrap_or(samples[self.first].value), right.unwrap_or(samples[self.last].value))
    }

    /// The samples strictly within the range.
    pub fn within<'a, T: Timed>(&self, samples: &'a [T]) -> &'a [T] {
        let first = self.first + usize::from(samples[self.first].time_ms() <= self.start_ms);
        let end = self.last + usize::from(samples[self.last].time_ms() < self.end_ms);
        &samples[first.min(end)..end]
    }
}
