//! What a partition knows of its idempotent and transactional producers: the last sequence numbers, so that a batch
//! sent twice is kept once, and the open and aborted transactions, so that readers can leave out what does not count.

use super::batch::{Header, Marker};
use kafka_protocol::ResponseError;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// Kafka's clients have at most five requests in flight, so older batches cannot come again.
const REMEMBERED_BATCHES: usize = 5;
/// Bound on memory: beyond this the producer that was silent longest is forgotten.
const MAX_PRODUCERS: usize = 1000;

/// An aborted transaction as readers need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aborted {
    /// Whose transaction it was.
    pub producer_id: i64,
    /// Its first record in this partition.
    pub first_offset: i64,
    /// The offset of its marker.
    pub last_offset: i64,
}

#[derive(Debug, Clone, Copy)]
struct Remembered {
    base_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
    last_offset: i64,
}

#[derive(Debug, Default)]
struct Producer {
    epoch: i16,
    batches: VecDeque<Remembered>,
    last_offset: i64,
}

/// All producers of one partition.
#[derive(Debug, Default)]
pub struct Producers {
    known: HashMap<i64, Producer>,
    /// First offset of every open transaction, by producer.
    open: BTreeMap<i64, i64>,
    aborted: Vec<Aborted>,
    /// Who has written nothing from this offset on …
    idle_before: i64,
    /// … is silent since then, milliseconds since 1970.
    idle_since_ms: i64,
}

/// What is to be done with a batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// New: append it.
    Append,
    /// Already in the log at this offset.
    Duplicate(i64),
}

impl Producers {
    /// Judges a batch by its producer's epoch and sequence number.
    pub fn check(&self, batch: &Header) -> Result<Verdict, ResponseError> {
        let Some(producer) = self.known.get(&batch.producer_id) else { return Ok(Verdict::Append) };
        if batch.producer_epoch < producer.epoch {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        let last = producer.batches.back().filter(|_| batch.producer_epoch == producer.epoch);
        let Some(last) = last else { return in_order(batch.base_sequence == 0) };
        let same = |seen: &&Remembered| {
            (seen.base_sequence, seen.last_sequence) == (batch.base_sequence, batch.last_sequence())
        };
        match producer.batches.iter().find(same) {
            Some(seen) => Ok(Verdict::Duplicate(seen.base_offset)),
            None => in_order(batch.base_sequence == last.last_sequence.wrapping_add(1) & i32::MAX),
        }
    }

    /// Notes an appended batch of records.
    pub fn record(&mut self, batch: &Header) {
        if batch.producer_id < 0 {
            return;
        }
        let producer = self.known.entry(batch.producer_id).or_default();
        if producer.epoch != batch.producer_epoch {
            producer.epoch = batch.producer_epoch;
            producer.batches.clear();
        }
        if producer.batches.len() == REMEMBERED_BATCHES {
            producer.batches.pop_front();
        }
        producer.batches.push_back(Remembered {
            base_sequence: batch.base_sequence,
            last_sequence: batch.last_sequence(),
            base_offset: batch.base_offset,
            last_offset: batch.last_offset(),
        });
        producer.last_offset = batch.last_offset();
        if batch.is_transactional() {
            self.open.entry(batch.producer_id).or_insert(batch.base_offset);
        }
        self.forget_surplus();
    }

    /// Notes an appended marker: the producer's transaction is over.
    pub fn record_marker(&mut self, batch: &Header, kind: Marker) {
        let producer = self.known.entry(batch.producer_id).or_default();
        if producer.epoch != batch.producer_epoch {
            producer.epoch = batch.producer_epoch;
            producer.batches.clear();
        }
        producer.last_offset = batch.base_offset;
        let first = self.open.remove(&batch.producer_id);
        if let (Some(first_offset), Marker::Abort) = (first, kind) {
            let (producer_id, last_offset) = (batch.producer_id, batch.base_offset);
            self.aborted.push(Aborted { producer_id, first_offset, last_offset });
        }
    }

    /// First offset that belongs to a transaction still open, if any.
    pub fn first_open_offset(&self) -> Option<i64> {
        self.open.values().min().copied()
    }

    /// Whether this producer has records here that neither count nor are aborted yet.
    pub fn is_open(&self, producer_id: i64) -> bool {
        self.open.contains_key(&producer_id)
    }

    /// Aborted transactions with records in `from..to`, in the order of their markers.
    pub fn aborted_between(&self, from: i64, to: i64) -> Vec<Aborted> {
        let start = self.aborted.partition_point(|txn| txn.last_offset < from);
        self.aborted[start..].iter().filter(|txn| txn.first_offset < to).copied().collect()
    }

    /// Drops what lies wholly before the log's new start.
    pub fn forget_before(&mut self, start_offset: i64) {
        self.aborted.retain(|txn| txn.last_offset >= start_offset);
    }

    /// The last offsets of every producer's last batch.
    pub fn last_batches(&self) -> HashSet<i64> {
        self.known.values().filter_map(|producer| Some(producer.batches.back()?.last_offset)).collect()
    }

    /// Drops what was known of markers that are no longer in the log, nor are their transactions' records.
    pub fn forget_markers(&mut self, offsets: &HashSet<i64>) {
        self.aborted.retain(|txn| !offsets.contains(&txn.last_offset));
    }

    /// Forgets who has written nothing for `age_ms`, or up to twice that; `end_offset` is the log's. Offsets tell it
    /// and not the records' times, which are the clients' affair.
    pub fn forget_idle(&mut self, end_offset: i64, now_ms: i64, age_ms: i64) {
        if now_ms.saturating_sub(self.idle_since_ms) < age_ms {
            return;
        }
        let (open, idle_before) = (&self.open, self.idle_before);
        self.known.retain(|id, producer| producer.last_offset >= idle_before || open.contains_key(id));
        (self.idle_before, self.idle_since_ms) = (end_offset, now_ms);
    }

    fn forget_surplus(&mut self) {
        if self.known.len() <= MAX_PRODUCERS {
            return;
        }
        let idle = self.known.iter().filter(|(id, _)| !self.open.contains_key(id));
        if let Some(oldest) = idle.min_by_key(|(_, producer)| producer.last_offset).map(|(id, _)| *id) {
            self.known.remove(&oldest);
        }
    }
}

fn in_order(fits: bool) -> Result<Verdict, ResponseError> {
    if fits { Ok(Verdict::Append) } else { Err(ResponseError::OutOfOrderSequenceNumber) }
}
