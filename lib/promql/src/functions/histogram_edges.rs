//! Growth of native histograms between the ends of a window, without stretching it; and histograms between others.

use std::sync::Arc;

use event::{Histogram, HistogramSample, ResetHint};

use super::whole::without_resets;
use crate::{
    eval::{Edges, Reporter, Window, share},
    histogram::{HistogramSum, combined, compacted, divided, is_reset, scaled},
    parse::ast::Boundary,
};

/// The histogram between two others; a counter that has started again begins at nothing.
pub fn between(
    before: &HistogramSample,
    after: &HistogramSample,
    time_ms: i64,
    is_counter: bool,
    reporter: Reporter<'_>,
) -> Option<Histogram> {
    if time_ms == before.timestamp_ms || time_ms == after.timestamp_ms {
        let exact = if time_ms == before.timestamp_ms { before } else { after };
        return Some((*exact.histogram).clone());
    }
    let share = share(before, after, time_ms);
    let (before, after) = (&*before.histogram, &*after.histogram);
    if is_counter && is_reset(before, after) {
        return Some(scaled(after, share));
    }
    let difference = reported(combined(after, before, -1.0), reporter, "subtraction")?;
    reported(combined(&scaled(&difference, share), before, 1.0), reporter, "addition")
}

fn reported(
    sum: Result<(Histogram, crate::histogram::Notes), crate::histogram::Incompatible>,
    reporter: Reporter<'_>,
    operation: &str,
) -> Option<Histogram> {
    match sum {
        Ok((sum, notes)) => {
            reporter.notes(without_resets(notes), operation);
            Some(sum)
        }
        Err(_) => {
            reporter.incompatible();
            None
        }
    }
}

/// The growth between the window's ends, divided by `per`.
pub fn growth(
    window: &Window<'_>,
    boundary: Boundary,
    is_counter: bool,
    per: f64,
    reporter: Reporter<'_>,
) -> Option<Histogram> {
    let samples = window.histograms;
    let edges = Edges::of(samples, window.start_ms, window.end_ms, boundary == Boundary::Smoothed)?;
    let seen = &samples[edges.first..=edges.last];
    if seen.iter().any(|sample| sample.histogram.is_custom() != seen[0].histogram.is_custom()) {
        reporter.incompatible();
        return None;
    }
    let is_gauge = |histogram: &Histogram| histogram.reset == ResetHint::Gauge;
    if is_counter && seen.iter().any(|sample| is_gauge(&sample.histogram)) {
        reporter.not_a_counter();
    }
    let edge = |around: Option<(&HistogramSample, &HistogramSample)>, at: usize, time_ms| match around {
        Some((before, after)) => between(before, after, time_ms, is_counter, reporter),
        None => Some((*samples[at].histogram).clone()),
    };
    let left = edge(edges.around_start(samples), edges.first, edges.start_ms)?;
    let right = edge(edges.around_end(samples), edges.last, edges.end_ms)?;
    let gauges = is_gauge(&left) && is_gauge(&right);
    if !is_counter && !gauges {
        reporter.not_a_gauge();
    }
    let mut growth = HistogramSum::new(&right);
    let notes = growth.add(&left, -1.0).ok()?;
    reporter.notes(without_resets(notes), "subtraction");
    if is_counter {
        for lost in losses(samples, &edges, &left, &right) {
            let notes = growth.add(&lost, 1.0).ok()?;
            reporter.notes(without_resets(notes), "addition");
        }
    }
    let growth = Histogram { reset: ResetHint::Gauge, ..growth.total() };
    Some(compacted(divided(&growth, per)))
}

/// What the counter had each time before it started again.
fn losses(
    samples: &[HistogramSample],
    edges: &Edges,
    left: &Histogram,
    right: &Histogram,
) -> Vec<Arc<Histogram>> {
    let mut first = edges.first + 1;
    let mut before = Arc::new(left.clone());
    // A restart between the samples around the start is in the value at the start already.
    if let Some((a, b)) = edges.around_start(samples)
        && is_reset(&a.histogram, &b.histogram)
    {
        before = b.histogram.clone();
        first += 1;
    }
    if first > edges.last {
        return Vec::new();
    }
    let within = samples[first..edges.last].iter().map(|sample| sample.histogram.clone());
    let mut losses = Vec::new();
    for after in within.chain([Arc::new(right.clone())]) {
        if is_reset(&before, &after) {
            losses.push(before);
        }
        before = after;
    }
    losses
}

/// The histogram at `time_ms` from the samples not further away than `reach_ms`.
pub fn at(
    samples: &[HistogramSample],
    time_ms: i64,
    reach_ms: i64,
    reporter: Reporter<'_>,
) -> Option<Arc<Histogram>> {
    use crate::eval::Place;
    match crate::eval::place(samples, time_ms, reach_ms)? {
        Place::At(sample) => Some(sample.histogram.clone()),
        Place::Behind(sample) => {
            Some(Arc::new(Histogram { reset: ResetHint::Unknown, ..(*sample.histogram).clone() }))
        }
        Place::Between(before, after) if before.histogram.is_custom() != after.histogram.is_custom() => {
            reporter.incompatible();
            None
        }
        Place::Between(before, after) => {
            let gauges = [before, after].map(|sample| sample.histogram.reset == ResetHint::Gauge);
            between(before, after, time_ms, gauges != [true, true], reporter).map(Arc::new)
        }
    }
}
