//! The bounded disk queue. What cannot be read again (syslog, samples) is written here before it is sent, and
//! removed when the broker has acknowledged it: neither a broker that is away nor a killed shipper loses it.
//! When the queue is full the oldest goes first, and is counted.

mod segment;
mod state;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use event::{Codec, Event};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{checkpoint::SpoolPosition, mark::Mark, publisher::Publisher, telemetry};
use segment::Read;
use state::State;

/// Segments at most, so that dropping the oldest loses little.
const SEGMENTS: u64 = 64;
const SEGMENT_MIN: u64 = 64 << 10;

/// Shared by the sources that write and the task that sends.
pub struct Spool {
    folder: PathBuf,
    limit: u64,
    state: Mutex<State>,
    written: Notify,
    mark: Arc<Mark<SpoolPosition>>,
}

impl Spool {
    /// Takes up the queue in `folder`, of which everything before `from` is acknowledged.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(folder: &Path, limit: u64, from: SpoolPosition) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let state = State::load(folder, from)?;
        let spool = Spool {
            folder: folder.to_owned(),
            limit,
            state: Mutex::new(state),
            written: Notify::new(),
            mark: Arc::new(Mark::new(from)),
        };
        spool.report();
        Ok(spool)
    }

    /// For the checkpoint.
    pub fn mark(&self) -> Arc<Mark<SpoolPosition>> {
        self.mark.clone()
    }

    /// Bytes that are not acknowledged yet, at most a segment too many.
    pub fn waiting(&self) -> u64 {
        let reached = self.mark.reached();
        let state = self.state.lock();
        let total: u64 = state.segments.range(reached.segment..).map(|(_, s)| s.length).sum();
        total.saturating_sub(reached.offset)
    }

    /// Appends an event.
    ///
    /// # Errors
    /// When the disk does not take it; the queue is as before.
    pub fn append(&self, event: &Event) -> io::Result<()> {
        let count = count(event);
        let result = event::encode(event, Codec::Batch).iter().try_for_each(|payload| {
            self.state.lock().append(&self.folder, payload, count, self.segment_size())
        });
        self.drop_oldest();
        self.written.notify_one();
        self.report();
        result
    }

    /// Sends what is in the queue, forever. Dropping the future stops it at once, without harm.
    pub async fn send(&self, publisher: &Publisher) {
        let mut reader: Option<(u64, File)> = None;
        loop {
            let Some((event, end)) = self.next(&mut reader) else {
                self.remove_acknowledged();
                self.written.notified().await;
                continue;
            };
            publisher.publish_marked(event, &self.mark, end).await;
            if reader.as_ref().is_some_and(|(number, _)| *number > self.mark.reached().segment) {
                self.remove_acknowledged();
            }
        }
    }

    /// Waits until all that was written has been acknowledged, looking every few milliseconds.
    pub async fn drained(&self) {
        loop {
            let next = self.state.lock().next;
            if self.at_end(next) && self.mark.is_settled() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    fn at_end(&self, next: SpoolPosition) -> bool {
        let state = self.state.lock();
        let mut behind = state.segments.range(next.segment..);
        behind.all(|(number, s)| {
            *number == next.segment && s.length <= next.offset || s.length <= segment::START
        })
    }

    /// The next event, and where the queue stands behind it.
    fn next(&self, reader: &mut Option<(u64, File)>) -> Option<(Event, SpoolPosition)> {
        loop {
            let (at, length, is_last) = self.state.lock().place()?;
            match self.read_at(reader, at, length) {
                Read::Frame(frame) => {
                    let end = SpoolPosition { segment: at.segment, offset: frame.end };
                    self.state.lock().pass(end, u64::from(frame.count));
                    match event::decode(&frame.payload) {
                        Ok(event) => return Some((event, end)),
                        Err(error) => tracing::warn!(%error, "an event in the disk queue cannot be read"),
                    }
                }
                Read::End if is_last => return None,
                Read::End => self.state.lock().skip(at.segment),
                Read::Damaged => {
                    tracing::warn!(
                        segment = at.segment,
                        offset = at.offset,
                        "damaged place in the disk queue, the rest of the segment is skipped"
                    );
                    telemetry::SPOOL_DAMAGED.inc();
                    self.state.lock().skip(at.segment);
                }
            }
        }
    }

    fn read_at(&self, reader: &mut Option<(u64, File)>, at: SpoolPosition, length: u64) -> Read {
        if length <= segment::START {
            return Read::End;
        }
        if reader.as_ref().is_none_or(|(number, _)| *number != at.segment) {
            match segment::open(&self.folder, at.segment) {
                Ok(file) => *reader = Some((at.segment, file)),
                Err(error) => {
                    tracing::warn!(%error, "disk queue");
                    return Read::Damaged;
                }
            }
        }
        let file = reader.as_ref().map(|(_, file)| file);
        file.and_then(|f| segment::read(f, at.offset, length).ok()).unwrap_or(Read::Damaged)
    }

    fn segment_size(&self) -> u64 {
        (self.limit / SEGMENTS).max(SEGMENT_MIN)
    }

    fn drop_oldest(&self) {
        let mut state = self.state.lock();
        while state.total() > self.limit && state.segments.len() > 1 {
            let Some((number, segment)) = state.segments.pop_first() else { return };
            remove(&segment::path(&self.folder, number));
            telemetry::SPOOL_DROPPED.inc_by(segment.unread);
            if segment.unread > 0 {
                tracing::warn!(
                    dropped = segment.unread,
                    "the disk queue is full: oldest entries dropped; see `spool_limit`"
                );
            }
        }
    }

    fn remove_acknowledged(&self) {
        let reached = self.mark.reached().segment;
        let mut state = self.state.lock();
        while let Some(oldest) = state.segments.first_entry().filter(|s| *s.key() < reached) {
            fault::point("shipper.spool.before-remove");
            remove(&segment::path(&self.folder, *oldest.key()));
            fault::point("shipper.spool.after-remove");
            oldest.remove();
        }
        drop(state);
        self.report();
    }

    fn report(&self) {
        telemetry::SPOOL_BYTES.set(self.waiting() as i64);
    }
}

fn count(event: &Event) -> u32 {
    let count = match event {
        Event::Logs(batch) => batch.entries.len(),
        Event::Samples(batch) => batch.series.iter().map(|s| s.samples.len()).sum(),
        Event::Tick(_) => 0,
    };
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "cannot remove a segment of the disk queue");
    }
}

#[cfg(test)]
mod tests;
