//! The log of one partition: segments on disk, offsets, and what is known of its producers. No locks, no waiting;
//! [`Partition`](super::partition::Partition) puts these around it.

pub mod batch;
mod codec;
pub mod producers;
mod segment;
#[cfg(test)]
mod tests;

use super::Error;
use batch::{Header, Marker};
use bytes::Bytes;
use kafka_protocol::ResponseError;
use producers::{Aborted, Producers, Verdict};
use segment::{Check, Segment};
use std::io;
use std::path::{Path, PathBuf};

const START_FILE: &str = "log-start-offset";

/// Settings of a log, from the topic's where it has some, else from the broker's.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Size at which a segment is closed.
    pub segment_bytes: u64,
    /// Largest batch that is taken.
    pub batch_bytes: usize,
    /// Age in milliseconds at which segments go.
    pub retention_ms: Option<i64>,
    /// Size of the whole log beyond which the oldest segments go.
    pub retention_bytes: Option<u64>,
    /// Push every append to the disk.
    pub flush: bool,
}

/// The log of one partition.
#[derive(Debug)]
pub struct Log {
    dir: PathBuf,
    /// Never empty; the last one is written to.
    segments: Vec<Segment>,
    start_offset: i64,
    producers: Producers,
    settings: Settings,
    /// When a segment was last closed for its age, milliseconds since 1970.
    rolled_ms: i64,
}

/// What a reader gets.
#[derive(Debug)]
pub struct Slice {
    /// Whole batches, as they were produced.
    pub records: Bytes,
    /// Transactions whose records a `read_committed` reader leaves out.
    pub aborted: Vec<Aborted>,
}

impl Log {
    /// Opens the log in `dir`, which is created when it is not there.
    pub fn open(dir: &Path, settings: Settings) -> Result<Log, Error> {
        std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
        let start_offset = read_start(dir)?;
        let mut log = Log {
            dir: dir.to_owned(),
            segments: Vec::new(),
            start_offset,
            producers: Producers::default(),
            settings,
            rolled_ms: 0,
        };
        log.recover_segments()?;
        if log.segments.is_empty() {
            let first = Segment::create(dir, start_offset).map_err(Error::io(dir))?;
            log.segments.push(first);
        }
        log.start_offset = log.start_offset.max(log.segments[0].base_offset);
        log.producers.forget_before(log.start_offset);
        Ok(log)
    }

    fn recover_segments(&mut self) -> Result<(), Error> {
        let files = segment_files(&self.dir)?;
        let count = files.len();
        for (at, (base_offset, path)) in files.into_iter().enumerate() {
            let active = at + 1 == count;
            let check = if active { Check::Everything } else { Check::Headers };
            let producers = &mut self.producers;
            let mut visit = |header: &Header, marker| match marker {
                Some(kind) => producers.record_marker(header, kind),
                None => producers.record(header),
            };
            let mut segment =
                Segment::recover(path.clone(), base_offset, check, &mut visit).map_err(Error::io(path))?;
            if !active {
                segment.seal();
            }
            self.segments.push(segment);
        }
        Ok(())
    }

    /// Appends a batch as a producer sent it and returns the offset of its first record. A batch that an idempotent
    /// producer sends again is not appended again.
    pub fn append(&mut self, records: &[u8]) -> Result<i64, ResponseError> {
        let header = batch::check_produced(records, self.settings.batch_bytes)?;
        if header.producer_id >= 0
            && let Verdict::Duplicate(offset) = self.producers.check(&header)?
        {
            return Ok(offset);
        }
        let placed = self.write(records)?;
        self.producers.record(&placed);
        Ok(placed.base_offset)
    }

    /// Ends the open transaction of a producer.
    pub fn append_marker(
        &mut self,
        kind: Marker,
        producer_id: i64,
        epoch: i16,
        now_ms: i64,
    ) -> Result<(), ResponseError> {
        let placed = self.write(&batch::marker(kind, producer_id, epoch, now_ms))?;
        self.producers.record_marker(&placed, kind);
        Ok(())
    }

    fn write(&mut self, records: &[u8]) -> Result<Header, ResponseError> {
        let bytes = batch::place(records, self.end_offset());
        let header = Header::parse(&bytes).ok_or(ResponseError::CorruptMessage)?;
        let full = |active: &Segment| {
            active.size > 0 && active.size + header.size as u64 > self.settings.segment_bytes
        };
        if self.segments.last().is_some_and(full) {
            self.roll().map_err(|error| storage_error(&self.dir, error))?;
        }
        let flush = self.settings.flush;
        let active = self.segments.last_mut().ok_or(ResponseError::KafkaStorageError)?;
        active.append(&header, &bytes, flush).map_err(|error| storage_error(&self.dir, error))?;
        Ok(header)
    }

    fn roll(&mut self) -> io::Result<()> {
        fault::point("broker.log.before-roll");
        let next = Segment::create(&self.dir, self.end_offset())?;
        fault::point("broker.log.after-roll");
        if self.settings.flush {
            // The directory has to know of the new file too.
            std::fs::File::open(&self.dir)?.sync_all()?;
        }
        if let Some(active) = self.segments.last_mut() {
            active.close();
        }
        self.segments.push(next);
        Ok(())
    }

    /// First offset that can be read.
    pub fn start_offset(&self) -> i64 {
        self.start_offset
    }

    /// Offset that the next record gets.
    pub fn end_offset(&self) -> i64 {
        self.segments.last().map_or(self.start_offset, |active| active.next_offset)
    }

    /// First offset whose fate is open; `read_committed` readers stop before it.
    pub fn stable_offset(&self) -> i64 {
        self.producers.first_open_offset().unwrap_or_else(|| self.end_offset())
    }

    /// Whether this producer has a transaction open here.
    pub fn has_open_transaction(&self, producer_id: i64) -> bool {
        self.producers.is_open(producer_id)
    }

    /// Whole batches from the one that holds `offset` on, up to about `max_bytes`; nothing at the end of the log.
    pub fn read(&self, offset: i64, max_bytes: usize, committed: bool) -> Result<Slice, ResponseError> {
        if offset < self.start_offset || offset > self.end_offset() {
            return Err(ResponseError::OffsetOutOfRange);
        }
        let limit = if committed { self.stable_offset() } else { self.end_offset() };
        let records =
            self.read_to(offset, limit, max_bytes).map_err(|error| storage_error(&self.dir, error))?;
        let aborted = if committed { self.producers.aborted_between(offset, limit) } else { Vec::new() };
        Ok(Slice { records, aborted })
    }

    fn read_to(&self, offset: i64, limit: i64, max_bytes: usize) -> io::Result<Bytes> {
        let from = self.segments.partition_point(|segment| segment.next_offset <= offset);
        for segment in &self.segments[from..] {
            let records = segment.read_from(offset, limit, max_bytes)?;
            if !records.is_empty() {
                return Ok(records);
            }
        }
        Ok(Bytes::new())
    }

    /// Offset and timestamp of the first record that is at least as new as `timestamp`.
    pub fn offset_at(&self, timestamp: i64) -> Result<Option<(i64, i64)>, ResponseError> {
        let newest = self.segments.iter().filter(|segment| segment.max_timestamp >= timestamp);
        for segment in newest {
            let found = segment.first_at(timestamp, self.start_offset);
            if let Some((header, bytes)) = found.map_err(|error| storage_error(&self.dir, error))? {
                return Ok(Some(self.first_record_at(&header, &bytes, timestamp)));
            }
        }
        Ok(None)
    }

    /// Where the records cannot be read the answer is the batch's first: rather too early than too late.
    fn first_record_at(&self, header: &Header, batch: &[u8], timestamp: i64) -> (i64, i64) {
        let wanted = |&(offset, time): &(i64, i64)| time >= timestamp && offset >= self.start_offset;
        let first = batch::record_times(header, batch).into_iter().find(wanted);
        first.unwrap_or((header.base_offset.max(self.start_offset), header.max_timestamp))
    }

    /// Offset and timestamp of the newest record by its timestamp; `None` for an empty log.
    pub fn newest(&self) -> Result<Option<(i64, i64)>, ResponseError> {
        let newest = self.segments.iter().map(|segment| segment.max_timestamp).max();
        newest.filter(|time| *time != i64::MIN).map_or(Ok(None), |time| self.offset_at(time))
    }

    /// Forgets what lies before `offset` and deletes the segments that hold nothing else. -1 stands for the end.
    pub fn delete_before(&mut self, offset: i64) -> Result<i64, ResponseError> {
        let offset = if offset == -1 { self.end_offset() } else { offset };
        if offset < 0 || offset > self.end_offset() {
            return Err(ResponseError::OffsetOutOfRange);
        }
        self.advance_start(offset).map_err(|error| storage_error(&self.dir, error))?;
        Ok(self.start_offset)
    }

    fn advance_start(&mut self, offset: i64) -> io::Result<()> {
        if offset <= self.start_offset {
            return Ok(());
        }
        fault::point("broker.log.before-start");
        write_start(&self.dir, offset)?;
        fault::point("broker.log.after-start");
        self.start_offset = offset;
        self.producers.forget_before(offset);
        let gone = self.segments.iter().take_while(|segment| segment.next_offset <= offset).count();
        for segment in self.segments.drain(..gone.min(self.segments.len() - 1)) {
            segment.delete()?;
            fault::point("broker.log.after-delete");
        }
        Ok(())
    }

    /// Deletes segments that are too old or too many. `now_ms` is milliseconds since 1970.
    pub fn enforce_retention(&mut self, now_ms: i64) -> io::Result<()> {
        if let Some(retention) = self.settings.retention_ms {
            self.roll_by_age(now_ms, retention)?;
        }
        let expired = self.expired_segments(now_ms);
        if expired == 0 {
            return Ok(());
        }
        let start = self.segments[expired].base_offset;
        tracing::info!(dir = %self.dir.display(), segments = expired, "retention deletes segments");
        self.advance_start(start)
    }

    /// Without this a partition with few records would keep them until a segment is full. Records may be older than
    /// their segment, so both ages count: theirs, and the time since the last roll.
    fn roll_by_age(&mut self, now_ms: i64, retention_ms: i64) -> io::Result<()> {
        let old = now_ms.saturating_sub((retention_ms / 8).max(1));
        let has_old = |active: &Segment| active.size > 0 && active.first_timestamp < old;
        if self.rolled_ms > old || !self.segments.last().is_some_and(has_old) {
            return Ok(());
        }
        self.rolled_ms = now_ms;
        self.roll()
    }

    fn expired_segments(&self, now_ms: i64) -> usize {
        let oldest = self.settings.retention_ms.map_or(i64::MIN, |age| now_ms.saturating_sub(age));
        let (stable, mut size) =
            (self.stable_offset(), self.segments.iter().map(|segment| segment.size).sum::<u64>());
        let closed = &self.segments[..self.segments.len() - 1];
        let expired = closed.iter().take_while(|segment| {
            let surplus = self.settings.retention_bytes.is_some_and(|most| size - segment.size >= most);
            size -= segment.size;
            (segment.max_timestamp < oldest || surplus) && segment.next_offset <= stable
        });
        expired.count()
    }

    /// Pushes what was written to the disk.
    pub fn flush(&self) -> io::Result<()> {
        self.segments.last().map_or(Ok(()), Segment::flush)
    }
}

fn storage_error(dir: &Path, error: io::Error) -> ResponseError {
    tracing::error!(dir = %dir.display(), %error, "cannot read or write a log");
    ResponseError::KafkaStorageError
}

fn segment_files(dir: &Path) -> Result<Vec<(i64, PathBuf)>, Error> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(Error::io(dir))? {
        let path = entry.map_err(Error::io(dir))?.path();
        let base = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".log")?.parse().ok());
        files.extend(base.map(|base: i64| (base, path)));
    }
    files.sort();
    Ok(files)
}

fn read_start(dir: &Path) -> Result<i64, Error> {
    let path = dir.join(START_FILE);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other.map_err(Error::io(&path))?,
    };
    text.trim().parse().map_err(|_| Error::Damaged { path, reason: "no offset in it".to_owned() })
}

fn write_start(dir: &Path, offset: i64) -> io::Result<()> {
    let new = dir.join("log-start-offset.new");
    std::fs::write(&new, offset.to_string())?;
    std::fs::rename(new, dir.join(START_FILE))
}
