//! One file of a partition's log: record batches one after another, named after the offset of the first.
//!
//! The index (a place to start for every 64 KiB) lives in memory and is rebuilt from the batch headers at start.

use super::batch::{self, HEADER_LEN, Header, Marker};
use super::cut::{Cut, cut};
use bytes::{Bytes, BytesMut};
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// How far apart index entries are, and so how much has to be walked through to find an offset.
const INDEX_INTERVAL: u64 = 64 << 10;

#[derive(Debug, Clone, Copy)]
struct IndexEntry {
    /// First offset of the batch at `position`.
    offset: i64,
    position: u64,
    /// Largest timestamp of all that lies before `position`.
    max_timestamp_before: i64,
}

/// One file of a partition's log.
#[derive(Debug)]
pub struct Segment {
    path: PathBuf,
    /// The file is kept open only while it is written; readers of closed segments open it for themselves.
    writer: Option<File>,
    /// Offset that the file is named after.
    pub base_offset: i64,
    /// Offset after the last record.
    pub next_offset: i64,
    /// Size in bytes.
    pub size: u64,
    /// Largest timestamp, milliseconds since 1970; `i64::MIN` while empty.
    pub max_timestamp: i64,
    /// Largest timestamp of the first batch; tells the segment's age. `i64::MIN` while empty.
    pub first_timestamp: i64,
    index: Vec<IndexEntry>,
}

/// How thoroughly a file is looked through at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Headers only: the file was closed whole.
    Headers,
    /// Checksums too, and whatever follows the last whole batch is cut off: the file was being written.
    Everything,
}

impl Segment {
    /// Creates an empty segment for records from `base_offset` on.
    pub fn create(dir: &Path, base_offset: i64) -> io::Result<Segment> {
        let path = dir.join(format!("{base_offset:020}.log"));
        let writer = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&path)?;
        Ok(Segment { writer: Some(writer), ..Segment::empty(path, base_offset) })
    }

    /// Reads an existing file and tells `visit` of every batch.
    pub fn recover(
        path: PathBuf,
        base_offset: i64,
        check: Check,
        visit: &mut impl FnMut(&Header, Option<Marker>),
    ) -> io::Result<Segment> {
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let length = file.metadata()?.len();
        let mut segment = Segment { writer: Some(file), ..Segment::empty(path, base_offset) };
        while let Some((header, marker)) = segment.next_whole_batch(length, check)? {
            segment.note(&header);
            visit(&header, marker);
        }
        segment.settle_end(length, check)?;
        Ok(segment)
    }

    /// The batch at the current end, if one is there, whole and following on what was before.
    fn next_whole_batch(&self, length: u64, check: Check) -> io::Result<Option<(Header, Option<Marker>)>> {
        if length - self.size < HEADER_LEN as u64 {
            return Ok(None);
        }
        let head = self.read(self.size, HEADER_LEN)?;
        let Some(header) = Header::parse(&head) else { return Ok(None) };
        let fits = header.size as u64 <= length - self.size;
        if !fits || header.base_offset < self.next_offset || header.last_offset_delta < 0 {
            return Ok(None);
        }
        if check == Check::Headers && !header.is_control() {
            return Ok(Some((header, None)));
        }
        let bytes = self.read(self.size, header.size)?;
        let marker = batch::marker_kind(&bytes).filter(|_| header.is_control());
        Ok(header.matches(&bytes).then_some((header, marker)))
    }

    fn settle_end(&mut self, length: u64, check: Check) -> io::Result<()> {
        if self.size == length {
            return Ok(());
        }
        let (path, surplus) = (self.path.display(), length - self.size);
        match (check, &self.writer) {
            (Check::Everything, Some(file)) => {
                tracing::warn!(%path, surplus, "cut off the unfinished end of a segment");
                file.set_len(self.size)
            }
            _ => {
                tracing::error!(%path, surplus, "the end of a segment is damaged; its records are left out");
                Ok(())
            }
        }
    }

    fn empty(path: PathBuf, base_offset: i64) -> Segment {
        Segment {
            path,
            writer: None,
            base_offset,
            next_offset: base_offset,
            size: 0,
            max_timestamp: i64::MIN,
            first_timestamp: i64::MIN,
            index: Vec::new(),
        }
    }

    /// Writes a batch at the end. After an error the segment is as it was before.
    pub fn append(&mut self, header: &Header, batch: &[u8], flush: bool) -> io::Result<()> {
        let file = self.writer.as_ref().ok_or_else(|| io::Error::other("the segment is closed"))?;
        fault::point("broker.log.before-write");
        let written = file.write_all_at(batch, self.size);
        fault::point("broker.log.after-write");
        let written = if flush { written.and_then(|()| file.sync_data()) } else { written };
        fault::point("broker.log.after-fsync");
        if written.is_err() {
            file.set_len(self.size)?;
        }
        written?;
        self.note(header);
        Ok(())
    }

    fn note(&mut self, header: &Header) {
        let indexed_to = self.index.last().map(|entry| entry.position);
        if indexed_to.is_none_or(|position| self.size - position >= INDEX_INTERVAL) {
            self.index.push(IndexEntry {
                offset: header.base_offset,
                position: self.size,
                max_timestamp_before: self.max_timestamp,
            });
        }
        if self.size == 0 {
            self.first_timestamp = header.max_timestamp;
        }
        self.size += header.size as u64;
        self.next_offset = header.last_offset() + 1;
        self.max_timestamp = self.max_timestamp.max(header.max_timestamp);
    }

    /// No more will be written. The data is pushed to the disk in the background: at start closed segments are trusted.
    pub fn close(&mut self) {
        let Some(file) = self.writer.take() else { return };
        let path = self.path.clone();
        std::thread::spawn(move || {
            if let Err(error) = file.sync_data() {
                tracing::error!(path = %path.display(), %error, "cannot flush a closed segment");
            }
        });
    }

    /// Opened for reading only, at start: it is on the disk already.
    pub fn seal(&mut self) {
        self.writer = None;
    }

    /// Pushes what was written to the disk.
    pub fn flush(&self) -> io::Result<()> {
        self.writer.as_ref().map_or(Ok(()), File::sync_data)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a cleaned copy of this closed segment in its place.
    pub fn replace_by(&mut self, copy: Segment) -> io::Result<()> {
        std::fs::rename(&copy.path, &self.path)?;
        *self = Segment { path: std::mem::take(&mut self.path), ..copy };
        Ok(())
    }

    /// Deletes the file.
    pub fn delete(&self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    /// Whole batches from the one that holds `offset` on, while they begin before `limit` and fit `max_bytes`; the
    /// first is there whatever its size. Empty when the segment holds none.
    pub fn read_from(&self, offset: i64, limit: i64, max_bytes: usize) -> io::Result<Bytes> {
        let at = self.index.partition_point(|entry| entry.offset <= offset).saturating_sub(1);
        let Some(entry) = self.index.get(at) else { return Ok(Bytes::new()) };
        let mut position = entry.position;
        let window = max_bytes.max(HEADER_LEN) + INDEX_INTERVAL as usize;
        while position < self.size {
            let chunk = self.read(position, window.min((self.size - position) as usize))?;
            match cut(&chunk, offset, limit, max_bytes) {
                Cut::Found { start, end: Some(end) } => return Ok(chunk.slice(start..end)),
                Cut::Found { start, end: None } => return self.read_one(position + start as u64),
                Cut::Nothing => return Ok(Bytes::new()),
                Cut::Later { skipped: 0 } => position += self.size_at(position)?,
                Cut::Later { skipped } => position += skipped as u64,
            }
        }
        Ok(Bytes::new())
    }

    fn read_one(&self, position: u64) -> io::Result<Bytes> {
        let size = self.size_at(position)?;
        self.read(position, size as usize)
    }

    fn size_at(&self, position: u64) -> io::Result<u64> {
        let head = self.read(position, HEADER_LEN)?;
        let header = Header::parse(&head).ok_or_else(|| io::Error::other("no record batch where one was"))?;
        Ok(header.size as u64)
    }

    /// The first batch at or after `from_offset` whose largest timestamp is at least `timestamp`.
    pub fn first_at(&self, timestamp: i64, from_offset: i64) -> io::Result<Option<(Header, Bytes)>> {
        let at = self.index.partition_point(|entry| entry.max_timestamp_before < timestamp).saturating_sub(1);
        let Some(entry) = self.index.get(at) else { return Ok(None) };
        let mut position = entry.position;
        while position < self.size {
            let head = self.read(position, HEADER_LEN)?;
            let Some(header) = Header::parse(&head) else { return Ok(None) };
            let wanted = header.max_timestamp >= timestamp && header.last_offset() >= from_offset;
            if wanted && !header.is_control() {
                return Ok(Some((header, self.read(position, header.size)?)));
            }
            position += header.size as u64;
        }
        Ok(None)
    }

    fn read(&self, position: u64, length: usize) -> io::Result<Bytes> {
        let mut bytes = BytesMut::zeroed(length);
        match &self.writer {
            Some(file) => file.read_exact_at(&mut bytes, position)?,
            None => File::open(&self.path)?.read_exact_at(&mut bytes, position)?,
        }
        Ok(bytes.freeze())
    }
}

/// The batches of a closed segment, one after the other.
pub fn batches(path: &Path) -> io::Result<impl Iterator<Item = io::Result<(Header, Bytes)>>> {
    let mut file = BufReader::with_capacity(INDEX_INTERVAL as usize, File::open(path)?);
    Ok(std::iter::from_fn(move || next_batch(&mut file).transpose()))
}

/// `None` at the end.
fn next_batch(file: &mut impl Read) -> io::Result<Option<(Header, Bytes)>> {
    let mut batch = Vec::with_capacity(HEADER_LEN);
    file.by_ref().take(HEADER_LEN as u64).read_to_end(&mut batch)?;
    if batch.is_empty() {
        return Ok(None);
    }
    let header = Header::parse(&batch).ok_or(io::ErrorKind::InvalidData)?;
    file.by_ref().take((header.size - HEADER_LEN) as u64).read_to_end(&mut batch)?;
    let whole = batch.len() == header.size;
    if whole { Ok(Some((header, batch.into()))) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
