//! Times of entries, for queries that count: a line is put together only where a filter leaves no other way, and of
//! lines that are the same to the query only one.

use std::ops::{ControlFlow, Range};

use event::Labels;
use logql::{Times, VisitTimes};

use super::{Opened, Wanted, ahead::in_order, candidates, rows::Rows};
use crate::{
    columns::{LogColumns, Rows as _},
    parts::{Loaded, Part, Parts},
    segment::Damage,
};

type Visited = Result<ControlFlow<()>, Damage>;

/// Rows of a stream that pass the filters.
struct Found<'a> {
    labels: &'a Labels,
    loaded: Loaded<LogColumns>,
    rows: Passing,
}

enum Passing {
    Range(Range<u32>),
    Rows(Vec<u32>),
    /// Those together that are the same to the lens.
    Groups(Vec<Vec<u32>>),
}

pub fn scan(parts: &Parts<LogColumns>, wanted: &Wanted<'_>, visit: &mut VisitTimes<'_>) -> ControlFlow<()> {
    let find_all = |block: &Vec<&Part<LogColumns>>| {
        let found = block
            .iter()
            .zip(wanted.open(block))
            .filter_map(|(part, opened)| Some(find(&parts.streams[part.stream], opened?, wanted)));
        found.collect::<Vec<_>>()
    };
    in_order(&candidates(parts, wanted), find_all, &mut |block| {
        block.into_iter().try_for_each(|found| {
            let visited = found.and_then(|found| visit_all(&found, wanted, visit));
            // What is damaged is told and left out.
            visited.inspect_err(|damage| wanted.snapshot.note(damage)).unwrap_or(ControlFlow::Continue(()))
        })
    })
}

fn find<'a>(labels: &'a Labels, opened: Opened, wanted: &Wanted<'_>) -> Result<Found<'a>, Damage> {
    let Opened { loaded, rows } = opened;
    let rows = match (rows, wanted.lens, &loaded) {
        (Rows::Ascending(rows), None, _) if !loaded.has_metadata() => Passing::Range(rows),
        (rows, Some(lens), Loaded::Block(block)) if !block.has_metadata() => {
            Passing::Groups(block.alike(&passing(&loaded, rows, wanted)?, lens)?)
        }
        (rows, ..) => Passing::Rows(passing(&loaded, rows, wanted)?),
    };
    Ok(Found { labels, loaded, rows })
}

fn visit_all(found: &Found<'_>, wanted: &Wanted<'_>, visit: &mut VisitTimes<'_>) -> Visited {
    let Found { labels, loaded, rows } = found;
    let visit = &mut |times: Times<'_>| visit(labels, times);
    match rows {
        Passing::Range(rows) => {
            let timestamps_ns = &loaded.timestamps()[rows.start as usize..rows.end as usize];
            Ok(visit(Times { timestamps_ns, line: &[], metadata: &[] }))
        }
        Passing::Groups(groups) => in_groups(loaded, groups, visit),
        Passing::Rows(rows) if wanted.lens.is_some() || loaded.has_metadata() => {
            one_by_one(loaded, rows, wanted, visit)
        }
        Passing::Rows(rows) => Ok(visit_together(loaded, rows, &[], visit)),
    }
}

/// The rows that pass the filters.
fn passing(loaded: &Loaded<LogColumns>, rows: Rows, wanted: &Wanted<'_>) -> Result<Vec<u32>, Damage> {
    let (mut passing, mut line) = (Vec::new(), Vec::new());
    for (row, certain) in rows {
        if certain || wanted.filter.matches(loaded.entry(row as usize, &mut line)?.line) {
            passing.push(row);
        }
    }
    Ok(passing)
}

fn one_by_one(
    loaded: &Loaded<LogColumns>,
    rows: &[u32],
    wanted: &Wanted<'_>,
    visit: &mut dyn FnMut(Times<'_>) -> ControlFlow<()>,
) -> Visited {
    let mut text = Vec::new();
    for row in rows.iter().map(|row| *row as usize) {
        let line = match wanted.lens {
            Some(_) => loaded.entry(row, &mut text)?.line,
            None => &[],
        };
        let times = Times { timestamps_ns: &[loaded.timestamp(row)], line, metadata: loaded.metadata(row)? };
        if visit(times).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn in_groups(
    loaded: &Loaded<LogColumns>,
    groups: &[Vec<u32>],
    visit: &mut dyn FnMut(Times<'_>) -> ControlFlow<()>,
) -> Visited {
    let mut text = Vec::new();
    for rows in groups {
        let line = loaded.entry(rows[0] as usize, &mut text)?.line;
        if visit_together(loaded, rows, line, visit).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn visit_together(
    loaded: &Loaded<LogColumns>,
    rows: &[u32],
    line: &[u8],
    visit: &mut dyn FnMut(Times<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if rows.is_empty() {
        return ControlFlow::Continue(());
    }
    let timestamps: Vec<i64> = rows.iter().map(|row| loaded.timestamp(*row as usize)).collect();
    visit(Times { timestamps_ns: &timestamps, line, metadata: &[] })
}
