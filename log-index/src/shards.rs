//! The indexes of a process: one with everything, or one for each shard, which is a part of the partitions.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bus::{Offsets, Partition};
use event::LogBatch;
use tokio::{sync::broadcast, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    AppendError, Config, DeleteError, DeleteRequest, Group, Index, Kind, MergeError, OpenError, SealError,
    Snapshot, Status,
    catalog::CatalogError,
    group::{Requests, What, read},
};

/// Between two looks whether the owners have merged.
const LOOK: Duration = Duration::from_millis(100);

/// Opens the index of this process in `dir`, or joins the group that the configuration names. Call it within a tokio
/// runtime of several threads; it waits for Kafka only for a group.
///
/// # Errors
/// See [`OpenError`].
pub async fn open(
    dir: &Path,
    config: &Config,
    bus: &bus::Config,
    shutdown: &CancellationToken,
) -> Result<(Shards, Option<Group>), OpenError> {
    let Some(name) = &config.group else { return Ok((Index::open(dir, config)?.into(), None)) };
    let (shards, group) = Group::open(dir, name, config, bus, shutdown.child_token()).await?;
    Ok((shards, Some(group)))
}

/// All of them together. Cheap to clone.
#[derive(Clone)]
pub struct Shards {
    all: Arc<[Index]>,
    /// Where they are a group's.
    requests: Option<Arc<Requests>>,
}

impl From<Index> for Shards {
    fn from(index: Index) -> Self {
        Shards { all: [index].into(), requests: None }
    }
}

impl Shards {
    /// One for each shard, by number; at least one.
    pub(crate) fn new(indexes: Vec<Index>, requests: Arc<Requests>) -> Self {
        Shards { all: indexes.into(), requests: Some(requests) }
    }

    /// As they were opened with.
    pub fn config(&self) -> &Config {
        self.all[0].config()
    }

    /// Each by itself.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Index> {
        self.all.iter()
    }

    /// The only one, where there is no group.
    pub(crate) fn alone(&self) -> Option<&Index> {
        self.requests.is_none().then(|| &self.all[0])
    }

    /// The one that a partition belongs to.
    pub(crate) fn of(&self, partition: i32) -> &Index {
        &self.all[partition.unsigned_abs() as usize % self.all.len()]
    }

    /// Those of these partitions of which nothing more should be read until another process has sealed.
    pub(crate) fn held(&self, partitions: &[Partition]) -> BTreeSet<Partition> {
        let waiting: Vec<bool> = self.iter().map(Index::waits_for_owner).collect();
        let is_held = |(_, number): &&Partition| waiting[number.unsigned_abs() as usize % waiting.len()];
        partitions.iter().filter(is_held).cloned().collect()
    }

    /// See [`Index::append`].
    pub(crate) fn append(&self, record: &bus::Record) -> Result<(), AppendError> {
        self.of(record.partition).append(record)
    }

    /// See [`Index::rewind`].
    pub(crate) fn rewind(&self, record: &bus::Record) {
        self.of(record.partition).rewind(record);
    }

    /// Notes that there is nothing more to take in below `offsets`.
    pub(crate) fn advance(&self, offsets: &Offsets) {
        for (index, own) in self.all.iter().zip(self.split(offsets)) {
            index.advance(&own);
        }
    }

    /// Whether what is read by this connection does not count any more: see [`Index::begin_reading`].
    pub(crate) fn must_reconnect(&self) -> bool {
        self.iter().any(Index::must_reconnect)
    }

    /// See [`Index::begin_reading`].
    pub(crate) fn begin_reading(&self) -> Offsets {
        let mut begin = Offsets::default();
        self.iter().for_each(|index| begin.raise(&index.begin_reading()));
        begin
    }

    /// What has been taken in, memory included.
    pub fn read_offsets(&self) -> Offsets {
        read(self.iter())
    }

    /// Waits until everything below `target` has been taken in; `false` when `timeout` passes first.
    pub async fn wait_for(&self, target: &Offsets, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        for (index, own) in self.all.iter().zip(self.split(target)) {
            if !index.wait_for(&own, deadline.saturating_duration_since(Instant::now())).await {
                return false;
            }
        }
        true
    }

    /// What each shard has of it.
    fn split(&self, offsets: &Offsets) -> Vec<Offsets> {
        let mut split = vec![Offsets::default(); self.all.len()];
        for ((topic, partition), next) in offsets.iter() {
            split[partition.unsigned_abs() as usize % self.all.len()].set(topic, *partition, next);
        }
        split
    }

    /// A view of everything taken in so far: each entry once.
    pub fn snapshot(&self) -> Snapshot {
        let snapshots = self.all.iter().map(Index::snapshot);
        Snapshot::joined(snapshots).expect("there is at least one index")
    }

    /// See [`Index::follow`].
    pub fn follow(&self) -> (Snapshot, broadcast::Receiver<Arc<LogBatch>>) {
        let states: Vec<_> = self.all.iter().map(|index| index.inner.state.lock()).collect();
        let snapshot = Snapshot::joined(states.iter().map(|state| state.snapshot()));
        // All send to the same followers.
        (snapshot.expect("there is at least one index"), states[0].followers.subscribe())
    }

    /// Puts all that has been taken in into segments.
    ///
    /// # Errors
    /// When the disk is full or broken; in a group when a shard's owner has not done it within `patience`.
    pub async fn flush(&self, patience: Duration) -> Result<(), SealError> {
        match &self.requests {
            Some(requests) => Ok(requests.ask(&self.all, What::Flush, patience).await.map(|_| ())?),
            None => self.blocking(|index| index.flush()).await,
        }
    }

    /// Returns when nothing is left to merge.
    ///
    /// # Errors
    /// See [`MergeError`].
    pub async fn merge(&self) -> Result<(), MergeError> {
        if self.requests.is_none() {
            let gone = Arc::new(AtomicBool::new(false));
            let _told = Told(gone.clone());
            return self.blocking(move |index| index.merge(&|| gone.load(Ordering::Relaxed))).await;
        }
        // Their owners do.
        while self.all.iter().any(Index::has_merge) {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// See [`Index::delete`]; in a group each shard's owner does it.
    ///
    /// # Errors
    /// See [`DeleteError`].
    pub async fn delete(
        &self,
        kind: Kind,
        query: String,
        (start, end): (i64, i64),
        now_ms: i64,
        patience: Duration,
    ) -> Result<DeleteRequest, DeleteError> {
        let Some(requests) = &self.requests else {
            return self.blocking(move |index| index.delete(kind, &query, (start, end), now_ms)).await;
        };
        DeleteRequest::new(kind, &query, (start, end), now_ms).understood()?;
        let what = What::Delete { kind, query, start, end, created_ms: now_ms };
        let id = DeleteRequest::id_of(requests.ask(&self.all, what, patience).await?);
        self.deletes().into_iter().find(|request| request.id == id).ok_or(DeleteError::TooMany)
    }

    /// All requests to delete, oldest first.
    pub fn deletes(&self) -> Vec<DeleteRequest> {
        let mut all: BTreeMap<u64, DeleteRequest> = BTreeMap::new();
        for request in self.all.iter().flat_map(Index::deletes) {
            let known = all.remove(&request.id);
            all.insert(request.id, known.map_or(request.clone(), |known| known.and(request)));
        }
        all.into_values().collect()
    }

    /// See [`Index::cancel_delete`]; in a group each shard's owner does it.
    ///
    /// # Errors
    /// See [`DeleteError`].
    pub async fn cancel_delete(&self, id: u64, force: bool, patience: Duration) -> Result<(), DeleteError> {
        let Some(requests) = &self.requests else {
            return self.blocking(move |index| index.cancel_delete(id, force)).await;
        };
        let known = self.deletes().into_iter().find(|request| request.id == id);
        known.ok_or(DeleteError::NotFound)?.check_cancel(force)?;
        requests.ask(&self.all, What::Cancel { id }, patience).await.map(|_| ())
    }

    /// Has the only index do something that blocks.
    async fn blocking<T, E>(&self, work: impl FnOnce(&Index) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<CatalogError> + Send + 'static,
    {
        let index = self.all[0].clone();
        let done = tokio::task::spawn_blocking(move || work(&index)).await;
        done.unwrap_or_else(|error| {
            tracing::error!(%error, "work on the index broke off");
            Err(CatalogError::Read(error.into()).into())
        })
    }

    /// Figures of all.
    pub fn status(&self) -> Status {
        let all = self.all.iter().map(Index::status);
        all.reduce(Status::and).unwrap_or_default()
    }
}

/// Tells work that nobody waits for it any more.
struct Told(Arc<AtomicBool>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
