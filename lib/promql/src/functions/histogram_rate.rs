//! Growth of native histograms over a window.

use event::{Histogram, HistogramSample, ResetHint};

use super::whole::without_resets;
use crate::{
    eval::Reporter,
    histogram::{HistogramSum, compacted, is_reset},
};

/// By how much the histograms grow, of which there are at least two. What a counter lost by starting again is
/// added.
pub fn growth(samples: &[HistogramSample], is_counter: bool, reporter: Reporter<'_>) -> Option<Histogram> {
    let histograms: Vec<&Histogram> = samples.iter().map(|sample| &*sample.histogram).collect();
    let [first, second, ..] = histograms[..] else { return None };
    let last = *histograms.last()?;
    let is_gauge = |histogram: &&Histogram| histogram.reset == ResetHint::Gauge;
    if is_counter && histograms.iter().any(is_gauge) {
        reporter.not_a_counter();
    }
    let gauges = is_gauge(&first) && is_gauge(&last);
    if !is_counter && !gauges {
        reporter.not_a_gauge();
    }
    // A first sample that is followed by a restart counts as empty, whatever its buckets are.
    let empty = Histogram { schema: second.schema, bounds: second.bounds.clone(), ..Histogram::default() };
    let restarted = is_counter && is_reset(first, second);
    let base = if restarted { &empty } else { first };
    let within = if is_counter { &histograms[1..] } else { std::slice::from_ref(&last) };
    if within.iter().any(|histogram| histogram.is_custom() != base.is_custom()) {
        reporter.incompatible();
        return None;
    }
    let mut growth = HistogramSum::new(last);
    let mut add = |histogram: &Histogram, sign: f64, operation: &str| {
        let notes = growth.add(histogram, sign).ok()?;
        reporter.notes(without_resets(notes), operation);
        Some(())
    };
    add(base, -1.0, "subtraction")?;
    if is_counter {
        let mut before = base;
        for after in &histograms[1..] {
            if is_reset(before, after) {
                add(before, 1.0, "addition")?;
            }
            before = after;
        }
    }
    Some(compacted(Histogram { reset: ResetHint::Gauge, ..growth.total() }))
}
