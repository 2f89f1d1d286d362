//! The window that a function of a range looks through, and how it slides over a series.

use event::{HistogramSample, Sample};

use super::{Starts, resets::Reset};
use crate::parse::ast::Boundary;

/// What a function of a range sees at one step. Samples lie after the start and up to the end; with a boundary,
/// there are those around too.
pub struct Window<'a> {
    /// Without stale markers.
    pub samples: &'a [Sample],
    /// Likewise.
    pub histograms: &'a [HistogramSample],
    /// The window's start, in milliseconds.
    pub start_ms: i64,
    /// The window's end.
    pub end_ms: i64,
    /// The time of the step itself, from which `offset` and `@` may have moved the window.
    pub step_ms: i64,
    /// What stands for the samples that are missing at the ends.
    pub boundary: Option<Boundary>,
    /// Where a counter of numbers has started again.
    pub resets: &'a [Reset],
    /// What is known of the starts of all samples.
    pub starts: Starts<'a>,
}

/// Places of a window within samples, for rising times.
#[derive(Clone, Copy, Default)]
pub struct Slice {
    pub from: usize,
    pub to: usize,
}

impl Slice {
    /// Moves to what is after `start` and up to `end`.
    pub fn advance<T>(&mut self, samples: &[T], time: fn(&T) -> i64, start: i64, end: i64) {
        while samples.get(self.to).is_some_and(|s| time(s) <= end) {
            self.to += 1;
        }
        while self.from < self.to && time(&samples[self.from]) <= start {
            self.from += 1;
        }
    }
}
