//! Log entries in memory.

use logql::{EntryRef, LineFilter};

use super::{Columns, Kind, LogBlock, Rows, log_block};
use crate::segment::Damage;

pub type Metadata = Vec<(String, String)>;

/// Entries in the order of their arrival, or of time on the way to a segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogColumns {
    timestamps: Vec<i64>,
    /// Where each line ends in `lines`.
    ends: Vec<u32>,
    lines: Vec<u8>,
    /// Shorter than the others when the last rows have none: without metadata it costs nothing.
    metadata: Vec<Metadata>,
    metadata_bytes: usize,
}

impl LogColumns {
    pub fn push(&mut self, timestamp_ns: i64, line: &[u8], metadata: &[(String, String)]) {
        self.lines.extend_from_slice(line);
        self.ends.push(self.lines.len() as u32);
        self.timestamps.push(timestamp_ns);
        if !metadata.is_empty() {
            self.metadata.resize_with(self.timestamps.len() - 1, Metadata::new);
            self.metadata_bytes += metadata.iter().map(|(n, v)| n.len() + v.len() + 48).sum::<usize>();
            self.metadata.push(metadata.to_vec());
        }
    }

    pub fn line(&self, row: usize) -> &[u8] {
        &self.lines[self.line_start(row)..self.ends[row] as usize]
    }

    pub fn entry(&self, row: usize) -> EntryRef<'_> {
        let metadata = self.metadata.get(row).map_or(&[][..], Vec::as_slice);
        EntryRef { timestamp_ns: self.timestamps[row], line: self.line(row), metadata }
    }

    pub fn timestamps(&self) -> &[i64] {
        &self.timestamps
    }

    pub fn has_metadata(&self) -> bool {
        !self.metadata.is_empty()
    }

    /// All lines, one behind the other: for searches over a whole block.
    pub fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// Where a row's line begins in [`LogColumns::lines`].
    pub fn line_start(&self, row: usize) -> usize {
        row.checked_sub(1).map_or(0, |before| self.ends[before] as usize)
    }

    /// The row in whose line the byte at `at` of [`LogColumns::lines`] lies.
    pub fn row_at(&self, at: usize) -> usize {
        self.ends.partition_point(|end| *end as usize <= at)
    }
}

impl Rows for LogColumns {
    fn rows(&self) -> usize {
        self.timestamps.len()
    }

    fn timestamp(&self, row: usize) -> i64 {
        self.timestamps[row]
    }

    fn passes(&self, row: usize, filters: &[LineFilter]) -> Result<bool, Damage> {
        Ok(filters.iter().all(|filter| filter.matches(self.line(row))))
    }
}

impl Columns for LogColumns {
    const KIND: Kind = Kind::Logs;

    type Block = LogBlock;

    fn with_room(bytes: usize) -> Self {
        LogColumns { lines: Vec::with_capacity(bytes), ..LogColumns::default() }
    }

    fn weight(&self) -> usize {
        self.lines.len() + self.metadata_bytes + 12 * self.rows()
    }

    fn push_from(&mut self, other: &Self, row: usize) {
        let entry = other.entry(row);
        self.push(entry.timestamp_ns, entry.line, entry.metadata);
    }

    fn encode(&self) -> Vec<Vec<u8>> {
        log_block::encode(self)
    }
}
