//! Rows in columns: what a chunk in memory holds, and a block of a segment after decoding.

mod logs;
mod samples;

use logql::LineFilter;
use serde::{Deserialize, Serialize};

use crate::codec::Damaged;

pub use logs::LogColumns;
pub use samples::SampleColumns;

/// Which of the two worlds a question is about. Times are nanoseconds for logs, milliseconds for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Streams of log entries; spans are `[start, end)` in nanoseconds.
    Logs,
    /// Series of samples; spans are `[start, end]` in milliseconds.
    Metrics,
}

/// Rows of one kind, each with a time.
pub trait Columns: Default + Clone + Send + Sync + 'static {
    const KIND: Kind;

    /// Empty, with memory for content of this weight.
    fn with_room(bytes: usize) -> Self;

    fn rows(&self) -> usize;

    fn timestamp(&self, row: usize) -> i64;

    /// Bytes of content: what limits of size count.
    fn weight(&self) -> usize;

    /// Whether the row's line passes all filters; a row without a line passes none.
    fn passes(&self, row: usize, filters: &[LineFilter]) -> bool;

    fn push_from(&mut self, other: &Self, row: usize);

    fn encode(&self) -> Vec<u8>;

    fn decode(raw: Vec<u8>) -> Result<Self, Damaged>;
}
