//! Change of counters and gauges over a window.

use event::Sample;

use crate::eval::{OfWindow, OverTime, Window, sum_of_resets};

/// The function of this name.
pub fn find(name: &str) -> Option<OverTime> {
    let (eval, of_counter): (OfWindow, bool) = match name {
        "changes" => (|w, _| Some(changes(w.samples)), false),
        "delta" => (|w, _| extrapolated(w, false, 1.0), false),
        "idelta" => (|w, _| last_two(w).map(|(before, last)| last.value - before.value), false),
        "increase" => (|w, _| extrapolated(w, true, 1.0), true),
        "irate" => (|w, _| instant_rate(w), false),
        "rate" => (|w, _| extrapolated(w, true, seconds(w.start_ms, w.end_ms)), true),
        "resets" => (|w, _| Some(resets(w.samples)), false),
        _ => return None,
    };
    Some(OverTime { of_counter, ..OverTime::new(eval) })
}

fn seconds(from_ms: i64, to_ms: i64) -> f64 {
    (to_ms - from_ms) as f64 / 1000.0
}

/// By how much the window's samples grow, stretched to the window's ends where samples lie close enough to them
/// for the series to have likely been there; a counter is not stretched below zero. `per` seconds.
fn extrapolated(window: &Window<'_>, is_counter: bool, per: f64) -> Option<f64> {
    let [first, .., last] = window.samples else { return None };
    let mut growth = last.value - first.value;
    if is_counter {
        growth = sum_of_resets(window, growth);
    }
    let sampled = seconds(first.timestamp_ms, last.timestamp_ms);
    let average = sampled / (window.samples.len() - 1) as f64;
    let close = average * 1.1;
    let mut to_start = seconds(window.start_ms, first.timestamp_ms);
    let mut to_end = seconds(last.timestamp_ms, window.end_ms);
    if to_start >= close {
        to_start = average / 2.0;
    }
    if is_counter && growth > 0.0 && first.value >= 0.0 {
        to_start = to_start.min(sampled * (first.value / growth));
    }
    if to_end >= close {
        to_end = average / 2.0;
    }
    // The factor first, as Prometheus does: another order would round differently.
    let factor = (sampled + to_start + to_end) / sampled / per;
    Some(growth * factor)
}

fn last_two<'a>(window: &Window<'a>) -> Option<(&'a Sample, &'a Sample)> {
    match window.samples {
        [.., before, last] => Some((before, last)),
        _ => None,
    }
}

fn instant_rate(window: &Window<'_>) -> Option<f64> {
    let (before, last) = last_two(window)?;
    let growth = if last.value < before.value { last.value } else { last.value - before.value };
    Some(growth / seconds(before.timestamp_ms, last.timestamp_ms))
}

fn changes(samples: &[Sample]) -> f64 {
    let differs = |pair: &&[Sample]| {
        let (a, b) = (pair[0].value, pair[1].value);
        a != b && !(a.is_nan() && b.is_nan())
    };
    samples.windows(2).filter(differs).count() as f64
}

fn resets(samples: &[Sample]) -> f64 {
    samples.windows(2).filter(|pair| pair[1].value < pair[0].value).count() as f64
}
