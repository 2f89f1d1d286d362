//! Transactions on one node. The decision to commit or abort is one entry in the journal; the markers in the
//! partitions and the offsets follow from it, now or after a restart.

use super::log::batch::Marker;
use super::node::Node;
use super::state::{Entry, Offsets, Phase, Store, TopicPartition, Transaction};
use kafka_protocol::ResponseError;

/// Longest time a transaction may stay open, as in Kafka.
const MAX_TIMEOUT_MS: i32 = 15 * 60 * 1000;

/// A producer as it shows itself: transactional id, producer id, epoch.
#[derive(Debug, Clone, Copy)]
pub struct Producer<'a> {
    /// Its transactional id.
    pub transactional_id: &'a str,
    /// Its producer id.
    pub id: i64,
    /// Its epoch.
    pub epoch: i16,
}

impl Node {
    /// Gives a producer id without a transaction behind it.
    pub fn init_idempotent(&self) -> Result<(i64, i16), ResponseError> {
        Ok((self.store.lock().new_producer_id()?, 0))
    }

    /// Gives a transactional producer its id and epoch; fences off its former self and aborts what that left open.
    pub fn init_transactional(
        &self,
        who: Producer,
        timeout_ms: i32,
        now_ms: i64,
    ) -> Result<(i64, i16), ResponseError> {
        if !(1..=MAX_TIMEOUT_MS).contains(&timeout_ms) {
            return Err(ResponseError::InvalidTransactionTimeout);
        }
        if who.transactional_id.is_empty() {
            return Err(ResponseError::InvalidRequest);
        }
        let mut store = self.store.lock();
        let known = store.state().transactions.get(who.transactional_id).cloned();
        let mut transaction = match known {
            Some(known) => self.next_incarnation(&mut store, who, known, now_ms)?,
            None => self.first_incarnation(&mut store)?,
        };
        (transaction.timeout_ms, transaction.began_ms) = (timeout_ms, now_ms);
        let given = (transaction.producer_id, transaction.epoch);
        save(&mut store, who.transactional_id, transaction)?;
        Ok(given)
    }

    fn first_incarnation(&self, store: &mut Store) -> Result<Transaction, ResponseError> {
        store.check_room()?;
        if store.state().transactions.len() >= self.config.limits.coordinated {
            return Err(ResponseError::PolicyViolation);
        }
        Ok(Transaction::new(store.new_producer_id()?))
    }

    fn next_incarnation(
        &self,
        store: &mut Store,
        who: Producer,
        mut known: Transaction,
        now_ms: i64,
    ) -> Result<Transaction, ResponseError> {
        let same = who.id == known.producer_id
            && (who.epoch == known.epoch || Some(who.epoch) == known.resumable_epoch);
        if who.id >= 0 && !same {
            return Err(ResponseError::ProducerFenced);
        }
        known.epoch = known.epoch.saturating_add(1);
        if known.phase == Phase::Ongoing {
            known.phase = Phase::Aborting;
        }
        save(store, who.transactional_id, known.clone())?;
        self.finish(store, who.transactional_id, now_ms)?;
        let mut next = store.state().transactions.get(who.transactional_id).cloned().unwrap_or(known);
        (next.last_committed, next.resumable_epoch) = (None, None);
        if next.epoch == i16::MAX {
            // Epochs are used up; a new producer id begins anew.
            (next.producer_id, next.epoch) = (store.new_producer_id()?, 0);
        }
        Ok(next)
    }

    /// Adds partitions to the transaction, which begins with the first.
    pub fn add_partitions(
        &self,
        who: Producer,
        partitions: Vec<TopicPartition>,
        now_ms: i64,
    ) -> Result<(), ResponseError> {
        let mut store = self.store.lock();
        let mut transaction = writable(&store, who)?;
        transaction.begin(now_ms);
        let before = transaction.partitions.len();
        transaction.partitions.extend(partitions);
        if transaction.partitions.len() == before && before > 0 {
            return Ok(());
        }
        store.check_room()?;
        save(&mut store, who.transactional_id, transaction)
    }

    /// Says that offsets of this group will come with the transaction.
    pub fn add_group(&self, who: Producer, group: &str, now_ms: i64) -> Result<(), ResponseError> {
        let mut store = self.store.lock();
        let mut transaction = writable(&store, who)?;
        transaction.begin(now_ms);
        transaction.groups.insert(group.to_owned());
        store.check_room()?;
        save(&mut store, who.transactional_id, transaction)
    }

    /// Takes offsets that are committed when the transaction is.
    pub fn add_offsets(&self, who: Producer, group: &str, offsets: Offsets) -> Result<(), ResponseError> {
        let mut store = self.store.lock();
        let mut transaction = writable(&store, who)?;
        if transaction.phase != Phase::Ongoing || !transaction.groups.contains(group) {
            return Err(ResponseError::InvalidTxnState);
        }
        store.check_room()?;
        let pending = transaction.offsets.entry(group.to_owned()).or_default();
        pending.retain(|(partition, _)| !offsets.iter().any(|(newer, _)| newer == partition));
        pending.extend(offsets);
        save(&mut store, who.transactional_id, transaction)
    }

    /// Commits or aborts. Once the decision is written it holds: what cannot be written now, because the disk is
    /// full, follows with [`Node::finish_transactions`]. An error would have the producer write everything again.
    pub fn end_transaction(&self, who: Producer, commit: bool, now_ms: i64) -> Result<(), ResponseError> {
        let mut store = self.store.lock();
        let mut transaction = writable(&store, who)?;
        if transaction.phase == Phase::Idle {
            // A repeat of what is done already, or the abort of a transaction without records.
            let repeated = transaction.last_committed == Some(commit) || !commit;
            return if repeated { Ok(()) } else { Err(ResponseError::InvalidTxnState) };
        }
        transaction.phase = if commit { Phase::Committing } else { Phase::Aborting };
        fault::point("broker.transaction.before-decision");
        save(&mut store, who.transactional_id, transaction)?;
        fault::point("broker.transaction.after-decision");
        if let Err(error) = self.finish(&mut store, who.transactional_id, now_ms) {
            tracing::error!(transactional_id = who.transactional_id, %error, "a decided transaction waits for the disk");
        }
        Ok(())
    }

    /// Runs `append` if the partition belongs to the producer's open transaction. The transaction cannot end
    /// meanwhile, so no record comes after its marker.
    pub fn in_transaction<T>(
        &self,
        who: Producer,
        partition: &TopicPartition,
        append: impl FnOnce() -> Result<T, ResponseError>,
    ) -> Result<T, ResponseError> {
        let store = self.store.lock();
        let known = store.state().transactions.get(who.transactional_id);
        let transaction = known.ok_or(ResponseError::InvalidProducerIdMapping)?;
        if transaction.producer_id != who.id || transaction.epoch != who.epoch {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        if transaction.phase != Phase::Ongoing || !transaction.partitions.contains(partition) {
            return Err(ResponseError::InvalidTxnState);
        }
        append()
    }

    /// Writes what a decided transaction still lacks: markers, offsets, and the note that it is over.
    pub(super) fn finish(&self, store: &mut Store, id: &str, now_ms: i64) -> Result<(), ResponseError> {
        let Some(mut transaction) = store.state().transactions.get(id).cloned() else { return Ok(()) };
        let kind = match transaction.phase {
            Phase::Committing => Marker::Commit,
            Phase::Aborting => Marker::Abort,
            Phase::Idle | Phase::Ongoing => return Ok(()),
        };
        self.write_markers(&transaction, kind, now_ms)?;
        if kind == Marker::Commit {
            for (group, offsets) in std::mem::take(&mut transaction.offsets) {
                store.commit(Entry::Offsets { group, offsets, at_ms: now_ms })?;
            }
        }
        transaction.end(kind);
        fault::point("broker.transaction.before-end");
        save(store, id, transaction)
    }

    fn write_markers(
        &self,
        transaction: &Transaction,
        kind: Marker,
        now_ms: i64,
    ) -> Result<(), ResponseError> {
        let Transaction { producer_id, epoch, .. } = *transaction;
        for (topic, number) in &transaction.partitions {
            fault::point("broker.transaction.before-marker");
            // A topic deleted meanwhile needs no marker.
            let Ok(partition) = self.topics.partition(topic, *number) else { continue };
            partition.change(|log| match log.has_open_transaction(producer_id) {
                true => log.append_marker(kind, producer_id, epoch, now_ms),
                false => Ok(()),
            })?;
        }
        Ok(())
    }

    /// Finishes what is decided: before a restart, or when the disk was full.
    pub fn finish_transactions(&self, now_ms: i64) {
        let mut store = self.store.lock();
        let decided = |txn: &Transaction| matches!(txn.phase, Phase::Committing | Phase::Aborting);
        let transactions = store.state().transactions.iter().filter(|(_, txn)| decided(txn));
        for id in transactions.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            if let Err(error) = self.finish(&mut store, &id, now_ms) {
                tracing::error!(transactional_id = id, %error, "cannot finish a transaction; it is tried again");
            }
        }
    }

    /// Whether a committed offset of this partition is about to be replaced by an open transaction's.
    pub fn has_pending_offset(store: &Store, group: &str, partition: &TopicPartition) -> bool {
        let pending = |transaction: &Transaction| {
            let offsets = transaction.offsets.get(group);
            offsets.is_some_and(|offsets| offsets.iter().any(|(pending, _)| pending == partition))
        };
        store.state().transactions.values().any(pending)
    }
}

impl Transaction {
    fn new(producer_id: i64) -> Transaction {
        Transaction {
            producer_id,
            epoch: 0,
            resumable_epoch: None,
            timeout_ms: 0,
            phase: Phase::Idle,
            last_committed: None,
            began_ms: 0,
            partitions: Default::default(),
            groups: Default::default(),
            offsets: Default::default(),
        }
    }

    fn begin(&mut self, now_ms: i64) {
        if self.phase == Phase::Idle {
            (self.phase, self.began_ms, self.last_committed) = (Phase::Ongoing, now_ms, None);
        }
    }

    fn end(&mut self, kind: Marker) {
        (self.phase, self.last_committed) = (Phase::Idle, Some(kind == Marker::Commit));
        self.partitions.clear();
        self.groups.clear();
        self.offsets.clear();
    }
}

/// The transaction of a producer that is who it says and not fenced off.
fn writable(store: &Store, who: Producer) -> Result<Transaction, ResponseError> {
    let known = store.state().transactions.get(who.transactional_id);
    let transaction = known.filter(|known| known.producer_id == who.id);
    let transaction = transaction.ok_or(ResponseError::InvalidProducerIdMapping)?;
    if transaction.epoch != who.epoch {
        return Err(ResponseError::ProducerFenced);
    }
    match transaction.phase {
        Phase::Idle | Phase::Ongoing => Ok(transaction.clone()),
        Phase::Committing | Phase::Aborting => Err(ResponseError::ConcurrentTransactions),
    }
}

/// Remembers a transaction as it is now.
pub(super) fn save(store: &mut Store, id: &str, transaction: Transaction) -> Result<(), ResponseError> {
    store.commit(Entry::Transaction { id: id.to_owned(), transaction: Box::new(transaction) })
}
