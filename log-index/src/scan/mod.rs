//! Reads entries for LogQL: block by block, or merged into the order of time. Lines are put together only for rows
//! that may pass the line filters, and not at all for a query that only counts. Blocks are opened on several threads.

mod ahead;
mod filter;
mod merged;
mod open;
mod rows;
mod times;

use std::ops::ControlFlow;

use logql::{Entries, Order, Scan, ScanError, Visit, VisitTimes};
use parking_lot::Mutex;

use self::{
    filter::RowFilter,
    open::{Opened, Wanted},
};
use crate::{
    Kind, Snapshot,
    columns::LogColumns,
    parts::{Part, Parts},
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
            Wanted {
                snapshot: self,
                span,
                filter: RowFilter::new(scan.filters),
                lens: scan.lens,
                judged: Mutex::default(),
            },
        ))
    }
}

/// Parts in the same block; a chunk in memory is by itself.
fn by_block<'a>(parts: impl Iterator<Item = &'a Part<LogColumns>>) -> Vec<Vec<&'a Part<LogColumns>>> {
    let mut order: Vec<_> = parts.collect();
    order.sort_by_key(|part| (part.block(), part.sequence));
    let together =
        |a: &&Part<LogColumns>, b: &&Part<LogColumns>| a.block().is_some() && a.block() == b.block();
    order.chunk_by(together).map(<[_]>::to_vec).collect()
}

/// Blocks with rows that may pass, in the order in which they lie.
fn candidates<'a>(parts: &'a Parts<LogColumns>, wanted: &Wanted<'_>) -> Vec<Vec<&'a Part<LogColumns>>> {
    by_block(parts.parts.iter().filter(|part| wanted.may_pass(part)))
}

fn one_by_one(parts: &Parts<LogColumns>, wanted: &Wanted<'_>, visit: &mut Visit<'_>) -> ControlFlow<()> {
    let open = |block: &Vec<&Part<LogColumns>>| {
        let opened = block.iter().zip(wanted.open(block)).filter_map(|(part, opened)| {
            let labels = &parts.streams[part.stream];
            Some((labels, wanted.refine(labels, opened?)?))
        });
        opened.collect::<Vec<_>>()
    };
    let mut line = Vec::new();
    ahead::in_order(&candidates(parts, wanted), open, &mut |block| {
        block.into_iter().try_for_each(|(labels, mut opened)| {
            while opened.next_time().is_some() {
                wanted.visit_next(&mut opened, labels, &mut line, visit)?;
            }
            ControlFlow::Continue(())
        })
    })
}
