//! The thread that follows the group's topic: it goes along with what other processes commit, and claims the shards that
//! the group gives to this one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use bus::{Consumer, ConsumerBuilder, Offsets, Parts, Record, Start};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{entry::Entry, ledger::GroupLedger, request::Requests, storage::Shared};
use crate::{Index, catalog::CatalogError, ledger::Ledger as _, recover::read_manifest};

const POLL: Duration = Duration::from_millis(100);
const POLL_RECORDS: usize = 1_000;
const QUEUE_KIB: u32 = 1 << 10;

/// Before another attempt after one that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// So long a segment whose streams cannot be read holds up what comes after it.
const DAMAGE_PATIENCE: Duration = Duration::from_secs(60);

/// A shard as this process sees it.
pub struct Shard {
    pub number: i32,
    pub index: Index,
    pub ledger: Arc<GroupLedger>,
    pub storage: Arc<Shared>,
}

/// The shards that the group wants this process to own.
#[derive(Clone)]
pub struct Wanted {
    numbers: Arc<Mutex<BTreeSet<i32>>>,
    shards: Arc<[Shard]>,
}

impl Wanted {
    pub fn new(shards: Arc<[Shard]>) -> Self {
        Wanted { numbers: Arc::default(), shards }
    }

    pub fn numbers(&self) -> BTreeSet<i32> {
        self.numbers.lock().clone()
    }

    /// Does `own` if the shard is among them, and before it can be lost again.
    pub fn while_wanted(&self, number: i32, own: impl FnOnce()) -> bool {
        let numbers = self.numbers.lock();
        let is_wanted = numbers.contains(&number);
        if is_wanted {
            own();
        }
        is_wanted
    }
}

impl Parts for Wanted {
    fn gained(&self, parts: &BTreeSet<i32>) {
        self.numbers.lock().extend(parts);
    }

    /// What is in memory need not be sealed first: the others have it in theirs.
    fn lost(&self, parts: &BTreeSet<i32>) {
        let mut numbers = self.numbers.lock();
        numbers.retain(|number| !parts.contains(number));
        self.shards
            .iter()
            .filter(|shard| parts.contains(&shard.number))
            .for_each(|shard| shard.ledger.disown());
    }
}

/// Follows the topic.
pub struct Control {
    pub bus: bus::Config,
    pub topic: String,
    pub shards: Arc<[Shard]>,
    pub requests: Arc<Requests>,
    pub wanted: Wanted,
    pub shutdown: CancellationToken,
    pub runtime: Handle,
    /// The last entry of each shard.
    pub latest: BTreeMap<i32, Entry>,
    /// Since when what another process has committed cannot be taken over.
    pub stuck: BTreeMap<i32, Instant>,
    /// When a shard was claimed last.
    pub claimed: BTreeMap<i32, Instant>,
}

impl Control {
    /// The thread.
    pub fn run(mut self) {
        while !self.shutdown.is_cancelled() {
            if let Err(error) = self.connect().and_then(|consumer| self.follow(&consumer)) {
                tracing::warn!(%error, topic = self.topic, "index cannot follow its group, will try again");
                bus::pause(&self.runtime, &self.shutdown, PAUSE);
            }
        }
    }

    /// # Errors
    /// When the broker does not answer.
    pub fn connect(&self) -> Result<Consumer, bus::Error> {
        let topics = [self.topic.as_str(), &self.requests.topic];
        let builder = ConsumerBuilder {
            config: &self.bus,
            group: "tailrace-index-control",
            topics: &topics,
            queue_kib: QUEUE_KIB,
        };
        let consumer = Consumer::open(&builder)?;
        consumer.start(&Offsets::default(), Start::Earliest)?;
        Ok(consumer)
    }

    fn follow(&mut self, consumer: &Consumer) -> Result<(), bus::Error> {
        while !self.shutdown.is_cancelled() {
            self.read(consumer)?;
            self.adopt_all();
            self.claim_all(consumer)?;
            self.shards.iter().for_each(|shard| shard.storage.sweep(Instant::now()));
        }
        Ok(())
    }

    /// Reads on to where the topic, or one shard's partition of it, ends now.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn catch_up(&mut self, consumer: &Consumer, shard: Option<i32>) -> Result<(), bus::Error> {
        let mut ends = Offsets::default();
        for ((topic, partition), next) in consumer.ends(PAUSE)?.iter() {
            if shard.is_none_or(|shard| *topic == self.topic && shard == *partition) {
                ends.set(topic, *partition, next);
            }
        }
        while !self.shutdown.is_cancelled() && !consumer.has_read(&Offsets::default(), &ends)? {
            self.read(consumer)?;
        }
        Ok(())
    }

    fn read(&mut self, consumer: &Consumer) -> Result<(), bus::Error> {
        for record in consumer.poll(POLL, POLL_RECORDS)? {
            match record.topic == self.topic {
                true => self.note(&record),
                false => self.requests.note(&record),
            }
        }
        Ok(())
    }

    fn note(&mut self, Record { topic, partition, offset, value, .. }: &Record) {
        match Entry::from_record(value) {
            Ok(entry) => {
                let shard = self.shards.iter().find(|shard| shard.number == *partition);
                shard.inspect(|shard| shard.ledger.look_at(&entry));
                // After another connection the topic is read from its beginning.
                if self.latest.get(partition).is_none_or(|known| entry.is_after(known)) {
                    self.latest.insert(*partition, entry);
                }
            }
            Err(error) => tracing::error!(topic, partition, offset, %error, "entry is left out"),
        }
    }

    /// Takes over what other processes have committed.
    pub fn adopt_all(&mut self) {
        let shards = self.shards.clone();
        for shard in shards.iter().filter(|shard| !shard.ledger.is_owner()) {
            let Some(entry) = self.latest.get(&shard.number) else { continue };
            let patience_ends =
                self.stuck.get(&shard.number).is_some_and(|since| since.elapsed() > DAMAGE_PATIENCE);
            match self.adopt(shard, entry, patience_ends) {
                Ok(()) => drop(self.stuck.remove(&shard.number)),
                Err(error) => {
                    self.stuck.entry(shard.number).or_insert_with(|| {
                        tracing::warn!(shard = shard.number, %error, "what another instance has committed waits");
                        Instant::now()
                    });
                }
            }
        }
    }

    /// Goes over to the manifest of an entry.
    ///
    /// # Errors
    /// When it cannot be read, or a segment that it names and `damaged` is not set.
    pub fn adopt(&self, shard: &Shard, entry: &Entry, damaged: bool) -> Result<(), CatalogError> {
        if entry.commit == shard.index.commit_number() {
            return Ok(());
        }
        let manifest = read_manifest(shard.storage.as_ref(), &entry.manifest(), entry.bytes)?;
        fault::point("index.group.before-adopt");
        shard.index.adopt(manifest, damaged)?;
        fault::point("index.group.after-adopt");
        Ok(())
    }
}
