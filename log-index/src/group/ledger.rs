//! The ledger of a shard: a manifest is true when its name stands on the group's topic. Only the process that has
//! taken the shard's transactional id over last can write it there: one that was replaced, however late it learns of
//! it, cannot.

use std::sync::Arc;

use bus::{Committed, Outgoing, TransactionalProducer};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::{entry::Entry, storage::Shared};
use crate::{
    catalog::{CatalogError, Manifest},
    ledger::Ledger,
    storage::{Storage, put},
};

/// Of one shard, in any process of the group.
pub struct GroupLedger {
    topic: String,
    shard: i32,
    storage: Arc<Shared>,
    owner: Mutex<Option<Arc<Owner>>>,
}

/// What the owner has.
pub struct Owner {
    pub epoch: u64,
    pub producer: TransactionalProducer,
    /// Ends the producer's waiting.
    pub stop: CancellationToken,
    /// The newest entry.
    pub latest: Mutex<Option<Entry>>,
}

impl GroupLedger {
    pub fn new(topic: &str, shard: i32, storage: Arc<Shared>) -> Self {
        GroupLedger { topic: topic.to_owned(), shard, storage, owner: Mutex::default() }
    }

    /// Begins to own the shard.
    pub fn own(&self, owner: Owner) {
        *self.owner.lock() = Some(Arc::new(owner));
    }

    /// Learns of an entry: if there is a later owner, this one is none any more.
    pub fn look_at(&self, entry: &Entry) {
        if self.owner.lock().as_ref().is_some_and(|owner| owner.epoch < entry.epoch) {
            self.disown();
        }
    }

    /// Ends to own it.
    pub fn disown(&self) {
        if let Some(owner) = self.owner.lock().take() {
            owner.stop.cancel();
        }
    }

    fn write(&self, owner: &Owner, entry: &Entry) -> Result<(), CatalogError> {
        let record = Outgoing {
            topic: self.topic.clone(),
            key: self.shard.to_string().into_bytes(),
            value: entry.to_record(),
            partition: Some(self.shard),
        };
        let refusal = match owner.producer.write(vec![record]) {
            Ok(Committed::Yes(refused)) => refused.into_iter().next(),
            Ok(Committed::Stopped) => return Err(CatalogError::NotOwner),
            Err(error) => Some(error),
        };
        refusal.map_or(Ok(()), |error| Err(CatalogError::Bus(error.to_string())))
    }
}

impl Ledger for GroupLedger {
    fn is_owner(&self) -> bool {
        self.owner.lock().is_some()
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn give_up(&self) {
        self.disown();
    }

    fn publish(&self, manifest: &Manifest) -> Result<(), CatalogError> {
        let owner = self.owner.lock().clone().ok_or(CatalogError::NotOwner)?;
        let payload = manifest.to_payload()?;
        let entry = Entry::new(owner.epoch, manifest.commit, payload.len() as u64);
        put(self.storage.as_ref(), &entry.manifest(), payload.as_bytes())?;
        fault::point("index.group.before-entry");
        // Whether it got there is not known after an error: what the topic says counts from then on.
        self.write(&owner, &entry).inspect_err(|_| self.disown())?;
        fault::point("index.group.after-entry");
        match owner.latest.lock().replace(entry) {
            Some(before) => Ok(self.storage.delete(&before.manifest())?),
            None => Ok(()),
        }
    }
}
