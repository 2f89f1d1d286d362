//! Opens the parts of a scan: which of their rows may pass, before any line is put together.

use std::{
    collections::HashMap,
    ops::{ControlFlow, RangeInclusive},
};

use event::Labels;
use logql::{EntryRef, Lens, Visit};
use parking_lot::Mutex;

use super::{
    filter::{BlockHits, RowFilter},
    rows::Rows,
};
use crate::{
    Snapshot,
    columns::{LogBlock, LogColumns, LogLines, Rows as _},
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
    pub rows: Rows,
}

impl Opened {
    pub fn next_time(&self) -> Option<i64> {
        self.rows.first().map(|row| self.loaded.timestamp(row as usize))
    }

    pub fn reversed(self) -> Self {
        Opened { rows: self.rows.reversed(), ..self }
    }
}

impl Wanted<'_> {
    /// Opens the parts of one block that [`Wanted::may_pass`]; it is searched once for all of them: each with its rows
    /// in the order of time; nothing for those that have none or are damaged.
    pub fn open(&self, parts: &[&Part<LogColumns>]) -> Vec<Option<Opened>> {
        let Some((mut loader, hits)) = self.noted(self.search(parts)).flatten() else {
            return parts.iter().map(|_| None).collect();
        };
        let mut open = |part: &Part<LogColumns>| {
            let loaded = loader.load(part)?;
            let rows = self.rows(part, &loaded, &hits)?;
            Ok(rows.first().is_some().then_some(Opened { loaded, rows }))
        };
        parts.iter().map(|part| self.noted(open(part)).flatten()).collect()
    }

    /// What is damaged is told and left out.
    fn noted<T>(&self, read: Result<T, Damage>) -> Option<T> {
        read.inspect_err(|damage| self.snapshot.note(damage)).ok()
    }

    /// The hits in the block of these parts; nothing if none of its lines may pass, and then nobody looks at their times.
    fn search(&self, parts: &[&Part<LogColumns>]) -> Result<Option<(Loader<LogColumns>, BlockHits)>, Damage> {
        let first = parts.first().filter(|_| self.filter.has_texts());
        let Some((first, sections)) = first.and_then(|part| Some((part, part.sections()?))) else {
            return Ok(Some((Loader::new(), BlockHits::default())));
        };
        let lines = LogLines::open(sections?)?;
        let hits = self.filter.hits(&lines)?;
        if hits.refuse_all() {
            return Ok(None);
        }
        Ok(Some((Loader::with(first, lines.into_block()?), hits)))
    }

    fn rows(
        &self,
        part: &Part<LogColumns>,
        loaded: &Loaded<LogColumns>,
        hits: &BlockHits,
    ) -> Result<Rows, Damage> {
        if self.filter.is_empty()
            && let Some(rows) = part.range_within(loaded, &self.span)
        {
            return Ok(Rows::Ascending(rows));
        }
        let rows = part.rows_within(loaded, &self.span)?;
        Ok(match loaded {
            Loaded::Chunk(chunk) => self.filter.rows_of_chunk(chunk, rows).into(),
            Loaded::Block(block) => self.filter.rows_of_block(block, hits, rows).into(),
        })
    }

    /// Leaves out the rows that the lens refuses.
    pub fn refine(&self, labels: &Labels, opened: Opened) -> Option<Opened> {
        let Opened { loaded, rows } = opened;
        let rows = match (&loaded, self.lens) {
            (Loaded::Block(block), Some(lens)) if !block.has_metadata() => {
                let rows: Vec<_> = rows.collect();
                self.noted(passing(labels, block, &rows, lens))?.into()
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
        let may_pass = self.noted(self.filter.may_pass(part)).unwrap_or(false);
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
