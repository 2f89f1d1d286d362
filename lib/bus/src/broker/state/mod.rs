//! What the coordinator remembers over restarts: committed offsets, producer ids, transactions. Every change is an
//! [`Entry`] that is written to the journal first and then applied, at start as while running.

use super::Error;
use super::journal::Journal;
use kafka_protocol::ResponseError;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Size from which the journal is rewritten, once it has grown to twice what the last rewriting left.
const REWRITE_BYTES: u64 = 4 << 20;

/// A topic's name and a partition's number.
pub type TopicPartition = (String, i32);

/// A committed offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// Next offset to be read.
    pub offset: i64,
    /// Epoch of the last record read; -1 when the client does not say.
    pub leader_epoch: i32,
    /// Whatever the client wants to keep with it.
    pub metadata: String,
}

/// Committed offsets on their way into the journal.
pub type Offsets = Vec<(TopicPartition, Committed)>;

/// How far a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// None is open.
    Idle,
    /// Begun.
    Ongoing,
    /// Decided: it counts, whatever happens now.
    Committing,
    /// Decided: it does not count.
    Aborting,
}

/// A transactional producer and its transaction.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Transaction {
    /// Id of the producer's current incarnation.
    pub producer_id: i64,
    /// Its epoch; who comes with a smaller one is fenced off.
    pub epoch: i16,
    /// The epoch that a producer may still come back with after a time-out raised it.
    pub resumable_epoch: Option<i16>,
    /// Milliseconds a transaction may stay open.
    pub timeout_ms: i32,
    /// How far it is.
    pub phase: Phase,
    /// Whether the last transaction was committed; repeats of its end are answered by this.
    pub last_committed: Option<bool>,
    /// Milliseconds since 1970 when it began, or its producer did.
    pub began_ms: i64,
    /// Partitions with records of it.
    pub partitions: BTreeSet<TopicPartition>,
    /// Groups that may get offsets with it.
    pub groups: BTreeSet<String>,
    /// Offsets that are committed with it, by group.
    pub offsets: BTreeMap<String, Offsets>,
}

/// A change of what is remembered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// Offsets of a group.
    Offsets {
        /// The group.
        group: String,
        /// Its offsets.
        offsets: Offsets,
        /// When they were committed, milliseconds since 1970.
        #[serde(default)]
        at_ms: i64,
    },
    /// A group has members.
    Used {
        /// The group.
        group: String,
        /// Milliseconds since 1970.
        at_ms: i64,
    },
    /// Offsets of a group that are gone.
    OffsetsGone {
        /// The group.
        group: String,
        /// Of which partitions.
        partitions: Vec<TopicPartition>,
    },
    /// Producer ids below this one are taken.
    ProducerIds {
        /// The next id to be given.
        next: i64,
    },
    /// A transactional producer as it is now.
    Transaction {
        /// Its transactional id.
        id: String,
        /// Its state.
        transaction: Box<Transaction>,
    },
    /// A transactional producer that is forgotten.
    TransactionGone {
        /// Its transactional id.
        id: String,
    },
}

/// What a group has committed.
#[derive(Debug, Default)]
pub struct GroupOffsets {
    /// When it last committed or had members, milliseconds since 1970.
    pub used_ms: i64,
    /// Its offsets.
    pub by_partition: BTreeMap<TopicPartition, Committed>,
}

/// What is remembered.
#[derive(Debug, Default)]
pub struct State {
    /// Committed offsets by group.
    pub offsets: BTreeMap<String, GroupOffsets>,
    /// The next producer id to be given.
    pub next_producer_id: i64,
    /// Transactional producers by transactional id.
    pub transactions: BTreeMap<String, Transaction>,
}

impl State {
    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Offsets { group, offsets, at_ms } => {
                let known = self.offsets.entry(group).or_default();
                known.by_partition.extend(offsets);
                known.used_ms = known.used_ms.max(at_ms);
            }
            Entry::Used { group, at_ms } => {
                self.offsets.entry(group).and_modify(|known| known.used_ms = at_ms);
            }
            Entry::OffsetsGone { group, partitions } => self.forget(&group, &partitions),
            Entry::ProducerIds { next } => self.next_producer_id = next,
            Entry::Transaction { id, transaction } => {
                self.transactions.insert(id, *transaction);
            }
            Entry::TransactionGone { id } => drop(self.transactions.remove(&id)),
        }
    }

    fn forget(&mut self, group: &str, partitions: &[TopicPartition]) {
        let Some(offsets) = self.offsets.get_mut(group) else { return };
        partitions.iter().for_each(|partition| drop(offsets.by_partition.remove(partition)));
        if offsets.by_partition.is_empty() {
            self.offsets.remove(group);
        }
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        let offsets = self.offsets.iter().map(|(group, offsets)| Entry::Offsets {
            group: group.clone(),
            at_ms: offsets.used_ms,
            offsets: offsets
                .by_partition
                .iter()
                .map(|(partition, committed)| (partition.clone(), committed.clone()))
                .collect(),
        });
        let transactions = self.transactions.iter().map(|(id, transaction)| Entry::Transaction {
            id: id.clone(),
            transaction: Box::new(transaction.clone()),
        });
        let ids = Entry::ProducerIds { next: self.next_producer_id };
        std::iter::once(ids).chain(offsets).chain(transactions)
    }
}

/// The state and the journal that it is kept in.
#[derive(Debug)]
pub struct Store {
    state: State,
    journal: Journal,
    /// Size of the journal after it was rewritten for the last time.
    rewritten: u64,
    most_bytes: u64,
}

impl Store {
    /// Reads the journal at `path`. With `flush` every change reaches the disk before it is answered. At most
    /// `most_bytes` are remembered, counted as they stand in the journal.
    pub fn open(path: &Path, flush: bool, most_bytes: usize) -> Result<Store, Error> {
        let mut state = State::default();
        let journal = Journal::open(path, flush, |entry| state.apply(entry))?;
        Ok(Store { state, journal, rewritten: 0, most_bytes: most_bytes as u64 })
    }

    /// What is remembered.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Remembers a change; nothing has changed when this fails.
    pub fn commit(&mut self, entry: Entry) -> Result<(), ResponseError> {
        self.journal.append(&entry).map_err(storage_error)?;
        self.state.apply(entry);
        if self.journal.len() > REWRITE_BYTES.max(2 * self.rewritten) {
            self.rewrite()?;
        }
        Ok(())
    }

    fn rewrite(&mut self) -> Result<(), ResponseError> {
        self.journal.rewrite(self.state.entries()).map_err(storage_error)?;
        self.rewritten = self.journal.len();
        Ok(())
    }

    /// Whether more may be remembered than now. The journal can double before it is rewritten, hence the half.
    pub fn has_room(&self) -> bool {
        self.rewritten <= self.most_bytes / 2
    }

    /// The same as an error.
    pub fn check_room(&self) -> Result<(), ResponseError> {
        if self.has_room() { Ok(()) } else { Err(ResponseError::PolicyViolation) }
    }

    /// Looks again how much there is, if it was too much.
    pub fn make_room(&mut self) -> Result<(), ResponseError> {
        if self.has_room() { Ok(()) } else { self.rewrite() }
    }

    /// A producer id that was never given before.
    pub fn new_producer_id(&mut self) -> Result<i64, ResponseError> {
        let id = self.state.next_producer_id;
        self.commit(Entry::ProducerIds { next: id + 1 })?;
        Ok(id)
    }

    /// Forgets all offsets of a topic that is no more.
    pub fn forget_topic(&mut self, topic: &str) -> Result<(), ResponseError> {
        let gone = self.state.offsets.iter().map(|(group, offsets)| {
            let of_topic = offsets.by_partition.keys().filter(|partition| partition.0 == topic);
            (group.clone(), of_topic.cloned().collect::<Vec<_>>())
        });
        let gone: Vec<_> = gone.filter(|(_, partitions)| !partitions.is_empty()).collect();
        gone.into_iter()
            .try_for_each(|(group, partitions)| self.commit(Entry::OffsetsGone { group, partitions }))
    }

    /// Pushes the journal to the disk.
    pub fn flush(&self) -> std::io::Result<()> {
        self.journal.flush()
    }
}

fn storage_error(error: std::io::Error) -> ResponseError {
    tracing::error!(%error, "cannot write the coordinator's journal");
    ResponseError::KafkaStorageError
}

#[cfg(test)]
mod tests;
