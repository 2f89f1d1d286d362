//! Rows in columns: what a chunk in memory holds, and a block of a segment after decoding.

mod log_block;
mod logs;
mod metadata;
mod samples;
mod timestamps;

use logql::LineFilter;
use serde::{Deserialize, Serialize};

use crate::segment::{Damage, Sections};

pub use log_block::{LogBlock, LogLines};
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

/// Rows, each with a time.
pub trait Rows {
    fn rows(&self) -> usize;

    fn timestamp(&self, row: usize) -> i64;

    /// Whether the row's line passes all filters; a row without a line passes none.
    ///
    /// # Errors
    /// When the line is damaged.
    fn passes(&self, row: usize, filters: &[LineFilter]) -> Result<bool, Damage>;
}

/// Rows of one kind in memory.
pub trait Columns: Rows + Default + Clone + Send + Sync + 'static {
    const KIND: Kind;

    /// What a block of a segment is opened as.
    type Block: Block<Self>;

    /// Empty, with memory for content of this weight.
    fn with_room(bytes: usize) -> Self;

    /// Bytes of content: what limits of size count.
    fn weight(&self) -> usize;

    fn push_from(&mut self, other: &Self, row: usize);

    /// The sections of a block.
    fn encode(&self) -> Vec<Vec<u8>>;
}

/// Rows in a block of a segment; reads what somebody asks for.
pub trait Block<C>: Rows + Sized + Send + Sync {
    /// # Errors
    /// When sections are damaged.
    fn open(sections: Sections) -> Result<Self, Damage>;

    /// All that is in it.
    ///
    /// # Errors
    /// When sections are damaged.
    fn into_columns(self) -> Result<C, Damage>;
}
