//! What runs out of time: transactions that are open for too long, and what nobody uses any more, so that what the broker
//! remembers does not grow for ever.

use super::node::Node;
use super::state::{Entry, Phase, State, Store, Transaction};
use super::txn::save;
use kafka_protocol::ResponseError;
use std::time::Duration;

impl Node {
    /// Forgets offsets of groups without members, transactional producers and sequence numbers that have not been used
    /// for as long as the settings say. `now_ms` is milliseconds since 1970.
    pub fn forget_unused(&self, now_ms: i64) {
        let expiry = &self.config.expiry;
        self.topics.forget_producers(now_ms, millis(expiry.producers));
        let alive = self.groups.ids();
        let mut store = self.store.lock();
        let used = alive.into_iter().filter(|group| store.state().offsets.contains_key(group));
        let used = used.map(|group| Entry::Used { group, at_ms: now_ms }).collect();
        let result = commit_all(&mut store, used).and_then(|()| {
            let offsets = unused_offsets(store.state(), now_ms - millis(expiry.offsets));
            let transactions = unused_ids(store.state(), now_ms - millis(expiry.transactional_ids));
            commit_all(&mut store, offsets.chain(transactions).collect())?;
            store.make_room()
        });
        if let Err(error) = result {
            tracing::error!(%error, "cannot forget what nobody uses; it is tried again");
        }
    }

    /// Aborts transactions that are open for too long and fences off their producers.
    pub fn expire_transactions(&self, now_ms: i64) {
        let mut store = self.store.lock();
        let overdue = |transaction: &Transaction| {
            let ends = transaction.began_ms.saturating_add(i64::from(transaction.timeout_ms));
            transaction.phase == Phase::Ongoing && ends <= now_ms
        };
        let expired = store.state().transactions.iter().filter(|(_, transaction)| overdue(transaction));
        let expired: Vec<_> = expired.map(|(id, transaction)| (id.clone(), transaction.clone())).collect();
        for (id, transaction) in expired {
            if let Err(error) = self.abort_overdue(&mut store, &id, transaction, now_ms) {
                tracing::error!(transactional_id = id, %error, "cannot abort an overdue transaction");
            }
        }
    }

    fn abort_overdue(
        &self,
        store: &mut Store,
        id: &str,
        mut overdue: Transaction,
        now_ms: i64,
    ) -> Result<(), ResponseError> {
        tracing::info!(transactional_id = id, "abort a transaction that was open for too long");
        let epoch = overdue.epoch;
        overdue.epoch = epoch.saturating_add(1);
        (overdue.phase, overdue.resumable_epoch) = (Phase::Aborting, Some(epoch));
        save(store, id, overdue)?;
        self.finish(store, id, now_ms)
    }
}

fn commit_all(store: &mut Store, entries: Vec<Entry>) -> Result<(), ResponseError> {
    entries.into_iter().try_for_each(|entry| store.commit(entry))
}

/// The offsets of all groups that were last used before `oldest_ms`.
fn unused_offsets(state: &State, oldest_ms: i64) -> impl Iterator<Item = Entry> + use<> {
    let unused = state.offsets.iter().filter(|(_, offsets)| offsets.used_ms < oldest_ms);
    let gone = unused.map(|(group, offsets)| Entry::OffsetsGone {
        group: group.clone(),
        partitions: offsets.by_partition.keys().cloned().collect(),
    });
    gone.collect::<Vec<_>>().into_iter()
}

fn unused_ids(state: &State, oldest_ms: i64) -> impl Iterator<Item = Entry> + use<> {
    let is_unused =
        |transaction: &Transaction| transaction.phase == Phase::Idle && transaction.began_ms < oldest_ms;
    let unused = state.transactions.iter().filter(|(_, transaction)| is_unused(transaction));
    let gone = unused.map(|(id, _)| Entry::TransactionGone { id: id.clone() });
    gone.collect::<Vec<_>>().into_iter()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::config::Config;
    use crate::broker::data_dir::DataDir;
    use crate::broker::state::Committed;
    use crate::broker::txn::Producer;
    use std::path::Path;

    const DAY_MS: i64 = 24 * 60 * 60 * 1000;

    fn open(dir: &Path) -> Node {
        let bound = "127.0.0.1:1".parse().expect("address");
        Node::open(Config::default(), DataDir::open(dir).expect("data dir"), bound).expect("node")
    }

    fn commit(node: &Node, group: &str, at_ms: i64) {
        let committed = Committed { offset: 1, leader_epoch: 0, metadata: String::new() };
        let offsets = vec![(("t".to_owned(), 0), committed)];
        let entry = Entry::Offsets { group: group.to_owned(), offsets, at_ms };
        node.store.lock().commit(entry).expect("committed");
    }

    fn groups(node: &Node) -> Vec<String> {
        node.store.lock().state().offsets.keys().cloned().collect()
    }

    fn begin(node: &Node, id: &str, now_ms: i64) -> (i64, i16) {
        let who = Producer { transactional_id: id, id: -1, epoch: -1 };
        node.init_transactional(who, 60_000, now_ms).expect("initialized")
    }

    #[test]
    fn offsets_of_a_group_go_a_week_after_its_last_commit_even_over_a_restart() {
        let dir = tempfile::tempdir().expect("dir");
        let node = open(dir.path());
        commit(&node, "idle", 0);
        commit(&node, "busy", 0);
        drop(node);
        let node = open(dir.path());
        commit(&node, "busy", DAY_MS);
        node.forget_unused(7 * DAY_MS);
        assert_eq!(groups(&node), ["busy", "idle"]);
        node.forget_unused(7 * DAY_MS + 1);
        assert_eq!(groups(&node), ["busy"]);
        drop(node);
        assert_eq!(groups(&open(dir.path())), ["busy"]);
    }

    #[test]
    fn transactional_producers_go_a_week_after_their_last_transaction_unless_one_is_open() {
        let dir = tempfile::tempdir().expect("dir");
        let node = open(dir.path());
        begin(&node, "idle", 0);
        let (id, epoch) = begin(&node, "open", 0);
        node.topics.create("t", 1, Default::default()).expect("created");
        let who = Producer { transactional_id: "open", id, epoch };
        node.add_partitions(who, vec![("t".to_owned(), 0)], 0).expect("added");
        node.forget_unused(7 * DAY_MS + 1);
        let known: Vec<String> = node.store.lock().state().transactions.keys().cloned().collect();
        assert_eq!(known, ["open"]);
        let gone = Producer { transactional_id: "idle", id, epoch };
        let error = node.add_partitions(gone, vec![("t".to_owned(), 0)], 0).expect_err("gone");
        assert_eq!(error, ResponseError::InvalidProducerIdMapping);
        assert!(begin(&node, "idle", 0).0 > id, "it comes back under a new producer id");
    }
}
