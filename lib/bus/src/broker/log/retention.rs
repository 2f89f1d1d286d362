//! Retention: what is too old or too much goes, in whole segments, from the beginning of the log.

use super::recovery::write_start;
use super::segment::Segment;
use super::{Log, storage_error};
use kafka_protocol::ResponseError;
use std::io;

impl Log {
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

    /// Forgets producers that have written nothing for about `age_ms`. `now_ms` is milliseconds since 1970.
    pub fn forget_producers(&mut self, now_ms: i64, age_ms: i64) {
        self.producers.forget_idle(self.end_offset(), now_ms, age_ms);
    }

    /// Deletes segments that are too old or too many. `now_ms` is milliseconds since 1970.
    pub fn enforce_retention(&mut self, now_ms: i64) -> io::Result<()> {
        self.roll_by_age(now_ms)?;
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
    fn roll_by_age(&mut self, now_ms: i64) -> io::Result<()> {
        let retention = self.settings.retention_ms.map_or(i64::MAX, |age| (age / 8).max(1));
        let old = now_ms.saturating_sub(self.settings.segment_ms.min(retention));
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
}
