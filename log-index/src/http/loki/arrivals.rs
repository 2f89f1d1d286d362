//! Entries that have just arrived, as a source for the evaluator.

use std::sync::Arc;

use event::{LogBatch, LogEntry};
use logql::{Entries, EntryRef, Order, Range, Scan, ScanError, Visit};

use crate::Scope;

/// Batches in the order of their arrival.
pub(super) struct Arrivals(pub Vec<Arc<LogBatch>>);

impl Arrivals {
    /// A range with all entries in it.
    pub fn range(&self) -> Range {
        let times = || self.0.iter().flat_map(|batch| &batch.entries).map(|entry| entry.timestamp_ns);
        Range {
            start_ns: times().min().unwrap_or(0),
            end_ns: times().max().unwrap_or(0).saturating_add(1),
            step_ns: 1_000_000_000,
        }
    }

    /// As a certain reader sees them.
    pub fn scoped(self, scope: &Scope) -> Self {
        let seen = |batch: Arc<LogBatch>| {
            let labels = scope.stream(&batch.labels)?;
            Some(if labels == batch.labels {
                batch
            } else {
                Arc::new(LogBatch { labels, ..(*batch).clone() })
            })
        };
        Arrivals(self.0.into_iter().filter_map(seen).collect())
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(|batch| batch.entries.len()).sum()
    }
}

impl Entries for Arrivals {
    fn scan(&self, scan: &Scan<'_>, visit: &mut Visit<'_>) -> Result<(), ScanError> {
        let fitting = self.0.iter().filter(|b| scan.matchers.iter().all(|m| m.matches_labels(&b.labels)));
        let entries = fitting.flat_map(|batch| batch.entries.iter().map(move |entry| (batch, entry)));
        let inside = |entry: &LogEntry| (scan.start_ns..scan.end_ns).contains(&entry.timestamp_ns);
        let mut found: Vec<_> = entries.filter(|(_, entry)| inside(entry)).collect();
        found.sort_by_key(|(_, entry)| entry.timestamp_ns);
        if scan.order == Order::Backward {
            found.reverse();
        }
        for (batch, entry) in found {
            let LogEntry { timestamp_ns, line, metadata, .. } = entry;
            let entry = EntryRef { timestamp_ns: *timestamp_ns, line, metadata };
            if visit(&batch.labels, entry).is_break() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use event::{Labels, Matcher};

    use super::*;

    fn batch(job: &str, times: &[i64]) -> Arc<LogBatch> {
        let entry = |&timestamp_ns| LogEntry {
            timestamp_ns,
            line: format!("{job} {timestamp_ns}").into(),
            ..LogEntry::default()
        };
        let entries = times.iter().map(entry).collect();
        Arc::new(LogBatch { labels: Labels::from([("job", job)]), entries, ..LogBatch::default() })
    }

    #[test]
    fn entries_come_in_the_order_of_time_within_the_span_and_the_selector() {
        let arrivals = Arrivals(vec![batch("a", &[3, 1]), batch("b", &[2]), batch("a", &[2, 9])]);
        let Range { start_ns, end_ns, .. } = arrivals.range();
        assert_eq!((start_ns, end_ns, arrivals.len()), (1, 10, 5));
        let scanned = |order, end_ns| {
            let matchers = [Matcher::equal("job", "a")];
            let scan = Scan { matchers: &matchers, start_ns, end_ns, order, filters: &[], lens: None };
            let mut times = Vec::new();
            let mut visit = |_: &Labels, entry: EntryRef<'_>| {
                times.push(entry.timestamp_ns);
                ControlFlow::Continue(())
            };
            arrivals.scan(&scan, &mut visit).unwrap();
            times
        };
        assert_eq!(scanned(Order::Forward, end_ns), [1, 2, 3, 9]);
        assert_eq!(scanned(Order::Backward, 3), [2, 1]);
    }
}
