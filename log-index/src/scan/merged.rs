//! Entries of many parts in the order of time, without opening a block before its time has come.

use std::{cmp::Reverse, collections::BinaryHeap, ops::ControlFlow};

use logql::Visit;

use super::{Opened, Wanted};
use crate::{
    columns::LogColumns,
    parts::{Loader, Part, Parts, Sequence},
};

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
    open: Option<Opened>,
}

impl Cursor<'_> {
    fn next_place<const BACKWARD: bool>(&self) -> Option<Place> {
        Some(place::<BACKWARD>(self.open.as_ref()?.next_time()?, self.part))
    }
}

pub fn scan<const BACKWARD: bool>(
    parts: &Parts<LogColumns>,
    wanted: &Wanted<'_>,
    visit: &mut Visit<'_>,
) -> ControlFlow<()> {
    let (mut loader, mut line) = (Loader::new(), Vec::new());
    let mut cursors: Vec<Cursor<'_>> = parts.parts.iter().map(|part| Cursor { part, open: None }).collect();
    let earliest = |part: &Part<LogColumns>| if BACKWARD { part.max } else { part.min };
    let begin = |(at, cursor): (usize, &Cursor<'_>)| {
        Reverse((place::<BACKWARD>(earliest(cursor.part), cursor.part), at))
    };
    let mut queue: BinaryHeap<_> = cursors.iter().enumerate().map(begin).collect();
    while let Some(Reverse((_, at))) = queue.pop() {
        let cursor = &mut cursors[at];
        if cursor.open.is_none() {
            let Some(mut opened) = wanted.open(&mut loader, cursor.part) else { continue };
            if BACKWARD {
                opened.reverse();
            }
            cursor.open = Some(opened);
        } else {
            let until = queue.peek().map(|Reverse((place, _))| *place);
            let labels = &parts.streams[cursor.part.stream];
            let mut visit = |opened: &mut Opened| wanted.visit_next(opened, labels, &mut line, visit);
            visit_until::<BACKWARD>(cursor, until, &mut visit)?;
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
    visit: &mut dyn FnMut(&mut Opened) -> ControlFlow<()>,
) -> ControlFlow<()> {
    while let Some(next) = cursor.next_place::<BACKWARD>()
        && until.is_none_or(|until| next <= until)
        && let Some(opened) = &mut cursor.open
    {
        visit(opened)?;
    }
    ControlFlow::Continue(())
}
