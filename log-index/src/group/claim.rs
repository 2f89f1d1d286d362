//! Takes a shard over that the group has given to this process.

use std::time::{Duration, Instant};

use bus::{Consumer, TransactionalProducer};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::{
    control::{Control, Shard},
    entry::{epoch_of, first_segment, newest},
    ledger::Owner,
};
use crate::{
    catalog::CatalogError,
    ledger::Ledger as _,
    segment,
    storage::{Storage as _, UNFINISHED},
};

/// Two processes may for a moment both believe that the group wants them.
const CLAIM_EVERY: Duration = Duration::from_secs(2);

impl Control {
    /// Takes over the shards that the group wants this process to own.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn claim_all(&mut self, consumer: &Consumer) -> Result<(), bus::Error> {
        let (shards, wanted) = (self.shards.clone(), self.wanted.numbers());
        for shard in shards.iter().filter(|s| wanted.contains(&s.number) && !s.ledger.is_owner()) {
            let claimed = self.claimed.get(&shard.number);
            if claimed.is_none_or(|at| at.elapsed() >= CLAIM_EVERY) {
                self.claimed.insert(shard.number, Instant::now());
                self.claim(consumer, shard)?;
            }
        }
        Ok(())
    }

    /// Takes the transactional id over: from then on nobody else commits. Then all that was committed, and last the
    /// shard.
    fn claim(&mut self, consumer: &Consumer, shard: &Shard) -> Result<(), bus::Error> {
        let stop = self.shutdown.child_token();
        let id = format!("{}-{}", self.topic, shard.number);
        let opened = TransactionalProducer::open(&self.bus, &id, self.runtime.clone(), stop.clone())?;
        let Some(producer) = opened else { return Ok(()) };
        fault::point("index.group.after-fence");
        self.catch_up(consumer, Some(shard.number))?;
        match self.begin(shard, producer, stop) {
            Ok(()) => return Ok(()),
            Err(CatalogError::NotOwner) => {
                tracing::debug!(shard = shard.number, "shard went to another instance")
            }
            Err(error) => {
                tracing::warn!(shard = shard.number, %error, "shard is not taken over, will try again");
            }
        }
        shard.ledger.disown();
        Ok(())
    }

    fn begin(
        &self,
        shard: &Shard,
        producer: TransactionalProducer,
        stop: CancellationToken,
    ) -> Result<(), CatalogError> {
        let present = shard.storage.list()?;
        let latest = self.latest.get(&shard.number).cloned();
        // Where the topic was lost, the newest manifest in the storage counts.
        let found = if latest.is_none() { newest(&present) } else { None };
        let is_found = found.is_some();
        let latest = latest.or(found);
        if let Some(entry) = &latest {
            self.adopt(shard, entry, false)?;
        }
        let epoch = 1 + present.iter().map(|(name, _)| epoch_of(name)).max().unwrap_or(0);
        let epoch = epoch.max(latest.as_ref().map_or(0, |entry| entry.epoch + 1));
        let owner = Owner { epoch, producer, stop, latest: Mutex::new(latest) };
        shard.index.begin_at(first_segment(shard.number, epoch), |manifest| {
            if is_found {
                manifest.begin_requests(self.requests.end());
            }
            let is_wanted = self.wanted.while_wanted(shard.number, || shard.ledger.own(owner));
            if is_wanted { Ok(()) } else { Err(CatalogError::NotOwner) }
        })?;
        fault::point("index.group.after-claim");
        tracing::info!(shard = shard.number, epoch, "shard taken over");
        shard.tidy(epoch, &present)
    }
}

impl Shard {
    /// Removes what owners before have left and no manifest lists.
    fn tidy(&self, epoch: u64, present: &[(String, u64)]) -> Result<(), CatalogError> {
        let manifest = self.index.manifest();
        let is_listed = |name: &str| segment::id(name).is_some_and(|id| manifest.segments.contains_key(&id));
        let is_ours = |name: &str| (1..epoch).contains(&epoch_of(name)) || name.ends_with(UNFINISHED);
        for (name, _) in present.iter().filter(|(name, _)| is_ours(name) && !is_listed(name)) {
            self.storage.delete(name)?;
        }
        Ok(())
    }
}
