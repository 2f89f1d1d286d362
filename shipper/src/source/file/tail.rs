//! One open file, read from where it was left.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use bytes::{Bytes, BytesMut};
use event::{Labels, LogBatch, LogEntry};

use super::lines::{self, Split};
use crate::{
    checkpoint::FilePosition,
    identity::{self, FileKey, Fingerprint, HEAD},
    mark::Mark,
    timestamp::{self, Clock},
};

/// Bytes of a file in one record.
const CHUNK: usize = 256 << 10;
const HOUR_SECS: i64 = 3600;
const HOUR_NS: i64 = HOUR_SECS * 1_000_000_000;
/// A line without an end is sent when nothing has followed for this long.
const UNFINISHED: Duration = Duration::from_secs(5);

/// A file that is being read.
pub struct Tail {
    file: File,
    /// Under which it was found first; a rename does not change the stream.
    pub path: PathBuf,
    /// Labels of its stream.
    pub labels: Labels,
    /// Identity of the source.
    pub source: String,
    /// Device and inode.
    pub key: FileKey,
    /// Bytes up to here have been read.
    pub offset: u64,
    /// Bytes up to here have been acknowledged.
    pub mark: Arc<Mark<u64>>,
    /// The first bytes, to notice when the file starts over.
    pub head: Vec<u8>,
    birth: u64,
    /// Else the hash of the head stands in for it, as it was when the file was first seen.
    has_birth: bool,
    generation: u32,
    /// No pattern finds it any more: it is read to its end.
    pub is_leaving: bool,
    seen_size: u64,
    /// When something was last read.
    pub active: Instant,
}

/// What a look at the file has brought.
pub enum Found {
    /// Nothing new.
    Nothing,
    /// Entries.
    Entries(LogBatch),
    /// The file has started over: these are other bytes than those that were read.
    StartedOver,
}

impl Tail {
    /// A file of which nothing is known.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn new(host: &str, path: PathBuf, labels: Labels, file: File) -> io::Result<Self> {
        let (metadata, head) = (file.metadata()?, identity::head(&file)?);
        let (key, birth) = (FileKey::of(&metadata), identity::birth(&metadata));
        let has_birth = birth.is_some();
        let birth = birth.unwrap_or_else(|| Fingerprint::of(&head).hash);
        Ok(Tail {
            source: identity::file_source(host, key, birth, 0),
            file,
            path,
            labels,
            key,
            offset: 0,
            mark: Arc::new(Mark::new(0)),
            head,
            birth,
            has_birth,
            generation: 0,
            is_leaving: false,
            seen_size: 0,
            active: Instant::now(),
        })
    }

    /// Goes on with what the checkpoint knows of this file.
    pub fn resume(mut self, position: &FilePosition) -> Self {
        self.source = position.source.clone();
        self.path = position.path.clone();
        self.labels = self.labels.with("filename", &position.path.to_string_lossy());
        (self.birth, self.generation) = (position.birth, position.generation);
        self.start_at(position.offset);
        self
    }

    /// Whether the position is one in this file, whatever is in it by now.
    pub fn is_file_of(&self, position: &FilePosition) -> bool {
        let same_birth = position.birth == self.birth;
        self.key == position.key && if self.has_birth { same_birth } else { self.holds(position) }
    }

    /// Whether this file begins with the bytes that the position knows, and reaches up to it.
    pub fn holds(&self, position: &FilePosition) -> bool {
        let reaches = self.size().is_ok_and(|size| size >= position.offset);
        reaches && position.fingerprint.fits(&self.head)
    }

    /// Begins at `offset`.
    pub fn start_at(&mut self, offset: u64) {
        self.offset = offset;
        self.mark = Arc::new(Mark::new(offset));
    }

    /// Begins a new generation: the same file, other content.
    pub fn start_over(&mut self, host: &str, generation: u32) -> io::Result<()> {
        self.generation = generation;
        self.source = identity::file_source(host, self.key, self.birth, generation);
        self.head = identity::head(&self.file)?;
        self.seen_size = 0;
        self.start_at(0);
        Ok(())
    }

    /// Bytes of the file now.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// For the checkpoint.
    pub fn position(&self) -> FilePosition {
        FilePosition {
            source: self.source.clone(),
            path: self.path.clone(),
            key: self.key,
            birth: self.birth,
            generation: self.generation,
            fingerprint: Fingerprint::of(&self.head),
            offset: self.offset,
            // By the hour, so that it alone does not rewrite the checkpoint all the time.
            seen: timestamp::now_ns() / HOUR_NS * HOUR_SECS,
        }
    }

    /// Whether the file is gone, read to its end and acknowledged, and silent for `patience`.
    pub fn is_done(&self, patience: Duration) -> bool {
        let at_end = self.file.metadata().is_ok_and(|m| m.len() <= self.offset);
        self.is_leaving && at_end && self.mark.is_settled() && self.active.elapsed() > patience
    }

    /// When the file was last written to.
    pub fn modified(&self) -> SystemTime {
        self.file.metadata().and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// When the file was made, where the file system knows.
    pub fn created(&self) -> Option<SystemTime> {
        self.file.metadata().and_then(|m| m.created()).ok()
    }

    /// Whether nobody can open the file any more.
    pub fn is_deleted(&self) -> bool {
        self.file.metadata().is_ok_and(|m| m.nlink() == 0)
    }

    /// Reads on, at most one record's worth.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn poll(&mut self, limit: usize, clock: &mut Clock) -> io::Result<Found> {
        let metadata = self.file.metadata()?;
        if metadata.len() < self.offset {
            return Ok(Found::StartedOver);
        }
        let is_last = self.is_last(&metadata);
        if metadata.len() == self.offset || (metadata.len() == self.seen_size && !is_last) {
            return Ok(Found::Nothing);
        }
        let (split, complete) = self.read_lines(&metadata, limit, is_last)?;
        if !self.head_is_same()? {
            return Ok(Found::StartedOver);
        }
        self.active = Instant::now();
        // Where the chunk ends before the file does there is more to read at once.
        self.seen_size = if complete { metadata.len() } else { 0 };
        if split.lines.is_empty() {
            return Ok(Found::Nothing);
        }
        crate::telemetry::LINES_SPLIT.inc_by(split.cut as u64);
        let batch = self.batch(split.lines, clock);
        self.offset += split.used as u64;
        Ok(Found::Entries(batch))
    }

    /// Whether a line without an end has waited for long enough.
    fn is_last(&self, metadata: &Metadata) -> bool {
        metadata.len() == self.seen_size && (self.is_leaving || self.active.elapsed() > UNFINISHED)
    }

    /// Reads a chunk, a larger one if a line does not end in it. The flag: the chunk goes up to the file's end.
    fn read_lines(&self, metadata: &Metadata, limit: usize, is_last: bool) -> io::Result<(Split, bool)> {
        let rest = metadata.len() - self.offset;
        let mut length = CHUNK;
        loop {
            let chunk = self.read_chunk(length.min(usize::try_from(rest).unwrap_or(usize::MAX)))?;
            let complete = chunk.len() as u64 >= rest;
            let split = lines::split(&chunk, limit, is_last && complete);
            if split.used > 0 || complete || chunk.len() < length {
                return Ok((split, complete));
            }
            length = (length * 2).min(limit + CHUNK);
        }
    }

    fn read_chunk(&self, length: usize) -> io::Result<Bytes> {
        let mut chunk = BytesMut::zeroed(length);
        let mut filled = 0;
        while filled < length {
            match self.file.read_at(&mut chunk[filled..], self.offset + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        chunk.truncate(filled);
        Ok(chunk.freeze())
    }

    /// Looks after reading: had the file started over before, the chunk would be of the new content.
    fn head_is_same(&mut self) -> io::Result<bool> {
        let now = identity::head(&self.file)?;
        let same = now.starts_with(&self.head);
        if same && self.head.len() < HEAD {
            self.head = now;
        }
        Ok(same)
    }

    fn batch(&self, lines: Vec<lines::Line>, clock: &mut Clock) -> LogBatch {
        let mut timestamp_ns = clock.now_ns;
        let entry = |line: lines::Line| {
            // A line without a time of its own belongs to the one before it, as in a stack trace.
            let own = timestamp::leading(&line.bytes).and_then(|(written, _)| clock.resolve(&written));
            timestamp_ns = own.unwrap_or(timestamp_ns);
            let position = self.offset + line.end as u64;
            LogEntry { timestamp_ns, line: line.bytes, metadata: Vec::new(), position }
        };
        let entries = lines.into_iter().map(entry).collect();
        LogBatch { source: self.source.clone(), labels: self.labels.clone(), entries }
    }
}
