//! Functions that look at numbers and histograms alike, one after the other.

use event::ResetHint;

use super::rate::{Either, seconds};
use crate::{
    eval::{Datum, Reporter, Window},
    histogram::{combined, compacted, divided, equal, is_reset},
    parse::ast::Boundary,
};

/// All samples of the window by time.
pub fn all<'a>(window: &Window<'a>) -> Vec<Either<'a>> {
    let numbers = window.samples.iter().map(Either::Number);
    let mut all: Vec<_> = numbers.chain(window.histograms.iter().map(Either::Histogram)).collect();
    if !window.histograms.is_empty() {
        all.sort_by_key(Either::timestamp_ms);
    }
    all
}

/// How often `differs` holds between a sample and the next; anchored, the last sample before the window counts too.
fn count(window: &Window<'_>, differs: impl Fn(&Either<'_>, &Either<'_>) -> bool) -> Option<Datum> {
    let mut all = all(window);
    if window.boundary == Some(Boundary::Anchored) {
        let before = all.partition_point(|sample| sample.timestamp_ms() <= window.start_ms);
        if before == all.len() {
            return None;
        }
        all.drain(..before.saturating_sub(1));
    }
    let count = all.windows(2).filter(|pair| differs(&pair[0], &pair[1])).count();
    Some(Datum::Number(count as f64))
}

pub fn changes(window: &Window<'_>) -> Option<Datum> {
    count(window, |before, after| match (before, after) {
        (Either::Number(a), Either::Number(b)) => {
            a.value != b.value && !(a.value.is_nan() && b.value.is_nan())
        }
        (Either::Histogram(a), Either::Histogram(b)) => !equal(&a.histogram, &b.histogram),
        _ => true,
    })
}

pub fn resets(window: &Window<'_>) -> Option<Datum> {
    count(window, |before, after| match (before, after) {
        _ if window.starts.restarted(before.timestamp_ms(), after.timestamp_ms()) => true,
        (Either::Number(a), Either::Number(b)) => b.value < a.value,
        (Either::Histogram(a), Either::Histogram(b)) => is_reset(&a.histogram, &b.histogram),
        _ => true,
    })
}

/// The difference of the last two samples, per second for a counter.
pub fn last_two(window: &Window<'_>, reporter: Reporter<'_>, is_counter: bool) -> Option<Datum> {
    let all = all(window);
    let [.., before, last] = all[..] else { return None };
    let per = if is_counter { seconds(before.timestamp_ms(), last.timestamp_ms()) } else { 1.0 };
    let restarted = is_counter && window.starts.restarted(before.timestamp_ms(), last.timestamp_ms());
    match (before, last) {
        (Either::Number(before), Either::Number(last)) => {
            let fell = restarted || is_counter && last.value < before.value;
            Some(Datum::Number(if fell { last.value } else { last.value - before.value } / per))
        }
        (Either::Histogram(before), Either::Histogram(last)) => {
            let (before, last) = (&*before.histogram, &*last.histogram);
            let gauges = [before.reset, last.reset].map(|hint| hint == ResetHint::Gauge);
            if is_counter && gauges != [false, false] {
                reporter.not_a_counter();
            }
            if !is_counter && gauges != [true, true] {
                reporter.not_a_gauge();
            }
            let mut growth = last.clone();
            if !is_counter || !(restarted || is_reset(before, last)) {
                let Ok((difference, notes)) = combined(last, before, -1.0) else {
                    reporter.incompatible();
                    return None;
                };
                reporter.notes(without_resets(notes), "subtraction");
                growth = difference;
            }
            growth.reset = ResetHint::Gauge;
            Some(divided(&compacted(growth), per).into())
        }
        _ => {
            reporter.mixed();
            None
        }
    }
}

/// Functions of counters see to restarts themselves.
pub fn without_resets(notes: crate::histogram::Notes) -> crate::histogram::Notes {
    crate::histogram::Notes { conflicting_resets: false, ..notes }
}
