//! What of a line a pipeline looks at. Of lines that are alike but for some pieces, a store can tell which ones the
//! pipeline treats the same, and shows it one of them instead of all.

use std::ops::Range;

use event::Labels;

use crate::{
    EntryRef,
    stage::{
        Stage,
        row::{MAX_LABELS, Row},
    },
};

/// A part of a line in which it differs from lines that are otherwise alike; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it is in the line.
    pub range: Range<usize>,
    /// What it consists of.
    pub kind: PieceKind,
}

/// What a piece consists of, in all of the lines that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// ASCII digits.
    Digits,
    /// ASCII letters and digits, `_`, and bytes that are not ASCII; `-` and `.` only between such.
    Word,
    /// A time: as a word, but with any of `-.,:/` between, and blanks where it is written with some.
    Time {
        /// Whether there are blanks within.
        has_blanks: bool,
    },
}

impl PieceKind {
    /// Whether a piece can have this byte at its beginning or end.
    fn has_at_edge(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
    }

    /// Whether a piece can have this byte between two others, beside those that it can have at its edge.
    fn has_within(self, byte: u8) -> bool {
        match self {
            PieceKind::Digits => false,
            PieceKind::Word => b"-.".contains(&byte),
            PieceKind::Time { has_blanks } => b"-.,:/".contains(&byte) || (has_blanks && byte == b' '),
        }
    }
}

/// Stages that take labels out of lines and look at these, and at nothing else.
#[derive(Clone, Debug)]
pub struct Lens<'a> {
    stages: &'a [Stage],
    names: Vec<String>,
}

impl<'a> Lens<'a> {
    /// For a query that looks at the labels `names`; `None` if its stages are not of the kind.
    pub(crate) fn new(stages: &'a [Stage], names: &[String]) -> Option<Self> {
        stages.iter().all(Stage::is_plain).then(|| Lens { stages, names: names.to_vec() })
    }

    /// What decides whether lines pass; `None` if there is nothing.
    pub(crate) fn of_filters(stages: &'a [Stage]) -> Option<Self> {
        let plain = stages.iter().take_while(|stage| stage.is_plain()).count();
        let (stages, mut names) = (&stages[..plain], Vec::new());
        stages.iter().for_each(|stage| _ = stage.collect_names(&mut names));
        (!names.is_empty()).then_some(Lens { stages, names })
    }

    /// Whether it looks at a label of this name.
    pub fn looks_at(&self, name: &str) -> bool {
        self.names.iter().any(|wanted| wanted == name)
    }

    /// Which of the pieces of `line` matter. Lines that differ in others only are treated the same.
    pub fn live(&self, line: &[u8], pieces: &[Piece]) -> Vec<bool> {
        let mut live = vec![false; pieces.len()];
        if self.names.is_empty() {
            return live;
        }
        for stage in self.stages.iter().filter(|stage| stage.is_parser()) {
            let mut look = Look { line, pieces, names: &self.names, live: vec![true; pieces.len()] };
            if !stage.look(&mut look) {
                return vec![true; pieces.len()];
            }
            live.iter_mut().zip(look.live).for_each(|(known, more)| *known |= more);
        }
        live
    }

    /// Whether the stages let an entry pass. All do that may have more labels than a row takes: then it depends on what
    /// else is looked at.
    pub fn passes(&self, stream: &Labels, entry: EntryRef<'_>) -> bool {
        const SHORTEST_LABEL: usize = b"a=1 ".len();
        if entry.line.len() >= MAX_LABELS * SHORTEST_LABEL {
            return true;
        }
        let mut row = Row::new(stream, entry).only(Some(&self.names));
        self.stages.iter().all(|stage| stage.apply(&mut row))
    }
}

/// One parser's look at a line: every piece matters that it does not spare.
pub(crate) struct Look<'a> {
    pub line: &'a [u8],
    pieces: &'a [Piece],
    names: &'a [String],
    live: Vec<bool>,
}

impl Look<'_> {
    /// Whether somebody looks at what a parser finds under this name.
    pub fn wants(&self, name: &str) -> bool {
        let name_of = |wanted: &str| wanted.strip_suffix("_extracted") == Some(name);
        self.names.iter().any(|wanted| wanted == name || name_of(wanted))
    }

    /// Where a part of the line begins.
    pub fn start(&self, part: &[u8]) -> usize {
        (part.as_ptr() as usize).wrapping_sub(self.line.as_ptr() as usize)
    }

    /// Spares the pieces within a part of the line that `fits` accepts.
    pub fn spare(&mut self, part: &[u8], fits: impl Fn(PieceKind) -> bool) {
        let (start, length) = (self.start(part), part.len());
        let within = |piece: &Piece| piece.range.start >= start && piece.range.end <= start + length;
        for (piece, live) in self.pieces.iter().zip(&mut self.live) {
            *live &= !(within(piece) && fits(piece.kind));
        }
    }

    /// Whether `text` may be found in some line at a place in `part` where it is not found in this one: it may if a
    /// piece there can hold it, or some of it at an edge.
    pub fn may_hide(&self, part: &[u8], text: &[u8]) -> bool {
        let range = self.start(part)..self.start(part) + part.len();
        if text.is_empty() {
            return false;
        }
        let mut pieces =
            self.pieces.iter().filter(|p| p.range.start < range.end && p.range.end > range.start);
        let hides = |piece: &Piece| {
            text.iter().any(|byte| PieceKind::has_at_edge(*byte))
                || text.iter().all(|byte| piece.kind.has_within(*byte))
        };
        pieces.any(hides)
    }
}
