//! Opens the parts of a scan: which of their rows may pass, before any line is put together.

use std::{
    collections::HashMap,
    ops::{ControlFlow, RangeInclusive},
};

use event::Labels;
use logql::{EntryRef, Lens, Visit};
use parking_lot::Mutex;

use super::filter::RowFilter;
use crate::{
    Snapshot,
    columns::{LogBlock, LogColumns, Rows},
    parts::{Loaded, Loader, Part},
    segment::Damage,
};

/// Which rows of a part a scan visits.
pub struct Wanted<'a> {
    pub snapshot: &'a Snapshot,
    pub span: RangeInclusive<i64>,
    pub filter: RowFilter<'a>,
    pub lens: Option<&'a Lens<'a>>,
    /// Whether the filters leave something of a block: segment and offset.
    pub judged: Mutex<HashMap<(u64, u64), bool>>,
}

/// A part that has been opened, and which of its rows are still to come.
pub struct Opened {
    pub loaded: Loaded<LogColumns>,
    /// Each with whether it is certain to pass the filters.
    pub rows: std::vec::IntoIter<(u32, bool)>,
}

impl Opened {
    pub fn next_time(&self) -> Option<i64> {
        self.rows.as_slice().first().map(|(row, _)| self.loaded.timestamp(*row as usize))
    }

    pub fn reverse(&mut self) {
        let mut rows: Vec<_> = self.rows.as_slice().to_vec();
        rows.reverse();
        self.rows = rows.into_iter();
    }
}

impl Wanted<'_> {
    /// Opens the parts of one block that [`Wanted::may_pass`]; it is searched once for all of them: each with its rows
    /// in the order of time; nothing for those that have none or are damaged.
    pub fn open(&self, parts: &[&Part<LogColumns>]) -> Vec<Option<Opened>> {
        let (mut loader, mut hits) = (Loader::new(), None);
        let mut open = |part: &Part<LogColumns>| {
            let loaded = loader.load(part)?;
            let rows = part.rows_within(&loaded, &self.span)?;
            let rows = match &loaded {
                _ if rows.is_empty() => return Ok(None),
                Loaded::Chunk(chunk) => self.filter.rows_of_chunk(chunk, rows),
                Loaded::Block(block) => {
                    let hits = match &hits {
                        Some(hits) => hits,
                        None => hits.insert(self.filter.hits(block)?),
                    };
                    self.filter.rows_of_block(block, hits, rows)
                }
            };
            Ok(Some(Opened { loaded, rows: rows.into_iter() }))
        };
        let noted = |opened: Result<_, Damage>| opened.inspect_err(|damage| self.snapshot.note(damage));
        parts.iter().map(|part| noted(open(part)).ok().flatten()).collect()
    }

    /// Leaves out the rows that the lens refuses.
    pub fn refine(&self, labels: &Labels, opened: Opened) -> Option<Opened> {
        let Opened { loaded, rows } = opened;
        let rows = match (&loaded, self.lens) {
            (Loaded::Block(block), Some(lens)) if !block.has_metadata() => {
                let passing = passing(labels, block, rows.as_slice(), lens);
                passing.inspect_err(|damage| self.snapshot.note(damage)).ok()?.into_iter()
            }
            _ => rows,
        };
        Some(Opened { loaded, rows })
    }

    /// Whether it takes more than the times of rows to open a part.
    pub fn searches(&self) -> bool {
        !self.filter.is_empty() || self.lens.is_some()
    }

    /// Whether rows of the part may pass the filters, by its block's filter; each block is asked once. What is damaged
    /// is told and left out.
    pub fn may_pass(&self, part: &Part<LogColumns>) -> bool {
        let Some(block) = part.block() else { return true };
        if let Some(known) = self.judged.lock().get(&block) {
            return *known;
        }
        let judged = self.filter.may_pass(part).inspect_err(|damage| self.snapshot.note(damage));
        let may_pass = judged.unwrap_or(false);
        self.judged.lock().insert(block, may_pass);
        self.snapshot.count_block(part.packed_bytes(), !may_pass);
        may_pass
    }

    /// Visits the next row, if there is one. `line` is where its line is put together.
    pub fn visit_next(
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

/// The rows that the lens lets pass; of rows that are the same to it one is asked.
fn passing(
    labels: &Labels,
    block: &LogBlock,
    rows: &[(u32, bool)],
    lens: &Lens<'_>,
) -> Result<Vec<(u32, bool)>, Damage> {
    let numbers: Vec<u32> = rows.iter().map(|(row, _)| *row).collect();
    let (mut passes, mut line) = (vec![false; block.rows()], Vec::new());
    for group in block.alike(&numbers, lens)? {
        let first = group[0] as usize;
        line.clear();
        block.write_line(first, &mut line)?;
        let entry = EntryRef { timestamp_ns: block.timestamp(first), line: &line, metadata: &[] };
        if lens.passes(labels, entry) {
            group.into_iter().for_each(|row| passes[row as usize] = true);
        }
    }
    Ok(rows.iter().copied().filter(|(row, _)| passes[*row as usize]).collect())
}
