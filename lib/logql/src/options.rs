//! How a query is to be answered: span, direction, limits.

use std::fmt;

/// In which order a log query returns entries, and which ones it keeps when there are more than the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    #[default]
    Backward,
}

/// The span of a range query. A log query answers the entries of `[start, end)`; a metric query answers
/// values at `start`, `start + step`, … up to and including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Nanoseconds since 1970.
    pub start_ns: i64,
    /// Nanoseconds since 1970.
    pub end_ns: i64,
    /// Distance of two values of a metric query; log queries ignore it.
    pub step_ns: i64,
}

/// Limits and wishes. `Default` is what Loki's API has.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Most lines that a log query returns.
    pub limit: usize,
    /// Order of a log query's lines.
    pub direction: Direction,
    /// Most series that any part of a metric query may have.
    pub max_series: usize,
    /// Most series in the answer of a metric query; those beyond it, with the smallest sums, are added up in one
    /// series `other`, with a notice.
    pub max_answer_series: usize,
    /// Most values per series.
    pub max_steps: usize,
    /// Most bytes that lines, labels and values may take in all, those in between included.
    pub max_bytes: usize,
    /// Asked now and then; `true` ends the query with [`crate::EvalError::Cancelled`].
    pub cancelled: Option<&'a dyn Fn() -> bool>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            limit: 100,
            direction: Direction::Backward,
            max_series: 100_000,
            max_answer_series: 500,
            max_steps: 11_000,
            max_bytes: usize::MAX,
            cancelled: None,
        }
    }
}

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("limit", &self.limit)
            .field("direction", &self.direction)
            .field("max_series", &self.max_series)
            .field("max_answer_series", &self.max_answer_series)
            .field("max_steps", &self.max_steps)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}
