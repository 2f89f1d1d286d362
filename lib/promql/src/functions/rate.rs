//! Change of counters and gauges over a window.

use event::{Histogram, HistogramSample, Sample};

use super::{histogram_edges, histogram_rate, whole};
use crate::{
    eval::{Datum, Edges, OfAll, OfWindow, OverTime, Reporter, Timed, Window, sum_of_resets},
    histogram::scaled,
    parse::ast::Boundary,
};

/// The function of this name.
pub fn find(name: &str) -> Option<OverTime> {
    let (eval, of_counter): (OfAll, bool) = match name {
        "changes" => (|w, _| whole::changes(w), false),
        "delta" => (|w, r| growth(w, r, GAUGE), false),
        "idelta" => (|w, r| whole::last_two(w, r, false), false),
        "increase" => (|w, r| growth(w, r, INCREASE), true),
        "irate" => (|w, r| whole::last_two(w, r, true), true),
        "rate" => (|w, r| growth(w, r, RATE), true),
        "resets" => (|w, _| whole::resets(w), false),
        _ => return None,
    };
    Some(OverTime { of_counter, ..OverTime::new(OfWindow::All(eval)) })
}

/// What is asked of the growth.
#[derive(Clone, Copy)]
struct Kind {
    is_counter: bool,
    per_second: bool,
}

const GAUGE: Kind = Kind { is_counter: false, per_second: false };
const INCREASE: Kind = Kind { is_counter: true, per_second: false };
const RATE: Kind = Kind { is_counter: true, per_second: true };

/// The time between two moments in seconds.
pub fn seconds(from_ms: i64, to_ms: i64) -> f64 {
    (to_ms - from_ms) as f64 / 1000.0
}

fn growth(window: &Window<'_>, reporter: Reporter<'_>, kind: Kind) -> Option<Datum> {
    if !window.samples.is_empty() && !window.histograms.is_empty() {
        reporter.mixed();
        return None;
    }
    let per = if kind.per_second { seconds(window.start_ms, window.end_ms) } else { 1.0 };
    if let (Some(boundary), false) = (window.boundary, window.histograms.is_empty()) {
        return histogram_edges::growth(window, boundary, kind.is_counter, per, reporter).map(Datum::from);
    }
    if let Some(boundary) = window.boundary {
        return bounded(window, boundary, kind.is_counter).map(|growth| Datum::Number(growth / per));
    }
    if kind.is_counter && (window.starts.overlap(window.samples) || window.starts.overlap(window.histograms))
    {
        reporter.overlap();
    }
    match window.histograms.is_empty() {
        true => extrapolated(window, kind.is_counter, per).map(Datum::Number),
        false => extrapolated_histogram(window, kind.is_counter, per, reporter).map(Datum::from),
    }
}

/// By how much the window's samples grow, stretched to the window's ends.
fn extrapolated(window: &Window<'_>, is_counter: bool, per: f64) -> Option<f64> {
    let span = Span::of(window, window.samples, is_counter)?;
    let (first, last) = (window.samples.first()?, window.samples.last()?);
    let mut growth = last.value - first.value;
    if is_counter {
        growth = sum_of_resets(window.resets, growth);
    }
    if span.begins_at_zero() {
        growth += first.value;
    }
    // The factor first, as Prometheus does: another order would round differently.
    Some(growth * (span.factor(window, is_counter, first.value, growth) / per))
}

fn extrapolated_histogram(
    window: &Window<'_>,
    is_counter: bool,
    per: f64,
    reporter: Reporter<'_>,
) -> Option<Histogram> {
    let span = Span::of(window, window.histograms, is_counter)?;
    let growth = histogram_rate::growth(window, is_counter, span.begins_at_zero(), reporter)?;
    let first = window.histograms.first()?.histogram.count;
    Some(scaled(&growth, span.factor(window, is_counter, first, growth.count) / per))
}

/// The time that samples span.
struct Span {
    first_ms: i64,
    last_ms: i64,
    count: usize,
    /// When within the window the counter was zero, if the first sample says so.
    zero_ms: Option<i64>,
}

impl Span {
    /// `None` if the samples do not tell of any growth.
    fn of<T: Timed>(window: &Window<'_>, samples: &[T], is_counter: bool) -> Option<Self> {
        let (first_ms, last_ms) = (samples.first()?.time_ms(), samples.last()?.time_ms());
        let zero_ms = if is_counter { window.starts.of(first_ms) } else { None };
        let zero_ms = zero_ms.filter(|zero| *zero > window.start_ms && *zero < first_ms);
        let span = Span { first_ms, last_ms, count: samples.len(), zero_ms };
        (span.count > 1 || span.begins_at_zero()).then_some(span)
    }

    fn begins_at_zero(&self) -> bool {
        self.zero_ms.is_some()
    }

    /// By how much a growth beyond the first value is stretched: to the window's ends where samples lie close enough
    /// to them for the series to have likely been there; a counter is not stretched below zero.
    fn factor(&self, window: &Window<'_>, is_counter: bool, first: f64, growth: f64) -> f64 {
        let sampled = seconds(self.zero_ms.unwrap_or(self.first_ms), self.last_ms);
        let average = seconds(self.first_ms, self.last_ms) / (self.count - 1).max(1) as f64;
        let close = average * 1.1;
        let mut to_start = seconds(window.start_ms, self.first_ms);
        let mut to_end = seconds(self.last_ms, window.end_ms);
        if to_start >= close {
            to_start = average / 2.0;
        }
        if is_counter && growth > 0.0 && first >= 0.0 {
            to_start = to_start.min(sampled * (first / growth));
        }
        if self.begins_at_zero() {
            to_start = 0.0;
        }
        if to_end >= close {
            to_end = average / 2.0;
        }
        (sampled + to_start + to_end) / sampled
    }
}

/// The growth between the window's ends, without stretching it.
fn bounded(window: &Window<'_>, boundary: Boundary, is_counter: bool) -> Option<f64> {
    let smoothed = boundary == Boundary::Smoothed;
    let edges = Edges::of(window.samples, window.start_ms, window.end_ms, smoothed)?;
    let (left, right) = edges.values(window.samples, is_counter);
    let growth = right - left;
    if !is_counter {
        return Some(growth);
    }
    let (mut lost, mut before) = (0.0, left);
    for value in edges.within(window.samples).iter().map(|sample| sample.value).chain([right]) {
        if value < before {
            lost += before;
        }
        before = value;
    }
    Some(growth + lost)
}

/// A sample of either kind.
#[derive(Clone, Copy)]
pub enum Either<'a> {
    Number(&'a Sample),
    Histogram(&'a HistogramSample),
}

impl Either<'_> {
    pub fn timestamp_ms(&self) -> i64 {
        match self {
            Either::Number(sample) => sample.timestamp_ms,
            Either::Histogram(sample) => sample.timestamp_ms,
        }
    }
}
