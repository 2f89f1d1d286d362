//! Log entries in columns. Encoded: the lines, one behind the other; the number of rows; the timestamps as
//! differences; the lines' lengths; the metadata; and last, as four bytes, where the lines end.

use logql::{EntryRef, LineFilter};

use super::{Columns, Kind};
use crate::codec::{Damaged, Input, put_bytes, put_i64, put_u64};

type Metadata = Vec<(String, String)>;

/// Entries in the order of their arrival (in memory) or of time (in a segment).
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

impl Columns for LogColumns {
    const KIND: Kind = Kind::Logs;

    fn with_room(bytes: usize) -> Self {
        LogColumns { lines: Vec::with_capacity(bytes), ..LogColumns::default() }
    }

    fn rows(&self) -> usize {
        self.timestamps.len()
    }

    fn timestamp(&self, row: usize) -> i64 {
        self.timestamps[row]
    }

    fn weight(&self) -> usize {
        self.lines.len() + self.metadata_bytes + 12 * self.rows()
    }

    fn passes(&self, row: usize, filters: &[LineFilter]) -> bool {
        filters.iter().all(|filter| filter.matches(self.line(row)))
    }

    fn push_from(&mut self, other: &Self, row: usize) {
        let entry = other.entry(row);
        self.push(entry.timestamp_ns, entry.line, entry.metadata);
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.weight());
        out.extend_from_slice(&self.lines);
        put_u64(&mut out, self.rows() as u64);
        let mut before = 0;
        for timestamp in &self.timestamps {
            put_i64(&mut out, timestamp.wrapping_sub(before));
            before = *timestamp;
        }
        (0..self.rows()).for_each(|row| put_u64(&mut out, self.line(row).len() as u64));
        put_metadata(&mut out, &self.metadata);
        out.extend_from_slice(&(self.lines.len() as u32).to_le_bytes());
        out
    }

    fn decode(mut raw: Vec<u8>) -> Result<Self, Damaged> {
        let (body, tail) = raw.split_last_chunk::<4>().ok_or(Damaged)?;
        let line_bytes = u32::from_le_bytes(*tail) as usize;
        let mut input = Input(body.get(line_bytes..).ok_or(Damaged)?);
        let rows = input.count()?;
        let mut columns = LogColumns { timestamps: Vec::with_capacity(rows), ..LogColumns::default() };
        let mut timestamp = 0_i64;
        for _ in 0..rows {
            timestamp = timestamp.wrapping_add(input.i64()?);
            columns.timestamps.push(timestamp);
        }
        columns.ends = ends(&mut input, rows, line_bytes)?;
        columns.metadata = metadata(&mut input, rows)?;
        raw.truncate(line_bytes);
        columns.lines = raw;
        Ok(columns)
    }
}

fn ends(input: &mut Input<'_>, rows: usize, line_bytes: usize) -> Result<Vec<u32>, Damaged> {
    let (mut ends, mut end) = (Vec::with_capacity(rows), 0_u32);
    for _ in 0..rows {
        end = end.checked_add(input.u32()?).ok_or(Damaged)?;
        ends.push(end);
    }
    if end as usize == line_bytes { Ok(ends) } else { Err(Damaged) }
}

fn put_metadata(out: &mut Vec<u8>, rows: &[Metadata]) {
    put_u64(out, rows.len() as u64);
    for row in rows {
        put_u64(out, row.len() as u64);
        for (name, value) in row {
            put_bytes(out, name.as_bytes());
            put_bytes(out, value.as_bytes());
        }
    }
}

fn metadata(input: &mut Input<'_>, rows: usize) -> Result<Vec<Metadata>, Damaged> {
    let count = input.count()?;
    if count > rows {
        return Err(Damaged);
    }
    let pair = |input: &mut Input<'_>| Ok((input.text()?.to_owned(), input.text()?.to_owned()));
    let row = |input: &mut Input<'_>| (0..input.count()?).map(|_| pair(input)).collect();
    (0..count).map(|_| row(input)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata_of(value: &str) -> Metadata {
        vec![("trace".into(), value.into())]
    }

    #[test]
    fn entries_come_back_byte_for_byte() {
        let mut columns = LogColumns::default();
        columns.push(i64::MAX, b"\0\xff\n", &[]);
        columns.push(i64::MIN, b"", &metadata_of("7"));
        columns.push(0, "z\u{fc}rich".as_bytes(), &[]);
        let again = LogColumns::decode(columns.encode()).unwrap();
        assert_eq!(again.rows(), 3);
        assert_eq!((again.entry(0).timestamp_ns, again.line(0)), (i64::MAX, &b"\0\xff\n"[..]));
        assert_eq!((again.entry(1).timestamp_ns, again.entry(1).metadata), (i64::MIN, &metadata_of("7")[..]));
        assert_eq!((again.line(2), again.entry(2).metadata.len()), ("z\u{fc}rich".as_bytes(), 0));
        assert_eq!((again.row_at(0), again.row_at(3)), (0, 2));
    }

    #[test]
    fn damage_is_an_error() {
        let mut columns = LogColumns::default();
        columns.push(5, b"a line", &metadata_of("x"));
        let raw = columns.encode();
        for length in 0..raw.len() {
            assert!(LogColumns::decode(raw[..length].to_vec()).is_err(), "{length}");
        }
    }
}
