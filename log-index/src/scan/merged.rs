//! Entries of many parts in the order of time, without opening a block before its time has come; when a search goes on
//! and on, some of those that come next are opened with it.

use std::{cmp::Reverse, collections::BinaryHeap, ops::ControlFlow};

use logql::Visit;

use super::{Opened, Wanted, ahead::in_order, by_block};
use crate::{
    columns::LogColumns,
    parts::{Part, Parts, Sequence},
};

/// No more blocks are opened at once.
const MOST_AT_ONCE: usize = 16;

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
    /// Its parts are opened together.
    block: usize,
    state: State,
}

enum State {
    /// The first time that it may have has not come up.
    Waiting,
    Open(Opened),
    /// Nothing is left; the block is freed.
    Done,
}

impl Cursor<'_> {
    fn next_place<const BACKWARD: bool>(&self) -> Option<Place> {
        let State::Open(opened) = &self.state else { return None };
        Some(place::<BACKWARD>(opened.next_time()?, self.part))
    }
}

/// The cursors, and in which order they come up.
struct Merge<'a, const BACKWARD: bool> {
    parts: &'a Parts<LogColumns>,
    wanted: &'a Wanted<'a>,
    cursors: Vec<Cursor<'a>>,
    /// The first cursor of each block, and the one behind the last.
    blocks: Vec<(usize, usize)>,
    queue: BinaryHeap<Reverse<(Place, usize)>>,
    /// So many blocks are opened at once.
    at_once: usize,
}

pub fn scan<const BACKWARD: bool>(
    parts: &Parts<LogColumns>,
    wanted: &Wanted<'_>,
    visit: &mut Visit<'_>,
) -> ControlFlow<()> {
    let (mut merge, mut line) = (Merge::<BACKWARD>::new(parts, wanted), Vec::new());
    while let Some(Reverse((_, at))) = merge.queue.pop() {
        if let State::Waiting = merge.cursors[at].state {
            merge.open(at);
            continue;
        }
        let until = merge.queue.peek().map(|Reverse((place, _))| *place);
        let cursor = &mut merge.cursors[at];
        let labels = &parts.streams[cursor.part.stream];
        let mut visit = |opened: &mut Opened| wanted.visit_next(opened, labels, &mut line, visit);
        visit_until::<BACKWARD>(cursor, until, &mut visit)?;
        merge.queue_next(at);
    }
    ControlFlow::Continue(())
}

impl<'a, const BACKWARD: bool> Merge<'a, BACKWARD> {
    fn new(parts: &'a Parts<LogColumns>, wanted: &'a Wanted<'a>) -> Self {
        let (mut cursors, mut blocks) = (Vec::with_capacity(parts.parts.len()), Vec::new());
        for (block, parts) in by_block(parts.parts.iter()).into_iter().enumerate() {
            blocks.push((cursors.len(), cursors.len() + parts.len()));
            cursors.extend(parts.into_iter().map(|part| Cursor { part, block, state: State::Waiting }));
        }
        let earliest = |part: &Part<LogColumns>| if BACKWARD { part.max } else { part.min };
        let begin = |(at, cursor): (usize, &Cursor<'_>)| {
            Reverse((place::<BACKWARD>(earliest(cursor.part), cursor.part), at))
        };
        let queue = cursors.iter().enumerate().map(begin).collect();
        Merge { parts, wanted, cursors, blocks, queue, at_once: 1 }
    }

    /// Opens the block of a cursor whose time has come, and those of cursors that wait right behind it; leaves out
    /// those in which nothing may be found.
    fn open(&mut self, first: usize) {
        let (mut due, mut blocks, mut next) = (Vec::new(), Vec::new(), Some(first));
        while let Some(at) = next {
            let Cursor { part, block, state } = &mut self.cursors[at];
            if !self.wanted.may_pass(part) {
                *state = State::Done;
            } else {
                due.push(at);
                if !blocks.contains(block) {
                    blocks.push(*block);
                }
            }
            next = if blocks.len() < self.at_once { self.next_waiting() } else { None };
        }
        self.open_blocks(&blocks);
        due.into_iter().for_each(|at| self.queue_next(at));
        if self.wanted.searches() {
            self.at_once = (2 * self.at_once).min(MOST_AT_ONCE);
        }
    }

    /// Takes the cursor that comes next if it waits.
    fn next_waiting(&mut self) -> Option<usize> {
        let Reverse((_, at)) = *self.queue.peek()?;
        matches!(self.cursors[at].state, State::Waiting).then(|| self.queue.pop())?;
        Some(at)
    }

    fn open_blocks(&mut self, blocks: &[usize]) {
        let cursors = |block: usize| self.blocks[block].0..self.blocks[block].1;
        let open = |block: &usize| {
            let parts: Vec<_> = self.cursors[cursors(*block)].iter().map(|cursor| cursor.part).collect();
            let opened = self.wanted.open(&parts).into_iter().zip(&parts);
            opened.map(|(opened, part)| self.ready(opened?, part)).collect::<Vec<_>>()
        };
        let mut all = Vec::with_capacity(blocks.len());
        let _ = in_order(blocks, open, &mut |opened| {
            all.push(opened);
            ControlFlow::Continue(())
        });
        for (block, opened) in blocks.iter().zip(all) {
            let (first, end) = self.blocks[*block];
            for (cursor, opened) in self.cursors[first..end].iter_mut().zip(opened) {
                cursor.state = opened.map_or(State::Done, State::Open);
            }
        }
    }

    /// The rows that are visited, in the order of the scan.
    fn ready(&self, opened: Opened, part: &Part<LogColumns>) -> Option<Opened> {
        let opened = self.wanted.refine(&self.parts.streams[part.stream], opened)?;
        Some(if BACKWARD { opened.reversed() } else { opened })
    }

    fn queue_next(&mut self, at: usize) {
        match self.cursors[at].next_place::<BACKWARD>() {
            Some(place) => self.queue.push(Reverse((place, at))),
            None => self.cursors[at].state = State::Done,
        }
    }
}

/// Visits the cursor's rows up to the place at which another cursor comes.
fn visit_until<const BACKWARD: bool>(
    cursor: &mut Cursor<'_>,
    until: Option<Place>,
    visit: &mut dyn FnMut(&mut Opened) -> ControlFlow<()>,
) -> ControlFlow<()> {
    while let Some(next) = cursor.next_place::<BACKWARD>()
        && until.is_none_or(|until| next <= until)
        && let State::Open(opened) = &mut cursor.state
    {
        visit(opened)?;
    }
    ControlFlow::Continue(())
}
