//! What changes when a record is taken in or a segment is sealed. Guarded by one lock that is held briefly.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use event::{Event, LogBatch, SampleBatch};
use tokio::sync::broadcast;

use crate::{
    Snapshot,
    catalog::{Listing, Manifest, Progress},
    delete::Delete,
    head::Head,
    others::Others,
    segment::{Damage, Segment},
    telemetry,
};

/// A follower that is further behind misses the oldest ones, and is told how many.
pub const FOLLOWED_BATCHES: usize = 256;

/// Everything that a query can see, and how far the bus has been read for it.
pub struct State {
    pub head: Arc<Head>,
    /// How far the bus has been read, the head included.
    pub progress: Progress,
    /// When the head took in its first record.
    pub since: Option<Instant>,
    /// Heads that are full and wait to become segments, oldest first.
    pub sealing: VecDeque<Arc<Sealing>>,
    pub sealed: Arc<Sealed>,
    /// The id of a segment that is being merged.
    pub reserved: Option<u64>,
    /// Why the last segment could not be written.
    pub read_only: Option<String>,
    /// What other processes may commit; `None` where there are none.
    pub others: Option<Others>,
    /// Bytes that the gauge was told of.
    pub told_bytes: usize,
    /// Get the log entries that are taken in.
    pub followers: broadcast::Sender<Arc<LogBatch>>,
}

/// A head that takes in nothing more.
pub struct Sealing {
    pub head: Arc<Head>,
    /// As of its last record.
    pub progress: Progress,
}

/// What the catalog's last commit says.
pub struct Sealed {
    pub listing: Listing,
    pub segments: BTreeMap<u64, Arc<Segment>>,
    pub manifest: Manifest,
    /// Those that are not done, oldest first.
    pub deletes: Vec<Arc<Delete>>,
    /// Segments whose streams are not known: every answer may lack something.
    pub unlisted: Vec<Damage>,
}

impl State {
    pub fn new(sealed: Sealed) -> Self {
        State {
            head: Arc::default(),
            progress: sealed.manifest.progress.clone(),
            since: None,
            sealing: VecDeque::new(),
            sealed: Arc::new(sealed),
            reserved: None,
            read_only: None,
            others: None,
            told_bytes: 0,
            followers: broadcast::Sender::new(FOLLOWED_BATCHES),
        }
    }

    /// Takes one record's event in. What is older than `horizon_ms` is only counted.
    pub fn take_in(&mut self, record: &bus::Record, event: &Event, horizon_ms: i64) -> Taken {
        let taken = match event {
            Event::Logs(batch) => self.take_in_logs(record, batch, horizon_ms),
            Event::Samples(batch) => self.take_in_samples(record, batch, horizon_ms),
            Event::Tick(_) => Taken::default(),
        };
        self.pass(record);
        self.tell();
        if let Some(others) = &mut self.others {
            let (begun, _) = self.progress.next(&record.topic, record.partition);
            others.retained.push_back((begun, record.clone()));
        }
        taken
    }

    /// Whether it came with a commit of another process before it was read here, or will be read again.
    pub fn has(&self, record: &bus::Record) -> bool {
        let Some(others) = &self.others else { return false };
        let next = self.progress.offsets.get(&record.topic, record.partition);
        others.is_later(record) || next.is_some_and(|next| record.offset < next)
    }

    /// Whether only another connection reads on from where a commit of another process has gone back to.
    pub fn must_reconnect(&self) -> bool {
        self.others.as_ref().is_some_and(|others| !others.later.is_empty())
    }

    /// Goes back to before `record`, with which its partition begins again. What is in memory is sealed with that
    /// beginning, so that nothing that follows counts as read.
    pub fn rewind(&mut self, record: &bus::Record) {
        if let Some(others) = &mut self.others {
            if others.is_later(record) {
                return;
            }
            others.rewind(record, self.sealed.manifest.commit);
        }
        let (begun, _) = self.progress.next(&record.topic, record.partition);
        self.progress.begin(&record.topic, record.partition, begun + 1);
        self.progress.offsets.set(&record.topic, record.partition, record.offset);
        self.since.get_or_insert_with(Instant::now);
        self.rotate();
    }

    /// Remembers a record that nobody can read, for the case that this process comes to commit it.
    pub fn note_unreadable(&mut self, record: &bus::Record) {
        let (begun, _) = self.progress.next(&record.topic, record.partition);
        if !self.has(record)
            && let Some(others) = &mut self.others
        {
            others.note_unreadable(begun, record);
        }
    }

    /// Drops the retained records that lie below the last commit.
    pub fn release(&mut self) {
        if let Some(others) = &mut self.others {
            others.release(&self.sealed.manifest.progress);
        }
    }

    /// Sets the gauge.
    pub fn tell(&mut self) {
        let bytes = self.unsealed_bytes();
        telemetry::HEAD_BYTES.add(bytes as i64 - self.told_bytes as i64);
        self.told_bytes = bytes;
    }

    /// Notes that the bus has been read up to and with `record`.
    pub fn pass(&mut self, record: &bus::Record) {
        self.progress.offsets.set(&record.topic, record.partition, record.offset + 1);
        self.since.get_or_insert_with(Instant::now);
    }

    /// Passes over what holds no record; answers whether there was anything of that kind.
    pub fn advance(&mut self, offsets: &bus::Offsets) -> bool {
        let behind = !self.must_reconnect() && !self.progress.offsets.reached(offsets);
        if behind {
            match self.others.is_some() {
                // The commit of another process may lie further ahead.
                true => self.progress.offsets.raise(offsets),
                false => offsets.iter().for_each(|((topic, partition), next)| {
                    self.progress.offsets.set(topic, *partition, next);
                }),
            }
            self.since.get_or_insert_with(Instant::now);
        }
        behind
    }

    /// Passes over what was read before, up to where that had come.
    pub fn go_on_from(&mut self, read: &Progress) {
        for ((topic, partition), next) in read.offsets.iter() {
            let (begun, _) = read.next(topic, *partition);
            if (begun, next) > self.progress.next(topic, *partition) {
                self.progress.begin(topic, *partition, begun);
                self.progress.offsets.set(topic, *partition, next);
                self.since.get_or_insert_with(Instant::now);
            }
        }
    }

    fn take_in_logs(&mut self, record: &bus::Record, batch: &LogBatch, horizon_ms: i64) -> Taken {
        let mut mark = self.progress.marks.get(&record.topic, &batch.source);
        let (mut repeated, mut expired) = (0, 0);
        let followed = self.followers.receiver_count() > 0;
        let mut fresh = Vec::new();
        let kept = Arc::make_mut(&mut self.head).push_logs(batch, |entry| {
            if !batch.source.is_empty() && mark.is_some_and(|mark| entry.position <= mark) {
                repeated += 1;
                return false;
            }
            mark = Some(entry.position);
            let keep = entry.timestamp_ns.div_euclid(1_000_000) >= horizon_ms;
            expired += u64::from(!keep);
            if keep && followed {
                fresh.push(entry.clone());
            }
            keep
        });
        if !fresh.is_empty() {
            let (source, labels) = (batch.source.clone(), batch.labels.clone());
            // That the last follower has just left is no error.
            let _ = self.followers.send(Arc::new(LogBatch { source, labels, entries: fresh }));
        }
        if let Some(mark) = mark {
            self.progress.marks.raise(&record.topic, &batch.source, mark, record.timestamp_ms);
        }
        Taken { entries: kept, samples: 0, repeated, expired }
    }

    fn take_in_samples(&mut self, record: &bus::Record, batch: &SampleBatch, horizon_ms: i64) -> Taken {
        let all = batch.samples() as u64;
        let mark = self.progress.marks.get(&record.topic, &batch.source);
        // In JSON a batch becomes several records of one position; what of them repeats is seen when it is read.
        let is_part = record.value.starts_with(b"{");
        if mark.is_some_and(|mark| batch.position < mark || batch.position == mark && !is_part) {
            return Taken { repeated: all, ..Taken::default() };
        }
        let kept = Arc::make_mut(&mut self.head).push_samples(batch, horizon_ms);
        self.progress.marks.raise(&record.topic, &batch.source, batch.position, record.timestamp_ms);
        batch.families.iter().for_each(|family| self.progress.learn(family));
        Taken { samples: kept, expired: all - kept, ..Taken::default() }
    }

    /// Lets a new head begin; what the old one holds waits for its segment.
    pub fn rotate(&mut self) {
        if self.since.take().is_some() {
            let head = std::mem::take(&mut self.head);
            self.sealing.push_back(Arc::new(Sealing { head, progress: self.progress.clone() }));
        }
    }

    /// The id of the next segment to be sealed. Until the commit it stays the same, so that what a failed attempt
    /// leaves is written over.
    pub fn next_id(&self) -> u64 {
        let next = self.sealed.manifest.next_segment;
        if self.reserved == Some(next) { next + 1 } else { next }
    }

    /// The id of the next segment to be merged, kept free for it.
    pub fn reserve(&mut self) -> u64 {
        let next = self.sealed.manifest.next_segment;
        self.reserved = Some(next);
        next
    }

    /// Everything that a query can see, as it is now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.heads(), self.sealed.clone(), self.progress.families.clone())
    }

    /// All heads, oldest first.
    pub fn heads(&self) -> Vec<Arc<Head>> {
        self.sealing.iter().map(|sealing| &sealing.head).chain([&self.head]).cloned().collect()
    }

    pub fn unsealed_bytes(&self) -> usize {
        self.sealing.iter().map(|sealing| sealing.head.bytes()).sum::<usize>() + self.head.bytes()
    }
}

/// What became of a record's entries and samples.
#[derive(Default)]
pub struct Taken {
    entries: u64,
    samples: u64,
    repeated: u64,
    expired: u64,
}

impl Taken {
    /// Adds it to the metrics.
    pub fn count(&self) {
        telemetry::ENTRIES.inc_by(self.entries);
        telemetry::SAMPLES.inc_by(self.samples);
        for (reason, count) in [(telemetry::REPEATED, self.repeated), (telemetry::EXPIRED, self.expired)] {
            if count > 0 {
                telemetry::DROPPED.with_label_values(&[reason]).inc_by(count);
            }
        }
    }
}
