//! What a query sees.

use event::{Labels, Matcher, MetricFamily};
use serde::Serialize;

use crate::QueryError;

/// Which of the two worlds a question is about. Times are nanoseconds for logs, milliseconds for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Streams of log entries; spans are `[start, end)` in nanoseconds.
    Logs,
    /// Series of samples; spans are `[start, end]` in milliseconds.
    Metrics,
}

/// A consistent view of the index as of one moment; later changes do not touch it. Reads block: call them
/// where blocking is allowed.
pub struct Snapshot {}

/// How much a selector holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Streams.
    pub streams: u64,
    /// Blocks, whole ones and those in memory.
    pub chunks: u64,
    /// Entries of these blocks.
    pub entries: u64,
    /// Bytes of their lines.
    pub bytes: u64,
}

impl Snapshot {
    /// Names of the labels of the matching streams or series that have data in the span, sorted.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn label_names(
        &self,
        _kind: Kind,
        _matchers: &[Matcher],
        _start: i64,
        _end: i64,
    ) -> Result<Vec<String>, QueryError> {
        Ok(Vec::new())
    }

    /// Values of one label of the matching streams or series that have data in the span, sorted.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn label_values(
        &self,
        _kind: Kind,
        _name: &str,
        _matchers: &[Matcher],
        _start: i64,
        _end: i64,
    ) -> Result<Vec<String>, QueryError> {
        Ok(Vec::new())
    }

    /// The matching streams or series that have data in the span, sorted.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn series(
        &self,
        _kind: Kind,
        _matchers: &[Matcher],
        _start: i64,
        _end: i64,
    ) -> Result<Vec<Labels>, QueryError> {
        Ok(Vec::new())
    }

    /// Types and help texts of the metrics, sorted by name.
    pub fn families(&self) -> Vec<MetricFamily> {
        Vec::new()
    }

    /// How much the matching log streams hold in `[start_ns, end_ns)`, by whole blocks.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn stats(&self, _matchers: &[Matcher], _start_ns: i64, _end_ns: i64) -> Result<Stats, QueryError> {
        Ok(Stats::default())
    }

    /// What the reads of this snapshot so far had to leave out: damaged or missing segments, by name.
    pub fn notices(&self) -> Vec<String> {
        Vec::new()
    }
}

impl logql::Entries for Snapshot {
    fn scan(&self, _: &logql::Scan<'_>, _: &mut logql::Visit<'_>) -> Result<(), logql::ScanError> {
        Ok(())
    }
}

impl promql::Storage for Snapshot {
    fn select(&self, _: &[Matcher], _: i64, _: i64) -> Result<Vec<event::Series>, promql::StorageError> {
        Ok(Vec::new())
    }
}
