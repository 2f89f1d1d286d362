//! The log entries that rules may still look at: only those that some rule's selector and leading filters let
//! through, only as far back as its range reaches, no more than the limit.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::ControlFlow,
    sync::Arc,
};

use event::{Labels, LogEntry, Matcher};
use logql::{Entries, EntryRef, LineFilter, LogExpr, Order, Scan, ScanError, Visit};

use super::series_store::Inserted;

/// What some rule reads.
#[derive(Clone, Debug)]
pub struct LineInterest {
    /// All must match the stream.
    pub matchers: Vec<Matcher>,
    /// All must let the line through.
    pub filters: Vec<LineFilter>,
    /// How far back from a step, in milliseconds.
    pub reach_ms: i64,
}

impl LineInterest {
    /// As a query for lines.
    pub fn query(&self) -> String {
        let matchers = self.matchers.clone();
        LogExpr::new(matchers, self.filters.clone()).to_string()
    }

    /// Whether the query finds a line of a stream.
    pub fn finds(&self, labels: &Labels, line: &[u8]) -> bool {
        self.matchers.iter().all(|m| m.matches_labels(labels)) && self.lets_through(line)
    }

    fn lets_through(&self, line: &[u8]) -> bool {
        self.filters.iter().all(|filter| filter.matches(line))
    }
}

/// Entries in memory.
#[derive(Debug)]
pub struct LineStore {
    interests: Vec<LineInterest>,
    max_entries: usize,
    count: usize,
    refused: u64,
    streams: BTreeMap<Labels, Stream>,
}

/// The entries of a stream in the order of time; of equal times in the order of their arrival.
#[derive(Debug)]
struct Stream {
    /// Indices of the interests whose matchers fit.
    interests: Vec<usize>,
    keep_ms: i64,
    entries: VecDeque<Sourced>,
}

/// An entry, and where it is from.
#[derive(Clone, Debug)]
pub struct Sourced {
    /// Identity of the source; empty if it has none.
    pub source: Arc<str>,
    /// Its position is one in the source.
    pub entry: LogEntry,
}

impl Sourced {
    /// As the evaluator looks at it.
    pub fn lent(&self) -> EntryRef<'_> {
        let LogEntry { timestamp_ns, line, metadata, .. } = &self.entry;
        EntryRef { timestamp_ns: *timestamp_ns, line, metadata }
    }
}

impl LineStore {
    /// Keeps what `interests` let through, at most `max_entries` entries.
    pub fn new(interests: Vec<LineInterest>, max_entries: usize) -> Self {
        LineStore { interests, max_entries, count: 0, refused: 0, streams: BTreeMap::new() }
    }

    /// Puts an entry in its place.
    pub fn insert(&mut self, labels: &Labels, new: &Sourced) -> Inserted {
        if !self.streams.contains_key(labels) {
            let Some(stream) = Stream::new(labels, &self.interests) else { return Inserted::NotWanted };
            self.streams.insert(labels.clone(), stream);
        }
        let Some(stream) = self.streams.get_mut(labels) else { return Inserted::NotWanted };
        let mut interests = stream.interests.iter().map(|at| &self.interests[*at]);
        if !interests.any(|interest| interest.lets_through(&new.entry.line)) {
            return Inserted::NotWanted;
        }
        if self.count >= self.max_entries {
            self.refused += 1;
            return Inserted::Refused;
        }
        stream.insert(new.clone());
        self.count += 1;
        Inserted::Kept
    }

    /// Forgets what steps after `step_ms` no longer look at.
    pub fn forget_before(&mut self, step_ms: i64) {
        for stream in self.streams.values_mut() {
            let until_ns = nanos(step_ms.saturating_sub(stream.keep_ms));
            let old = stream.entries.partition_point(|known| known.entry.timestamp_ns < until_ns);
            stream.entries.drain(..old);
        }
        self.streams.retain(|_, stream| !stream.entries.is_empty());
        self.count = self.streams.values().map(|stream| stream.entries.len()).sum();
    }

    /// How many entries were refused because there were too many already, since the last call.
    pub fn take_refusals(&mut self) -> Option<String> {
        let refused = std::mem::take(&mut self.refused);
        (refused > 0).then(|| {
            format!(
                "rules already hold {} log lines: {refused} more were left out; put a line filter behind the \
                 selector, shorten the range, or raise `max_lines`",
                self.count
            )
        })
    }
}

impl Stream {
    fn new(labels: &Labels, interests: &[LineInterest]) -> Option<Self> {
        let fits = |interest: &LineInterest| interest.matchers.iter().all(|m| m.matches_labels(labels));
        let fitting: Vec<usize> = (0..interests.len()).filter(|at| fits(&interests[*at])).collect();
        let keep_ms = fitting.iter().map(|at| interests[*at].reach_ms).max()?;
        Some(Stream { interests: fitting, keep_ms, entries: VecDeque::new() })
    }

    fn insert(&mut self, new: Sourced) {
        let at = self.entries.partition_point(|known| known.entry.timestamp_ns <= new.entry.timestamp_ns);
        self.entries.insert(at, new);
    }

    fn between(&self, start_ns: i64, end_ns: i64) -> impl DoubleEndedIterator<Item = &Sourced> {
        let from = self.entries.partition_point(|known| known.entry.timestamp_ns < start_ns);
        let to = self.entries.partition_point(|known| known.entry.timestamp_ns < end_ns);
        self.entries.range(from..to.max(from))
    }
}

/// The store as a step sees it: nothing is later than `end_ms`.
pub struct LinesUntil<'a> {
    /// All entries.
    pub store: &'a LineStore,
    /// The last time that is seen.
    pub end_ms: i64,
}

impl<'a> LinesUntil<'a> {
    /// The entries of the streams that match, stream by stream; the end is excluded.
    pub fn between(
        &self,
        matchers: &[Matcher],
        start_ns: i64,
        end_ns: i64,
    ) -> impl Iterator<Item = (&'a Labels, &'a Sourced)> {
        let end_ns = end_ns.min(nanos(self.end_ms).saturating_add(1));
        let fits = |labels: &Labels| matchers.iter().all(|m| m.matches_labels(labels));
        let streams = self.store.streams.iter().filter(move |(labels, _)| fits(labels));
        streams.flat_map(move |(labels, stream)| {
            stream.between(start_ns, end_ns).map(move |known| (labels, known))
        })
    }
}

impl Entries for LinesUntil<'_> {
    fn scan(&self, scan: &Scan<'_>, visit: &mut Visit<'_>) -> Result<(), ScanError> {
        let mut all: Vec<(&Labels, &Sourced)> =
            self.between(scan.matchers, scan.start_ns, scan.end_ns).collect();
        if scan.order != Order::Unordered {
            all.sort_by_key(|(_, known)| known.entry.timestamp_ns);
        }
        if scan.order == Order::Backward {
            all.reverse();
        }
        for (labels, known) in all {
            if let ControlFlow::Break(()) = visit(labels, known.lent()) {
                break;
            }
        }
        Ok(())
    }
}

fn nanos(ms: i64) -> i64 {
    ms.saturating_mul(1_000_000)
}
