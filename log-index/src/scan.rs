//! Reads entries for LogQL: block by block, or merged into the order of time without opening a block before
//! its time has come.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    ops::{ControlFlow, RangeInclusive},
};

use logql::{Entries, LineFilter, Order, Scan, ScanError, Visit};
use memchr::memmem::Finder;

use crate::{
    Kind, Snapshot,
    columns::LogColumns,
    parts::{Loaded, Loader, Part, Parts, Sequence},
    snapshot::span,
};

impl Entries for Snapshot {
    fn scan(&self, scan: &Scan<'_>, visit: &mut Visit<'_>) -> Result<(), ScanError> {
        let span = span(Kind::Logs, scan.start_ns, scan.end_ns);
        let parts = Parts::<LogColumns>::find(self, scan.matchers, span.clone())
            .map_err(|e| ScanError(e.to_string()))?;
        let wanted = Wanted { snapshot: self, span, texts: wanted_texts(scan.filters) };
        // The visitor's `Break` ends the scan and is no error.
        let _ = match scan.order {
            Order::Unordered => one_by_one(&parts, &wanted, visit),
            Order::Forward => merged::<false>(&parts, &wanted, visit),
            Order::Backward => merged::<true>(&parts, &wanted, visit),
        };
        Ok(())
    }
}

/// Which rows of a part a scan visits.
struct Wanted<'a> {
    snapshot: &'a Snapshot,
    span: RangeInclusive<i64>,
    /// A row needs one of the texts of each.
    texts: Vec<Vec<Finder<'a>>>,
}

impl Wanted<'_> {
    /// The part's columns and the rows in the order of time; no rows if the part is damaged.
    fn open(
        &self,
        loader: &mut Loader<LogColumns>,
        part: &Part<LogColumns>,
    ) -> Option<(Loaded<LogColumns>, Vec<u32>)> {
        let columns = loader.load(part).inspect_err(|damage| self.snapshot.note(damage)).ok()?;
        let mut rows = part.rows_within(&columns, &self.span);
        for texts in &self.texts {
            rows = with_any(&columns, rows, texts);
        }
        Some((columns, rows))
    }
}

fn wanted_texts<'a>(filters: &'a [LineFilter]) -> Vec<Vec<Finder<'a>>> {
    let finders = |texts: Vec<&'a str>| texts.into_iter().map(Finder::new).collect();
    let texts = filters.iter().filter_map(LineFilter::required_texts);
    let useful = |texts: &Vec<&str>| !texts.is_empty() && texts.iter().all(|text| !text.is_empty());
    texts.filter(useful).map(finders).collect()
}

/// The rows whose lines hold one of the texts: one search over all lines instead of one for each.
fn with_any(columns: &LogColumns, rows: Vec<u32>, texts: &[Finder<'_>]) -> Vec<u32> {
    let (Some(first), Some(last)) = (rows.iter().min().copied(), rows.iter().max().copied()) else {
        return rows;
    };
    let mut found = vec![false; (last - first + 1) as usize];
    let end = columns.line_start(last as usize) + columns.line(last as usize).len();
    for text in texts {
        let mut from = columns.line_start(first as usize);
        while let Some(at) = text.find(&columns.lines()[from..end]).map(|at| from + at) {
            let row = columns.row_at(at);
            let line_end = columns.line_start(row) + columns.line(row).len();
            let within = at + text.needle().len() <= line_end;
            found[row - first as usize] |= within;
            // What begins in one line and ends in the next is no hit, but one may begin right behind it.
            from = if within { line_end } else { at + 1 };
        }
    }
    rows.into_iter().filter(|row| found[(row - first) as usize]).collect()
}

fn one_by_one(parts: &Parts<LogColumns>, wanted: &Wanted<'_>, visit: &mut Visit<'_>) -> ControlFlow<()> {
    let mut loader = Loader::new();
    let mut order: Vec<_> = parts.parts.iter().collect();
    order.sort_by_key(|part| (part.block(), part.sequence));
    for part in order {
        let Some((columns, rows)) = wanted.open(&mut loader, part) else { continue };
        for row in rows {
            visit(&parts.streams[part.stream], columns.entry(row as usize))?;
        }
    }
    ControlFlow::Continue(())
}

/// Where an entry comes: by time, then by stream, then by arrival; everything turned round for `BACKWARD`.
type Place = (i64, usize, Sequence);

fn place<const BACKWARD: bool>(time: i64, part: &Part<LogColumns>) -> Place {
    match BACKWARD {
        false => (time, part.stream, part.sequence),
        true => (!time, !part.stream, (!part.sequence.0, !part.sequence.1)),
    }
}

/// A part on its way through the merge.
struct Cursor<'a> {
    part: &'a Part<LogColumns>,
    /// Not opened before the first time that it may have comes up.
    open: Option<(Loaded<LogColumns>, std::vec::IntoIter<u32>)>,
}

impl Cursor<'_> {
    fn next_place<const BACKWARD: bool>(&self) -> Option<Place> {
        let (columns, rows) = self.open.as_ref()?;
        let row = rows.as_slice().first()?;
        Some(place::<BACKWARD>(columns.entry(*row as usize).timestamp_ns, self.part))
    }
}

fn merged<const BACKWARD: bool>(
    parts: &Parts<LogColumns>,
    wanted: &Wanted<'_>,
    visit: &mut Visit<'_>,
) -> ControlFlow<()> {
    let mut loader = Loader::new();
    let mut cursors: Vec<Cursor<'_>> = parts.parts.iter().map(|part| Cursor { part, open: None }).collect();
    let earliest = |part: &Part<LogColumns>| if BACKWARD { part.max } else { part.min };
    let begin = |(at, cursor): (usize, &Cursor<'_>)| {
        Reverse((place::<BACKWARD>(earliest(cursor.part), cursor.part), at))
    };
    let mut queue: BinaryHeap<_> = cursors.iter().enumerate().map(begin).collect();
    while let Some(Reverse((_, at))) = queue.pop() {
        let cursor = &mut cursors[at];
        if cursor.open.is_none() {
            let Some((columns, mut rows)) = wanted.open(&mut loader, cursor.part) else { continue };
            if BACKWARD {
                rows.reverse();
            }
            cursor.open = Some((columns, rows.into_iter()));
        } else {
            let until = queue.peek().map(|Reverse((place, _))| *place);
            visit_until::<BACKWARD>(cursor, until, &parts.streams[cursor.part.stream], visit)?;
        }
        match cursor.next_place::<BACKWARD>() {
            Some(place) => queue.push(Reverse((place, at))),
            // Frees the block.
            None => cursor.open = None,
        }
    }
    ControlFlow::Continue(())
}

/// Visits the cursor's rows up to the place at which another cursor comes.
fn visit_until<const BACKWARD: bool>(
    cursor: &mut Cursor<'_>,
    until: Option<Place>,
    labels: &event::Labels,
    visit: &mut Visit<'_>,
) -> ControlFlow<()> {
    while let Some(next) = cursor.next_place::<BACKWARD>()
        && until.is_none_or(|until| next <= until)
        && let Some((columns, rows)) = &mut cursor.open
        && let Some(row) = rows.next()
    {
        visit(labels, columns.entry(row as usize))?;
    }
    ControlFlow::Continue(())
}
