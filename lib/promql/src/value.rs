//! Answers: what a query evaluates to.

use event::{HistogramSeries, Labels, Sample, Series};

/// The value and what the user should know about how it came to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What the query evaluates to.
    pub value: Value,
    /// Its native histograms: in a vector one of each series, in a matrix many. A series with both has its numbers
    /// in the value.
    pub histograms: Vec<HistogramSeries>,
    /// The answer may be wrong, and why; each begins with `PromQL warning: `.
    pub warnings: Vec<String>,
    /// Hints; each begins with `PromQL info: `.
    pub infos: Vec<String>,
    /// How many samples were loaded and computed.
    pub samples: usize,
}

/// A value of one of PromQL's four types.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// One number.
    Scalar(Sample),
    /// One sample of each series, all of one time; in the order in which the query gives them.
    Vector(Vec<(Labels, Sample)>),
    /// Samples of each series over a range, sorted by labels. Every answer to a range query is one.
    Matrix(Vec<Series>),
    /// A text.
    String {
        /// Milliseconds since 1970.
        timestamp_ms: i64,
        /// The text.
        value: String,
    },
}
