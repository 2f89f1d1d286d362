//! What the evaluator asks of a store: entries of the streams that match, in a span of time.

use std::ops::ControlFlow;

use event::{Labels, Matcher};
use thiserror::Error;

use crate::{lens::Lens, stage::line_filter::LineFilter};

/// In which order a scan visits entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Oldest first, over all streams.
    Forward,
    /// Newest first, over all streams.
    Backward,
    /// As it is cheapest: the evaluator does not care.
    Unordered,
}

/// One pass over a store.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    /// All of them hold for the labels of every visited stream.
    pub matchers: &'a [Matcher],
    /// First instant that belongs to the scan.
    pub start_ns: i64,
    /// First instant that no longer belongs to it.
    pub end_ns: i64,
    /// The order in which entries come.
    pub order: Order,
    /// The leading line filters of the query. A hint: the store may skip what they refuse; the evaluator
    /// applies them anyway.
    pub filters: &'a [LineFilter],
    /// What the stages behind the filters look at, if that can be told. For a scan of entries a hint as well: the store
    /// may skip what [`Lens::passes`] refuses.
    pub lens: Option<&'a Lens<'a>>,
}

/// One entry, lent for the time of the visit.
#[derive(Clone, Copy, Debug)]
pub struct EntryRef<'a> {
    /// Nanoseconds since 1970.
    pub timestamp_ns: i64,
    /// Any bytes.
    pub line: &'a [u8],
    /// Structured metadata.
    pub metadata: &'a [(String, String)],
}

/// What a scan calls for each entry; `Break` ends the scan early.
pub type Visit<'v> = dyn FnMut(&Labels, EntryRef<'_>) -> ControlFlow<()> + 'v;

/// Times of entries of one stream that have the same metadata, and lines that are the same to the scan's lens, in any
/// order; lent for the time of the visit.
#[derive(Clone, Copy, Debug)]
pub struct Times<'a> {
    /// Nanoseconds since 1970.
    pub timestamps_ns: &'a [i64],
    /// One of the lines; without a lens nobody looks at it, and it is empty.
    pub line: &'a [u8],
    /// Structured metadata.
    pub metadata: &'a [(String, String)],
}

/// What a scan of times calls; `Break` ends the scan early.
pub type VisitTimes<'v> = dyn FnMut(&Labels, Times<'_>) -> ControlFlow<()> + 'v;

/// A source of entries.
pub trait Entries {
    /// Visits every entry of `scan` once, in its order. Two entries with the same time come in the order of
    /// their arrival (`Forward`) or its reverse (`Backward`).
    ///
    /// # Errors
    /// When the store cannot be read.
    fn scan(&self, scan: &Scan<'_>, visit: &mut Visit<'_>) -> Result<(), ScanError>;

    /// Visits the times of the entries that pass all filters of `scan`, each once, in any order. Here filters are no
    /// hint: nobody looks at the lines again.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn scan_times(&self, scan: &Scan<'_>, visit: &mut VisitTimes<'_>) -> Result<(), ScanError> {
        self.scan(scan, &mut |stream, entry| {
            if !scan.filters.iter().all(|filter| filter.matches(entry.line)) {
                return ControlFlow::Continue(());
            }
            let line = if scan.lens.is_some() { entry.line } else { &[] };
            visit(stream, Times { timestamps_ns: &[entry.timestamp_ns], line, metadata: entry.metadata })
        })
    }
}

/// The store could not be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ScanError(pub String);
