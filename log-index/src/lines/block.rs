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
    pub(super) read: Box<Read<E>>,
    /// See [`LineBlock::rows`].
    pub(super) rows: OnceLock<Vec<(u32, u32)>>,
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
    pub fn open(read: Box<Read<E>>) -> Result<Self, E> {
        let mut block = LineBlock {
            rows: OnceLock::new(),
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
        Ok(block)
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.templates.iter().map(|template| template.rows).sum()
    }

    /// The template of each row, and the how-manieth of it the row is.
    pub(super) fn rows(&self) -> Result<&[(u32, u32)], E> {
        if let Some(rows) = self.rows.get() {
            return Ok(rows);
        }
        let rows = ranked(&(self.read)(Section::Rows)?, self.len(), &self.templates)?;
        Ok(self.rows.get_or_init(|| rows))
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
            (_, Some(format)) => Format::allows(byte) && (byte != b' ' || format.has_blanks()),
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
