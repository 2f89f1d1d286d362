//! The lines of a block, opened as far as somebody asks.

use std::{ops::Range, sync::OnceLock};

use super::{
    clock::Format,
    search::class_allows,
    section::Section,
    slot::Slot,
    template::{self, Piece},
    vocabulary::{Class, Vocabulary},
};
use crate::{
    codec::{Damaged, Input},
    integers::Header,
};

/// Where sections come from.
pub type Read<E> = dyn Fn(Section) -> Result<Vec<u8>, E> + Send + Sync;

/// The lines of a block.
pub struct LineBlock<E> {
    read: Box<Read<E>>,
    /// The template of each row, and the how-manieth of it the row is.
    pub(super) rows: Vec<(u32, u32)>,
    pub(super) templates: Vec<Template>,
    pub(super) parts: Vec<Part>,
    pub(super) texts: Vec<u8>,
    pub(super) columns: Vec<Column>,
    numbers: OnceLock<Vec<u8>>,
    places: OnceLock<Vec<u8>>,
    vocabularies: [OnceLock<Vocabulary>; Class::ALL.len()],
}

pub struct Template {
    /// How many rows have it.
    pub rows: usize,
    pub parts: Range<usize>,
    /// Its first column.
    columns: usize,
}

/// Some text, and what comes behind it.
pub struct Part {
    pub text: Range<usize>,
    pub column: Option<usize>,
}

pub struct Column {
    pub slot: Slot,
    pub(super) format: Option<Format>,
    /// Where its planes are in their section.
    planes: Range<usize>,
    values: OnceLock<Values>,
}

pub enum Values {
    Numbers(Vec<i64>),
    Places(Vec<u32>),
}

impl<E: From<Damaged>> LineBlock<E> {
    /// # Errors
    /// When a section cannot be read, or is not as it was written.
    pub fn open(rows: usize, read: Box<Read<E>>) -> Result<Self, E> {
        let mut block = LineBlock {
            rows: Vec::new(),
            templates: Vec::new(),
            parts: Vec::new(),
            texts: Vec::new(),
            columns: Vec::new(),
            numbers: OnceLock::new(),
            places: OnceLock::new(),
            vocabularies: Default::default(),
            read,
        };
        let (templates, slots) = ((block.read)(Section::Templates)?, (block.read)(Section::Slots)?);
        block.read_templates(&templates, &slots)?;
        let raw = (block.read)(Section::Rows)?;
        block.rows = ranked(&raw, rows, &block.templates)?;
        Ok(block)
    }

    fn read_templates(&mut self, templates: &[u8], slots: &[u8]) -> Result<(), Damaged> {
        let (mut templates, mut slots) = (Input(templates), Input(slots));
        let mut ends = (0, 0);
        for _ in 0..templates.count()? {
            let (parts, columns) = (self.parts.len(), self.columns.len());
            let formats = self.read_parts(templates.bytes()?, columns);
            let rows = slots.u32()? as usize;
            for format in formats {
                let slot = Slot::read(&mut slots)?;
                let planes = slot.planes(rows, &mut ends);
                self.columns.push(Column { slot, format, planes, values: OnceLock::new() });
            }
            self.templates.push(Template { rows, parts: parts..self.parts.len(), columns });
        }
        Ok(())
    }

    /// Takes the pieces of a template; gives the formats of its columns.
    fn read_parts(&mut self, template: &[u8], first_column: usize) -> Vec<Option<Format>> {
        let (mut formats, mut start) = (Vec::new(), self.texts.len());
        for piece in template::pieces(template) {
            let format = match piece {
                Piece::Text(text) => {
                    self.texts.extend_from_slice(text);
                    continue;
                }
                Piece::Time(format) => Some(format),
                Piece::Value | Piece::Word => None,
            };
            self.parts
                .push(Part { text: start..self.texts.len(), column: Some(first_column + formats.len()) });
            formats.push(format);
            start = self.texts.len();
        }
        if start < self.texts.len() {
            self.parts.push(Part { text: start..self.texts.len(), column: None });
        }
        formats
    }

    /// The column, or the earlier one that is the same.
    pub(super) fn resolve(&self, template: &Template, column: usize) -> Option<&Column> {
        let found = self.columns.get(column)?;
        let Slot::Same(earlier) = found.slot else { return Some(found) };
        self.columns.get(template.columns + earlier).filter(|column| !matches!(column.slot, Slot::Same(_)))
    }

    /// Whether values of the column can have this byte.
    pub(super) fn allows(&self, column: &Column, byte: u8) -> bool {
        match (&column.slot, column.format) {
            (_, Some(_)) => Format::allows(byte),
            (Slot::Place(class, _) | Slot::Choice(class, _), _) => class_allows(*class, byte),
            (Slot::Number(..), _) => byte.is_ascii_digit(),
            _ => true,
        }
    }

    pub(super) fn values<'a>(&'a self, column: &'a Column, rows: usize) -> Result<&'a Values, E> {
        if let Some(values) = column.values.get() {
            return Ok(values);
        }
        let values = match &column.slot {
            Slot::Same(_) => return Err(Damaged.into()),
            Slot::Number(_, header) | Slot::Relative(header) | Slot::Time(header) => {
                let planes = self.section(&self.numbers, Section::Numbers)?;
                Values::Numbers(header.decode(planes.get(column.planes.clone()).ok_or(Damaged)?, rows))
            }
            Slot::Place(_, header) => {
                let planes = self.section(&self.places, Section::Places)?;
                Values::Places(places(header, planes.get(column.planes.clone()).ok_or(Damaged)?, rows))
            }
            Slot::Choice(_, choices) => {
                let planes = self.section(&self.places, Section::Places)?;
                let place = |choice: &u8| choices.get(usize::from(*choice)).copied().ok_or(Damaged);
                let chosen = planes.get(column.planes.clone()).ok_or(Damaged)?;
                Values::Places(chosen.iter().map(place).collect::<Result<_, _>>()?)
            }
        };
        Ok(column.values.get_or_init(|| values))
    }

    fn section<'a>(&'a self, cell: &'a OnceLock<Vec<u8>>, section: Section) -> Result<&'a [u8], E> {
        if cell.get().is_none() {
            let raw = (self.read)(section)?;
            return Ok(cell.get_or_init(|| raw));
        }
        Ok(cell.get().map_or(&[], Vec::as_slice))
    }

    pub(super) fn vocabulary(&self, class: Class) -> Result<&Vocabulary, E> {
        let cell = &self.vocabularies[class as usize];
        if let Some(vocabulary) = cell.get() {
            return Ok(vocabulary);
        }
        let vocabulary = Vocabulary::decode(class, &(self.read)(Section::Vocabulary(class))?)?;
        Ok(cell.get_or_init(|| vocabulary))
    }
}

fn places(header: &Header, planes: &[u8], rows: usize) -> Vec<u32> {
    // What is no place in the vocabulary is found out there.
    header.decode(planes, rows).into_iter().map(|place| u32::try_from(place).unwrap_or(u32::MAX)).collect()
}

impl Slot {
    /// Where the planes of the next column are; `ends` are those of numbers and places so far.
    fn planes(&self, rows: usize, ends: &mut (usize, usize)) -> Range<usize> {
        let (end, length) = match self {
            Slot::Same(_) => return 0..0,
            Slot::Number(_, header) | Slot::Relative(header) | Slot::Time(header) => {
                (&mut ends.0, header.length(rows))
            }
            Slot::Place(_, header) => (&mut ends.1, header.length(rows)),
            Slot::Choice(..) => (&mut ends.1, rows),
        };
        *end += length;
        *end - length..*end
    }
}

/// The template of each row, and the how-manieth of its rows each one is.
fn ranked(raw: &[u8], rows: usize, templates: &[Template]) -> Result<Vec<(u32, u32)>, Damaged> {
    let mut input = Input(raw);
    let numbers = Header::read(&mut input)?.decode_from(&mut input, rows)?;
    let mut next = vec![0_u32; templates.len()];
    let ranked = numbers.into_iter().map(|number| {
        let rank = next.get_mut(usize::try_from(number).map_err(|_| Damaged)?).ok_or(Damaged)?;
        *rank += 1;
        Ok((number as u32, *rank - 1))
    });
    let ranked = ranked.collect::<Result<_, Damaged>>()?;
    let complete = templates.iter().zip(next).all(|(template, rows)| template.rows == rows as usize);
    if complete { Ok(ranked) } else { Err(Damaged) }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::lines::{Verdict, encode};

    fn round(lines: &[Vec<u8>], timestamps: &[i64]) -> Vec<Vec<u8>> {
        let sections = encode(timestamps, lines.iter().map(Vec::as_slice));
        let read = move |section: Section| Ok(sections[section.index()].clone());
        let block: LineBlock<Damaged> = LineBlock::open(lines.len(), Box::new(read)).unwrap();
        let line = |(row, timestamp): (usize, &i64)| {
            let mut out = Vec::new();
            block.write_line(row, *timestamp, &mut out).unwrap();
            out
        };
        timestamps.iter().enumerate().map(line).collect()
    }

    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        let text = |pattern: &'static str| pattern.prop_map(String::into_bytes);
        let piece = prop_oneof![
            vec(any::<u8>(), 0..6),
            vec(0..6_u8, 0..4),
            text("[abxyz0-9_]{1,5}[ =:]?"),
            text("[0-9]{1,20}"),
            text("0x[0-9a-f]{1,9} "),
            text("10\\.0\\.[0-9]{1,3}\\.[0-9] "),
            text("20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?"),
            text("(Nov|Dec) 1[0-9] 11:0[0-9]:40(Z|ab)?"),
            text("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        ];
        vec(piece, 0..5).prop_map(|pieces| pieces.concat())
    }

    fn open(lines: &[Vec<u8>]) -> LineBlock<Damaged> {
        let timestamps: Vec<i64> = (0..lines.len() as i64).map(|n| n * 1_000_000).collect();
        let sections = encode(&timestamps, lines.iter().map(Vec::as_slice));
        LineBlock::open(lines.len(), Box::new(move |section: Section| Ok(sections[section.index()].clone())))
            .unwrap()
    }

    proptest! {
        #[test]
        fn no_verdict_is_wrong(lines in vec(hostile(), 1..40), repeat in 1..4_usize, row in any::<usize>(), from in any::<usize>(), length in 1..12_usize) {
            let lines: Vec<Vec<u8>> = lines.iter().cloned().cycle().take(lines.len() * repeat).collect();
            let line = &lines[row % lines.len()];
            let from = from % (line.len() + 1);
            let text = &line[from..line.len().min(from + length)];
            prop_assume!(!text.is_empty());
            let block = open(&lines);
            let filter = (block.read)(Section::Filter).unwrap();
            prop_assert!(crate::lines::may_hold(&filter, text), "{:?}", text);
            let hits = block.search(text).unwrap();
            for (row, line) in lines.iter().enumerate() {
                let holds = memchr::memmem::find(line, text).is_some();
                let wrong = if holds { Verdict::No } else { Verdict::Yes };
                prop_assert_ne!(block.verdict(&hits, row), wrong, "{:?} in {:?}", text, line);
            }
        }

        #[test]
        fn lines_come_back_byte_for_byte(lines in vec((hostile(), any::<i64>()), 0..60)) {
            let (lines, timestamps): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
            prop_assert_eq!(round(&lines, &timestamps), lines);
        }
    }
}
