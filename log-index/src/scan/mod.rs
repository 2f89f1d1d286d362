//! Reads entries for LogQL: block by block, or merged into the order of time. Lines are put together only for rows
//! that may pass the line filters, and not at all for a query that only counts.

mod filter;
mod merged;
mod times;

use std::{
    cell::RefCell,
    collections::HashMap,
    ops::{ControlFlow, RangeInclusive},
};

use event::Labels;
use logql::{Entries, Order, Scan, ScanError, Visit, VisitTimes};

use self::filter::RowFilter;
use crate::{
    Kind, Snapshot,
    columns::{LogColumns, Rows},
    parts::{Loaded, Loader, Part, Parts},
    segment::Damage,
    snapshot::span,
};

impl Entries for Snapshot {
    fn scan(&self, scan: &Scan<'_>, visit: &mut Visit<'_>) -> Result<(), ScanError> {
        let (parts, wanted) = self.wanted(scan)?;
        // The visitor's `Break` ends the scan and is no error.
        let _ = match scan.order {
            Order::Unordered => one_by_one(&parts, &wanted, visit),
            Order::Forward => merged::scan::<false>(&parts, &wanted, visit),
            Order::Backward => merged::scan::<true>(&parts, &wanted, visit),
        };
        Ok(())
    }

    fn scan_times(&self, scan: &Scan<'_>, visit: &mut VisitTimes<'_>) -> Result<(), ScanError> {
        let (parts, wanted) = self.wanted(scan)?;
        let _ = times::scan(&parts, &wanted, visit);
        Ok(())
    }
}

impl Snapshot {
    fn wanted<'a>(&'a self, scan: &Scan<'a>) -> Result<(Parts<LogColumns>, Wanted<'a>), ScanError> {
        let span = span(Kind::Logs, scan.start_ns, scan.end_ns);
        let parts = Parts::find(self, scan.matchers, span.clone()).map_err(|e| ScanError(e.to_string()))?;
        Ok((
            parts,
            Wanted { snapshot: self, span, filter: RowFilter::new(scan.filters), judged: RefCell::default() },
        ))
    }
}

/// Which rows of a part a scan visits.
struct Wanted<'a> {
    snapshot: &'a Snapshot,
    span: RangeInclusive<i64>,
    filter: RowFilter<'a>,
    /// Whether the filters leave something of a block: segment and offset.
    judged: RefCell<HashMap<(u64, u64), bool>>,
}

/// A part that has been opened, and which of its rows are still to come.
struct Opened {
    loaded: Loaded<LogColumns>,
    /// Each with whether it is certain to pass the filters.
    rows: std::vec::IntoIter<(u32, bool)>,
}

impl Opened {
    fn next_time(&self) -> Option<i64> {
        self.rows.as_slice().first().map(|(row, _)| self.loaded.timestamp(*row as usize))
    }

    fn reverse(&mut self) {
        let mut rows: Vec<_> = self.rows.as_slice().to_vec();
        rows.reverse();
        self.rows = rows.into_iter();
    }
}

impl Wanted<'_> {
    /// The part and its rows in the order of time; nothing if it is damaged.
    fn open(&self, loader: &mut Loader<LogColumns>, part: &Part<LogColumns>) -> Option<Opened> {
        let opened = self.may_pass(part).and_then(|may_pass| {
            if !may_pass {
                return Ok(None);
            }
            let loaded = loader.load(part)?;
            let rows = part.rows_within(&loaded, &self.span)?;
            let rows = self.filter.rows(&loaded, rows)?;
            Ok(Some(Opened { loaded, rows: rows.into_iter() }))
        });
        opened.inspect_err(|damage| self.snapshot.note(damage)).ok().flatten()
    }

    /// Whether rows of the part may pass the filters, by its block's filter; each block is asked once.
    fn may_pass(&self, part: &Part<LogColumns>) -> Result<bool, Damage> {
        let Some(block) = part.block() else { return Ok(true) };
        if let Some(known) = self.judged.borrow().get(&block) {
            return Ok(*known);
        }
        let may_pass = self.filter.may_pass(part)?;
        self.judged.borrow_mut().insert(block, may_pass);
        self.snapshot.count_block(part.packed_bytes(), !may_pass);
        Ok(may_pass)
    }

    /// Visits the next row, if there is one. `line` is where its line is put together.
    fn visit_next(
        &self,
        opened: &mut Opened,
        labels: &Labels,
        line: &mut Vec<u8>,
        visit: &mut Visit<'_>,
    ) -> ControlFlow<()> {
        let Some((row, _)) = opened.rows.next() else { return ControlFlow::Continue(()) };
        match opened.loaded.entry(row as usize, line) {
            Ok(entry) => visit(labels, entry),
            Err(damage) => {
                self.snapshot.note(&damage);
                ControlFlow::Continue(())
            }
        }
    }
}

/// The parts in the order in which their blocks lie.
fn by_block(parts: &Parts<LogColumns>) -> Vec<&Part<LogColumns>> {
    let mut order: Vec<_> = parts.parts.iter().collect();
    order.sort_by_key(|part| (part.block(), part.sequence));
    order
}

fn one_by_one(parts: &Parts<LogColumns>, wanted: &Wanted<'_>, visit: &mut Visit<'_>) -> ControlFlow<()> {
    let (mut loader, mut line) = (Loader::new(), Vec::new());
    for part in by_block(parts) {
        let Some(mut opened) = wanted.open(&mut loader, part) else { continue };
        while !opened.rows.as_slice().is_empty() {
            wanted.visit_next(&mut opened, &parts.streams[part.stream], &mut line, visit)?;
        }
    }
    ControlFlow::Continue(())
}
