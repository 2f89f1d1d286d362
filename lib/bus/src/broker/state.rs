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
    /// Milliseconds since 1970 when it began.
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
}

/// What is remembered.
#[derive(Debug, Default)]
pub struct State {
    /// Committed offsets by group.
    pub offsets: BTreeMap<String, BTreeMap<TopicPartition, Committed>>,
    /// The next producer id to be given.
    pub next_producer_id: i64,
    /// Transactional producers by transactional id.
    pub transactions: BTreeMap<String, Transaction>,
}

impl State {
    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Offsets { group, offsets } => self.offsets.entry(group).or_default().extend(offsets),
            Entry::OffsetsGone { group, partitions } => self.forget(&group, &partitions),
            Entry::ProducerIds { next } => self.next_producer_id = next,
            Entry::Transaction { id, transaction } => {
                self.transactions.insert(id, *transaction);
            }
        }
    }

    fn forget(&mut self, group: &str, partitions: &[TopicPartition]) {
        let Some(offsets) = self.offsets.get_mut(group) else { return };
        offsets.retain(|partition, _| !partitions.contains(partition));
        if offsets.is_empty() {
            self.offsets.remove(group);
        }
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        let offsets = self.offsets.iter().map(|(group, offsets)| Entry::Offsets {
            group: group.clone(),
            offsets: offsets
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
    rewrite_at: u64,
}

impl Store {
    /// Reads the journal at `path`. With `flush` every change reaches the disk before it is answered.
    pub fn open(path: &Path, flush: bool) -> Result<Store, Error> {
        let mut state = State::default();
        let journal = Journal::open(path, flush, |entry| state.apply(entry))?;
        Ok(Store { state, journal, rewrite_at: REWRITE_BYTES })
    }

    /// What is remembered.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Remembers a change; nothing has changed when this fails.
    pub fn commit(&mut self, entry: Entry) -> Result<(), ResponseError> {
        self.journal.append(&entry).map_err(storage_error)?;
        self.state.apply(entry);
        if self.journal.len() > self.rewrite_at {
            self.journal.rewrite(self.state.entries()).map_err(storage_error)?;
            self.rewrite_at = REWRITE_BYTES.max(2 * self.journal.len());
        }
        Ok(())
    }

    /// A producer id that was never given before.
    pub fn new_producer_id(&mut self) -> Result<i64, ResponseError> {
        let id = self.state.next_producer_id;
        self.commit(Entry::ProducerIds { next: id + 1 })?;
        Ok(id)
    }

    /// Forgets all offsets of a topic that is no more.
    pub fn forget_topic(&mut self, topic: &str) -> Result<(), ResponseError> {
        for (group, offsets) in self.state.offsets.clone() {
            let of_topic = |partition: &TopicPartition| partition.0 == topic;
            let partitions: Vec<TopicPartition> = offsets.into_keys().filter(of_topic).collect();
            if !partitions.is_empty() {
                self.commit(Entry::OffsetsGone { group, partitions })?;
            }
        }
        Ok(())
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
mod tests {
    use super::*;

    fn offset(group: &str, offset: i64) -> Entry {
        let committed = Committed { offset, leader_epoch: 0, metadata: "x".repeat(1000) };
        Entry::Offsets { group: group.to_owned(), offsets: vec![(("t".to_owned(), 0), committed)] }
    }

    fn committed(store: &Store, group: &str) -> Option<i64> {
        store.state().offsets.get(group)?.values().next().map(|committed| committed.offset)
    }

    #[test]
    fn a_journal_that_has_grown_is_rewritten_and_says_the_same() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("coordinator.log");
        let mut store = Store::open(&path, false).expect("opens");
        store.commit(offset("quiet", 1)).expect("committed");
        let id = store.new_producer_id().expect("an id");
        for number in 0..5000 {
            store.commit(offset("busy", number)).expect("committed");
        }
        assert!(std::fs::metadata(&path).expect("file").len() < REWRITE_BYTES);
        drop(store);
        let mut store = Store::open(&path, false).expect("opens again");
        assert_eq!((committed(&store, "quiet"), committed(&store, "busy")), (Some(1), Some(4999)));
        assert!(store.new_producer_id().expect("an id") > id);
    }

    #[test]
    fn a_deleted_topic_takes_its_offsets_along() {
        let dir = tempfile::tempdir().expect("dir");
        let mut store = Store::open(&dir.path().join("coordinator.log"), false).expect("opens");
        store.commit(offset("g", 1)).expect("committed");
        store.forget_topic("other").expect("forgotten");
        assert_eq!(committed(&store, "g"), Some(1));
        store.forget_topic("t").expect("forgotten");
        assert!(store.state().offsets.is_empty());
    }

    #[test]
    fn a_journal_of_another_version_is_refused() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("coordinator.log");
        let head = br#"{"version":2}"#;
        let line = format!("{:08x} {}\n", crc32c::crc32c(head), String::from_utf8_lossy(head));
        std::fs::write(&path, line).expect("written");
        let error = Store::open(&path, false).expect_err("unknown version");
        assert!(matches!(error, Error::UnknownVersion { known: 1, .. }), "{error}");
    }
}
