//! Times of entries, for queries that count: a line is put together only where a filter leaves no other way.

use std::ops::ControlFlow;

use logql::{Times, VisitTimes};

use super::{Opened, Wanted, by_block};
use crate::{
    columns::{LogColumns, Rows},
    parts::{Loader, Parts},
    segment::Damage,
};

pub fn scan(parts: &Parts<LogColumns>, wanted: &Wanted<'_>, visit: &mut VisitTimes<'_>) -> ControlFlow<()> {
    let (mut loader, mut timestamps) = (Loader::new(), Vec::new());
    for part in by_block(parts) {
        let Some(opened) = wanted.open(&mut loader, part) else { continue };
        let labels = &parts.streams[part.stream];
        let passed = passed(opened, wanted, &mut timestamps, &mut |times| visit(labels, times));
        match passed.inspect_err(|damage| wanted.snapshot.note(damage)) {
            Ok(flow) => flow?,
            Err(_) => continue,
        }
    }
    ControlFlow::Continue(())
}

/// Visits the times of the rows that pass: all at once if none of them has metadata.
fn passed(
    opened: Opened,
    wanted: &Wanted<'_>,
    timestamps: &mut Vec<i64>,
    visit: &mut dyn FnMut(Times<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Damage> {
    let Opened { loaded, rows } = opened;
    let (plain, mut line) = (!loaded.has_metadata(), Vec::new());
    timestamps.clear();
    for (row, certain) in rows {
        let row = row as usize;
        if !certain && !wanted.filter.matches(loaded.entry(row, &mut line)?.line) {
            continue;
        }
        if plain {
            timestamps.push(loaded.timestamp(row));
            continue;
        }
        let flow = visit(Times { timestamps_ns: &[loaded.timestamp(row)], metadata: loaded.metadata(row)? });
        if flow.is_break() {
            return Ok(flow);
        }
    }
    let empty = timestamps.is_empty();
    Ok(if empty {
        ControlFlow::Continue(())
    } else {
        visit(Times { timestamps_ns: timestamps, metadata: &[] })
    })
}
