//! Log entries in a block of a segment. Sections: the timestamps; those of the lines; the same of the metadata.

use std::sync::{Arc, OnceLock};

use logql::{Lens, LineFilter, Piece};

use super::{Block, LogColumns, Rows, logs::Metadata, metadata, timestamps};
use crate::{
    codec::Damaged,
    lines::{self, Hits, LineBlock, Section, Verdict},
    segment::{Damage, Sections},
};

const LINES: usize = 1;
const METADATA: usize = LINES + lines::SECTIONS;

/// Entries in the order of time.
pub struct LogBlock {
    sections: Arc<Sections>,
    timestamps: Vec<i64>,
    lines: OnceLock<LineBlock<Fault>>,
    metadata: OnceLock<Vec<Metadata>>,
}

/// The lines of a block before anybody asks when they came.
pub struct LogLines {
    sections: Arc<Sections>,
    lines: LineBlock<Fault>,
}

/// Why something cannot be read.
#[derive(Debug)]
enum Fault {
    Section(Damage),
    Content(Damaged),
}

impl From<Damaged> for Fault {
    fn from(damaged: Damaged) -> Self {
        Fault::Content(damaged)
    }
}

/// The sections of a block with these entries.
pub fn encode(columns: &LogColumns) -> Vec<Vec<u8>> {
    let (times, rows) = (columns.timestamps(), 0..columns.rows());
    let mut sections = vec![timestamps::encode(times)];
    sections.extend(lines::encode(times, rows.clone().map(|row| columns.line(row))));
    if columns.has_metadata() {
        let texts: Vec<String> = rows.map(|row| metadata::to_text(columns.entry(row).metadata)).collect();
        sections.extend(lines::encode(times, texts.iter().map(String::as_bytes)));
    }
    sections
}

impl Rows for LogBlock {
    fn rows(&self) -> usize {
        self.timestamps.len()
    }

    fn timestamp(&self, row: usize) -> i64 {
        self.timestamps[row]
    }

    fn passes(&self, row: usize, filters: &[LineFilter]) -> Result<bool, Damage> {
        if filters.is_empty() {
            return Ok(true);
        }
        let mut line = Vec::new();
        self.write_line(row, &mut line)?;
        Ok(filters.iter().all(|filter| filter.matches(&line)))
    }
}

impl Block<LogColumns> for LogBlock {
    fn open(sections: Sections) -> Result<Self, Damage> {
        LogBlock::with_lines(Arc::new(sections), OnceLock::new())
    }

    fn into_columns(self) -> Result<LogColumns, Damage> {
        let (mut columns, mut line) = (LogColumns::default(), Vec::new());
        for (row, timestamp) in self.timestamps.iter().enumerate() {
            line.clear();
            self.write_line(row, &mut line)?;
            columns.push(*timestamp, &line, self.metadata(row)?);
        }
        Ok(columns)
    }
}

impl LogLines {
    /// # Errors
    /// When sections are damaged.
    pub fn open(sections: Sections) -> Result<Self, Damage> {
        let sections = Arc::new(sections);
        let lines = open_lines(&sections, LINES).map_err(|fault| damage(&sections, fault))?;
        Ok(LogLines { sections, lines })
    }

    /// The rows that hold `text`.
    ///
    /// # Errors
    /// When a section that it needs is damaged.
    pub fn search(&self, text: &[u8]) -> Result<Hits, Damage> {
        self.lines.search(text).map_err(|fault| damage(&self.sections, fault))
    }

    /// The same lines with their times.
    ///
    /// # Errors
    /// When these are damaged.
    pub fn into_block(self) -> Result<LogBlock, Damage> {
        LogBlock::with_lines(self.sections, self.lines.into())
    }
}

impl LogBlock {
    fn with_lines(sections: Arc<Sections>, lines: OnceLock<LineBlock<Fault>>) -> Result<Self, Damage> {
        let timestamps = timestamps::decode(&sections.read(0)?);
        let timestamps = timestamps.map_err(|damaged| sections.damage(damaged))?;
        if lines.get().is_some_and(|lines| lines.len() != timestamps.len()) {
            return Err(sections.damage(Damaged));
        }
        Ok(LogBlock { sections, timestamps, lines, metadata: OnceLock::new() })
    }

    /// Of all rows.
    pub fn timestamps(&self) -> &[i64] {
        &self.timestamps
    }

    /// What a section is called where people see it.
    pub fn section_name(section: usize) -> String {
        match section {
            0 => "timestamps".into(),
            LINES..METADATA => format!("lines.{}", lines::SECTION_NAMES[section - LINES]),
            _ => format!("metadata.{}", lines::SECTION_NAMES[(section - METADATA) % lines::SECTIONS]),
        }
    }

    /// The filter of a block: see [`lines::may_hold`].
    ///
    /// # Errors
    /// When it is damaged.
    pub fn filter(sections: &Sections) -> Result<Vec<u8>, Damage> {
        sections.read(LINES + Section::Filter.index())
    }

    /// Appends the line of a row to `out`.
    ///
    /// # Errors
    /// When a section that it needs is damaged.
    pub fn write_line(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Damage> {
        let written = self.lines()?.write_line(row, self.timestamps[row], out);
        written.map_err(|fault| self.damage(fault))
    }

    /// Whether a row holds the text that was searched for.
    pub fn verdict(&self, hits: &Hits, row: usize) -> Verdict {
        self.lines.get().map_or(Verdict::Maybe, |lines| lines.verdict(hits, row))
    }

    /// Groups of rows whose lines are the same to the lens.
    ///
    /// # Errors
    /// When a section that it needs is damaged.
    pub fn alike(&self, rows: &[u32], lens: &Lens<'_>) -> Result<Vec<Vec<u32>>, Damage> {
        let live = |line: &[u8], pieces: &[Piece]| lens.live(line, pieces);
        self.lines()?.alike(rows, &self.timestamps, &live).map_err(|fault| self.damage(fault))
    }

    /// Whether any row may have metadata.
    pub fn has_metadata(&self) -> bool {
        self.sections.count() > METADATA
    }

    /// # Errors
    /// When a section that it needs is damaged.
    pub fn metadata(&self, row: usize) -> Result<&[(String, String)], Damage> {
        if let Some(metadata) = self.metadata.get() {
            return Ok(metadata.get(row).map_or(&[], Vec::as_slice));
        }
        let metadata = self.read_metadata().map_err(|fault| self.damage(fault))?;
        Ok(self.metadata.get_or_init(|| metadata).get(row).map_or(&[], Vec::as_slice))
    }

    fn lines(&self) -> Result<&LineBlock<Fault>, Damage> {
        if let Some(lines) = self.lines.get() {
            return Ok(lines);
        }
        let lines = self.open_lines(LINES).map_err(|fault| self.damage(fault))?;
        Ok(self.lines.get_or_init(|| lines))
    }

    fn open_lines(&self, first_section: usize) -> Result<LineBlock<Fault>, Fault> {
        let lines = open_lines(&self.sections, first_section)?;
        if lines.len() == self.timestamps.len() { Ok(lines) } else { Err(Damaged.into()) }
    }

    /// Empty if no row has any.
    fn read_metadata(&self) -> Result<Vec<Metadata>, Fault> {
        if !self.has_metadata() {
            return Ok(Vec::new());
        }
        let (texts, mut text) = (self.open_lines(METADATA)?, Vec::new());
        let row = |(row, timestamp): (usize, &i64)| {
            text.clear();
            texts.write_line(row, *timestamp, &mut text)?;
            Ok(metadata::from_text(&text)?)
        };
        self.timestamps.iter().enumerate().map(row).collect()
    }

    fn damage(&self, fault: Fault) -> Damage {
        damage(&self.sections, fault)
    }
}

fn open_lines(sections: &Arc<Sections>, first_section: usize) -> Result<LineBlock<Fault>, Fault> {
    let sections = sections.clone();
    let read = move |section: Section| sections.read(first_section + section.index()).map_err(Fault::Section);
    LineBlock::open(Box::new(read))
}

fn damage(sections: &Sections, fault: Fault) -> Damage {
    match fault {
        Fault::Section(damage) => damage,
        Fault::Content(damaged) => sections.damage(damaged),
    }
}
