//! A store in memory, for tests.

use std::ops::ControlFlow;

use event::Labels;
use logql::{Entries, EntryRef, Order, Scan, ScanError, Visit};

struct Entry {
    timestamp_ns: i64,
    stream: Labels,
    line: Vec<u8>,
    metadata: Vec<(String, String)>,
}

/// Entries in the order of their arrival.
#[derive(Default)]
pub struct Memory(Vec<Entry>);

impl Memory {
    pub fn push(&mut self, timestamp_ns: i64, stream: Labels, line: &[u8], metadata: Vec<(String, String)>) {
        self.0.push(Entry { timestamp_ns, stream, line: line.into(), metadata });
    }
}

impl Entries for Memory {
    fn scan(&self, scan: &Scan<'_>, visit: &mut Visit<'_>) -> Result<(), ScanError> {
        let wanted = |e: &&Entry| {
            (scan.start_ns..scan.end_ns).contains(&e.timestamp_ns)
                && scan.matchers.iter().all(|m| m.matches_labels(&e.stream))
                && scan.filters.iter().all(|f| f.matches(&e.line))
        };
        let mut found: Vec<&Entry> = self.0.iter().filter(wanted).collect();
        match scan.order {
            Order::Forward => found.sort_by_key(|e| e.timestamp_ns),
            Order::Backward => {
                found.sort_by_key(|e| e.timestamp_ns);
                found.reverse();
            }
            // no order may matter: the worst one is as good as any
            Order::Unordered => found.reverse(),
        }
        for e in found {
            let entry = EntryRef { timestamp_ns: e.timestamp_ns, line: &e.line, metadata: &e.metadata };
            if visit(&e.stream, entry) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }
}
