//! Growth of native histograms over a window.

use event::{Histogram, ResetHint};

use super::whole::without_resets;
use crate::{
    eval::{Reporter, Window},
    histogram::{HistogramSum, compacted, is_reset},
};

/// By how much the window's histograms grow, `from_zero` or from the first. What a counter lost by starting again is
/// added.
pub fn growth(
    window: &Window<'_>,
    is_counter: bool,
    from_zero: bool,
    reporter: Reporter<'_>,
) -> Option<Histogram> {
    let first = &window.histograms.first()?.histogram;
    if window.histograms.len() == 1 {
        return from_zero.then(|| gauge((**first).clone()));
    }
    let mut growth = between(window, is_counter, reporter)?;
    if from_zero {
        add(&mut growth, first, 1.0, reporter)?;
    }
    Some(gauge(growth.total()))
}

fn gauge(growth: Histogram) -> Histogram {
    compacted(Histogram { reset: ResetHint::Gauge, ..growth })
}

/// From the first to the last, of which there are at least two.
fn between(window: &Window<'_>, is_counter: bool, reporter: Reporter<'_>) -> Option<HistogramSum> {
    let samples = window.histograms;
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
    let told = |at: usize| window.starts.restarted(samples[at].timestamp_ms, samples[at + 1].timestamp_ms);
    // A first sample that is followed by a restart counts as empty, whatever its buckets are.
    let empty = Histogram { schema: second.schema, bounds: second.bounds.clone(), ..Histogram::default() };
    let restarted = is_counter && (told(0) || is_reset(first, second));
    let base = if restarted { &empty } else { first };
    let within = if is_counter { &histograms[1..] } else { std::slice::from_ref(&last) };
    if within.iter().any(|histogram| histogram.is_custom() != base.is_custom()) {
        reporter.incompatible();
        return None;
    }
    let mut growth = HistogramSum::new(last);
    add(&mut growth, base, -1.0, reporter)?;
    let pairs = if is_counter { histograms.len() - 1 } else { 0 };
    for at in 0..pairs {
        let before = if at == 0 { base } else { histograms[at] };
        if told(at) || is_reset(before, histograms[at + 1]) {
            add(&mut growth, before, 1.0, reporter)?;
        }
    }
    Some(growth)
}

fn add(growth: &mut HistogramSum, other: &Histogram, sign: f64, reporter: Reporter<'_>) -> Option<()> {
    let Ok(notes) = growth.add(other, sign) else {
        reporter.incompatible();
        return None;
    };
    reporter.notes(without_resets(notes), if sign < 0.0 { "subtraction" } else { "addition" });
    Some(())
}
