//! The thread that does what the group is asked for: the owner of each shard once. That it has is part of the shard's next
//! commit, and so every instance learns of it. One that fails is put aside and tried again: it holds up no other.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::request::{Reach, Requests, What};
use crate::{DeleteError, Index, delete::DeleteRequest};

/// Between two looks whether there is anything to do.
const LOOK: Duration = Duration::from_millis(100);

/// Before one that has failed is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// So many of a shard are put aside; then those behind them wait.
const MAX_FAILED: usize = 100;

/// A request that a shard has tried, and why it has not done it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failed {
    pub what: What,
    pub reason: String,
}

/// What the thread knows.
pub struct CarryOut {
    requests: Arc<Requests>,
    shards: Vec<Index>,
    /// When a request that has failed was tried last, by shard and offset.
    tried: BTreeMap<(usize, i64), Instant>,
    /// How long it then waits.
    retry: Duration,
}

impl CarryOut {
    pub fn new(requests: Arc<Requests>, shards: Vec<Index>) -> Self {
        CarryOut { requests, shards, tried: BTreeMap::new(), retry: RETRY }
    }

    /// The thread.
    pub fn run(mut self, ended: &CancellationToken) {
        while !ended.is_cancelled() {
            if !self.step() {
                self.requests.wait(LOOK);
            }
        }
    }

    /// Each shard of this process does its next one, or else one again that has failed; answers whether any did.
    fn step(&mut self) -> bool {
        let (shards, read) = (self.shards.clone(), Reach::of(&self.shards));
        let mut any = false;
        for (number, index) in shards.iter().enumerate().filter(|(_, index)| index.is_owner()) {
            let next = self.requests.next(index, &read).filter(|(offset, _)| self.is_due(number, *offset));
            let done = next.is_some_and(|(offset, request)| self.first(number, index, offset, &request.what));
            any |= done || self.again(number, index);
        }
        self.requests.forget(&shards);
        any
    }

    fn is_due(&self, number: usize, offset: i64) -> bool {
        self.tried.get(&(number, offset)).is_none_or(|at| at.elapsed() >= self.retry)
    }

    fn first(&mut self, number: usize, index: &Index, offset: i64, what: &What) -> bool {
        let Err(error) = what.carry_out(index, offset) else { return true };
        if !index.is_owner() {
            // Whoever owns it now does it.
            return false;
        }
        tracing::warn!(shard = number, %error, "request of the group has failed, will try again");
        self.tried.insert((number, offset), Instant::now());
        let aside = index.put_aside(offset, Failed { what: what.clone(), reason: error.to_string() });
        aside.inspect_err(|error| tracing::warn!(shard = number, %error, "those behind it wait")).is_ok()
    }

    fn again(&mut self, number: usize, index: &Index) -> bool {
        let failed = index.failed_requests();
        self.tried.retain(|(shard, offset), _| *shard != number || !index.has_carried_out(*offset));
        let due = failed.into_iter().find(|(offset, _)| self.is_due(number, *offset));
        let Some((offset, Failed { what, .. })) = due else { return false };
        self.tried.insert((number, offset), Instant::now());
        match what.carry_out(index, offset) {
            Ok(()) => tracing::info!(shard = number, "request of the group that had failed is done"),
            Err(error) => tracing::warn!(shard = number, %error, "request of the group has failed again"),
        }
        true
    }
}

impl What {
    /// Does it in one shard; `offset` is the request's place on the topic.
    ///
    /// # Errors
    /// When it has to be tried again.
    fn carry_out(&self, index: &Index, offset: i64) -> Result<(), DeleteError> {
        match self {
            What::Flush => index.flush()?,
            What::Delete { kind, query, start, end, created_ms } => {
                let request = DeleteRequest::new(*kind, query, (*start, *end), *created_ms);
                match index.delete_as(Some(offset), request) {
                    // The one who asked sees that there is no receipt.
                    Err(error @ (DeleteError::Query(_) | DeleteError::TooMany)) => {
                        tracing::warn!(%error, "delete is left out");
                    }
                    other => return other.map(|_| ()),
                }
            }
            What::Cancel { .. } => {}
        }
        index.change(|manifest| {
            if let What::Cancel { id } = self {
                manifest.deletes.remove(id);
                manifest.failed_requests.remove(&DeleteRequest::offset_of(*id));
            }
            manifest.carried_out(offset);
            Ok(())
        })
    }
}

impl Index {
    /// Offset of the next request of the group that it has not tried.
    pub(super) fn next_request(&self) -> i64 {
        self.inner.state.lock().sealed.manifest.requests
    }

    /// Those that it has tried and not done, by their offsets.
    pub(super) fn failed_requests(&self) -> BTreeMap<i64, Failed> {
        self.inner.state.lock().sealed.manifest.failed_requests.clone()
    }

    /// Whether it has done the request at `offset`.
    pub(super) fn has_carried_out(&self, offset: i64) -> bool {
        let state = self.inner.state.lock();
        let manifest = &state.sealed.manifest;
        offset < manifest.requests && !manifest.failed_requests.contains_key(&offset)
    }

    /// Lets those behind it go first.
    fn put_aside(&self, offset: i64, failed: Failed) -> Result<(), DeleteError> {
        self.change(|manifest| {
            if manifest.failed_requests.len() >= MAX_FAILED {
                return Err(DeleteError::Group(format!("{MAX_FAILED} requests have failed")));
            }
            manifest.carried_out(offset);
            manifest.failed_requests.insert(offset, failed);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::atomic::{AtomicBool, Ordering},
    };

    use bus::{Producer, Record};

    use super::*;
    use crate::{
        Config,
        adopt::tests::{Fake, record},
        group::request::Request,
        storage::{Directory, ObjectWriter, Room, Storage, StorageError, failed},
    };

    /// Takes no segments while it is broken.
    struct Broken {
        inner: Directory,
        broken: AtomicBool,
    }

    impl Storage for Broken {
        fn create(&self, name: &str) -> Result<Box<dyn ObjectWriter>, StorageError> {
            match self.broken.load(Ordering::SeqCst) && name.ends_with(".seg") {
                true => Err(failed("write", name)(std::io::ErrorKind::StorageFull.into())),
                false => self.inner.create(name),
            }
        }

        fn read(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, StorageError> {
            self.inner.read(name, offset, length)
        }

        fn list(&self) -> Result<Vec<(String, u64)>, StorageError> {
            self.inner.list()
        }

        fn room(&self) -> Option<Room> {
            None
        }

        fn delete(&self, name: &str) -> Result<(), StorageError> {
            self.inner.delete(name)
        }
    }

    fn note(requests: &Requests, offset: i64, what: What) {
        let value = serde_json::to_vec(&Request::new(Reach::default(), what)).unwrap();
        requests.note(&Record { value: value.into(), ..record(offset) });
    }

    /// An index with a line in memory, and the storage that takes no segment of it.
    fn broken(folder: &Path) -> (Index, Arc<Broken>, Arc<Requests>) {
        let inner = Directory::open(folder.join("shared")).unwrap();
        let storage = Arc::new(Broken { inner, broken: AtomicBool::new(true) });
        let ledger = Arc::new(Fake { owner: AtomicBool::new(true), storage: storage.clone() });
        let sender = tokio::sync::broadcast::Sender::new(1);
        let path = folder.join("owner");
        let index = Index::open_shared(&path, &Config::default(), storage.clone(), ledger, sender).unwrap();
        index.append(&record(0)).unwrap();
        let producer = Producer::new(&bus::Config::default()).unwrap();
        (index, storage, Arc::new(Requests::new("requests".into(), producer)))
    }

    /// What has failed is not due again, however long the test takes.
    fn patient(requests: &Arc<Requests>, index: &Index) -> CarryOut {
        CarryOut { retry: Duration::MAX, ..CarryOut::new(requests.clone(), vec![index.clone()]) }
    }

    #[test]
    fn one_that_fails_holds_up_no_other_and_is_done_when_it_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let (index, storage, requests) = broken(folder.path());
        note(&requests, 0, What::Flush);
        note(&requests, 1, What::Cancel { id: 9 });
        let mut first = patient(&requests, &index);
        while first.step() {}
        assert_eq!([0, 1].map(|offset| index.has_carried_out(offset)), [false, true]);
        let reasons = index.status().failed_requests;
        assert!(reasons.len() == 1 && reasons[0].contains(".seg"), "{reasons:?}");
        assert_eq!(requests.next(&index, &Reach::default()), None);

        storage.broken.store(false, Ordering::SeqCst);
        assert!(!first.step(), "it waits before it tries again");
        // Whoever takes the shard over tries at once.
        assert!(patient(&requests, &index).step());
        assert!(index.has_carried_out(0) && index.status().failed_requests.is_empty());
        assert_eq!(index.status().segments, 1);
    }

    #[test]
    fn one_that_cannot_be_put_aside_waits_and_those_that_are_aside_are_tried() {
        let folder = tempfile::tempdir().unwrap();
        let (index, _storage, requests) = broken(folder.path());
        let last = MAX_FAILED as i64;
        let aside = Failed { what: What::Cancel { id: 9 }, reason: "disk".into() };
        let full = index.change(|manifest| {
            manifest.requests = last;
            manifest.failed_requests = (0..last).map(|offset| (offset, aside.clone())).collect();
            Ok::<_, DeleteError>(())
        });
        full.unwrap();
        note(&requests, last, What::Flush);
        let mut carry_out = patient(&requests, &index);
        assert!(carry_out.step());
        let tried = carry_out.tried[&(0, last)];
        while carry_out.step() {}
        assert_eq!((index.failed_requests().len(), index.next_request()), (0, last));
        assert_eq!(carry_out.tried[&(0, last)], tried);
    }
}
