//! The log entries that rules may still look at: only those that some rule's selector and leading filters let
//! through, only as far back as its range reaches, no more than the limit.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::ControlFlow,
};

use event::{Labels, LogEntry, Matcher};
use logql::{Entries, EntryRef, LineFilter, Order, Scan, ScanError, Visit};

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
    entries: VecDeque<LogEntry>,
}

impl LineStore {
    /// Keeps what `interests` let through, at most `max_entries` entries.
    pub fn new(interests: Vec<LineInterest>, max_entries: usize) -> Self {
        LineStore { interests, max_entries, count: 0, refused: 0, streams: BTreeMap::new() }
    }

    /// Puts an entry in its place.
    pub fn insert(&mut self, labels: &Labels, entry: &LogEntry) -> Inserted {
        if !self.streams.contains_key(labels) {
            let Some(stream) = Stream::new(labels, &self.interests) else { return Inserted::NotWanted };
            self.streams.insert(labels.clone(), stream);
        }
        let Some(stream) = self.streams.get_mut(labels) else { return Inserted::NotWanted };
        let mut interests = stream.interests.iter().map(|at| &self.interests[*at]);
        if !interests.any(|interest| interest.filters.iter().all(|filter| filter.matches(&entry.line))) {
            return Inserted::NotWanted;
        }
        if self.count >= self.max_entries {
            self.refused += 1;
            return Inserted::Refused;
        }
        stream.insert(entry.clone());
        self.count += 1;
        Inserted::Kept
    }

    /// Forgets what steps after `step_ms` no longer look at.
    pub fn forget_before(&mut self, step_ms: i64) {
        for stream in self.streams.values_mut() {
            let until_ns = nanos(step_ms.saturating_sub(stream.keep_ms));
            let old = stream.entries.partition_point(|entry| entry.timestamp_ns < until_ns);
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

    fn insert(&mut self, entry: LogEntry) {
        let at = self.entries.partition_point(|known| known.timestamp_ns <= entry.timestamp_ns);
        self.entries.insert(at, entry);
    }

    fn between(&self, start_ns: i64, end_ns: i64) -> impl DoubleEndedIterator<Item = &LogEntry> {
        let from = self.entries.partition_point(|entry| entry.timestamp_ns < start_ns);
        let to = self.entries.partition_point(|entry| entry.timestamp_ns < end_ns);
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

impl Entries for LinesUntil<'_> {
    fn scan(&self, scan: &Scan<'_>, visit: &mut Visit<'_>) -> Result<(), ScanError> {
        let end_ns = scan.end_ns.min(nanos(self.end_ms).saturating_add(1));
        let fits = |labels: &Labels| scan.matchers.iter().all(|m| m.matches_labels(labels));
        let streams = self.store.streams.iter().filter(|(labels, _)| fits(labels));
        let mut all: Vec<(&Labels, &LogEntry)> = streams
            .flat_map(|(labels, stream)| {
                stream.between(scan.start_ns, end_ns).map(move |entry| (labels, entry))
            })
            .collect();
        if scan.order != Order::Unordered {
            all.sort_by_key(|(_, entry)| entry.timestamp_ns);
        }
        if scan.order == Order::Backward {
            all.reverse();
        }
        for (labels, entry) in all {
            let lent =
                EntryRef { timestamp_ns: entry.timestamp_ns, line: &entry.line, metadata: &entry.metadata };
            if let ControlFlow::Break(()) = visit(labels, lent) {
                break;
            }
        }
        Ok(())
    }
}

fn nanos(ms: i64) -> i64 {
    ms.saturating_mul(1_000_000)
}
