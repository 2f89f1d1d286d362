//! The log of one partition: segments on disk, offsets, and what is known of its producers. No locks, no waiting;
//! [`Partition`](super::partition::Partition) puts these around it.

pub mod batch;
mod codec;
pub mod compaction;
mod cut;
pub mod producers;
pub mod records;
mod recovery;
mod retention;
mod segment;
#[cfg(test)]
mod tests;

use super::Error;
use batch::{Header, Marker};
use bytes::Bytes;
use compaction::{Cleaned, Compaction};
use kafka_protocol::ResponseError;
use producers::{Aborted, Producers, Verdict};
use segment::Segment;
use std::io;
use std::path::{Path, PathBuf};

/// Settings of a log, from the topic's where it has some, else from the broker's.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Size at which a segment is closed.
    pub segment_bytes: u64,
    /// Largest batch that is taken.
    pub batch_bytes: usize,
    /// Age in milliseconds at which a segment is closed, however small.
    pub segment_ms: i64,
    /// Age in milliseconds at which segments go.
    pub retention_ms: Option<i64>,
    /// Size of the whole log beyond which the oldest segments go.
    pub retention_bytes: Option<u64>,
    /// Keep the last record of each key only.
    pub compaction: Option<Compaction>,
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
    /// How far the log has been compacted.
    cleaned: Cleaned,
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
        let start_offset = recovery::read_start(dir)?;
        let mut log = Log {
            dir: dir.to_owned(),
            segments: Vec::new(),
            start_offset,
            producers: Producers::default(),
            settings,
            cleaned: Cleaned::read(dir)?,
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

    /// Appends a batch as a producer sent it and returns the offset of its first record. A batch that an idempotent
    /// producer sends again is not appended again.
    pub fn append(&mut self, records: &[u8]) -> Result<i64, ResponseError> {
        let header = batch::check_produced(records, self.settings.batch_bytes)?;
        if self.settings.compaction.is_some() && !records::all_have_keys(&header, records) {
            return Err(ResponseError::InvalidRecord);
        }
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

    /// From now on the log goes by these.
    pub fn configure(&mut self, settings: Settings) {
        self.settings = settings;
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
        let end = batch::end_of(&records).filter(|_| committed);
        let aborted = end.map(|end| self.producers.aborted_between(offset, end)).unwrap_or_default();
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
        let first = records::times(header, batch).into_iter().find(wanted);
        first.unwrap_or((header.base_offset.max(self.start_offset), header.max_timestamp))
    }

    /// Offset and timestamp of the newest record by its timestamp; `None` for an empty log.
    pub fn newest(&self) -> Result<Option<(i64, i64)>, ResponseError> {
        let newest = self.segments.iter().map(|segment| segment.max_timestamp).max();
        newest.filter(|time| *time != i64::MIN).map_or(Ok(None), |time| self.offset_at(time))
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
