//! Histograms of which an expression reads only counts and sums: they go without their buckets.

use std::sync::Arc;

use event::{Histogram, HistogramSample, ResetHint};

use crate::histogram::is_reset;

/// The histogram at this index without its buckets. Without them nobody can tell any more whether the counter has
/// started again, so that is found out first.
pub fn bare(samples: &[HistogramSample], at: usize) -> Arc<Histogram> {
    let histogram = &*samples[at].histogram;
    let before = samples[..at].iter().rev().map(|sample| &sample.histogram).find(|before| !before.is_stale());
    let reset = match (histogram.reset, before) {
        (ResetHint::Unknown, Some(before)) if is_reset(before, histogram) => ResetHint::Reset,
        (ResetHint::Unknown, Some(_)) => ResetHint::NotReset,
        (known, _) => known,
    };
    let Histogram { schema, count, sum, .. } = *histogram;
    Arc::new(Histogram { schema, count, sum, reset, ..Histogram::default() })
}

/// All of them without their buckets.
pub fn all_bare(samples: &[HistogramSample]) -> Vec<HistogramSample> {
    let times = samples.iter().map(|sample| sample.timestamp_ms).enumerate();
    times.map(|(at, timestamp_ms)| HistogramSample { timestamp_ms, histogram: bare(samples, at) }).collect()
}
