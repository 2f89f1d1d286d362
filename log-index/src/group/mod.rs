//! Several instances share one store. Each reads all of the topics and so answers everything by itself; what they share
//! is the writing: a consumer group gives each shard, which is a part of the partitions, to one of them, which seals,
//! merges and drops its segments in a storage that all see. The others go along with what it commits.
//!
//! | file | is |
//! | --- | --- |
//! | `entry` | what stands on the group's topic: which manifest of a shard is the newest |
//! | `ledger` | writes it there, fenced by a transactional id for each shard |
//! | `control` | follows the topic |
//! | `claim` | takes a shard over |
//! | `request` | what all are asked to do: flush, delete |
//! | `carry_out` | does it |
//! | `storage` | keeps what was dropped for those who still read it |

mod carry_out;
mod claim;
mod control;
mod entry;
mod ledger;
mod request;
mod storage;

use std::{
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use bus::{Consumer, ConsumerBuilder, Member, Membership, Producer};
use config::ByteSize;
use event::LogBatch;
use tokio::{runtime::Handle, sync::broadcast};
use tokio_util::sync::CancellationToken;

pub use carry_out::Failed;
pub use request::{Requests, What, read};

use self::{
    carry_out::CarryOut,
    control::{Control, Shard, Wanted},
    ledger::GroupLedger,
    storage::Shared,
};
use crate::{Config, Index, OpenError, Shards, state::FOLLOWED_BATCHES, storage as storages, telemetry};

/// How long one look at the group takes: the time that stopping may take.
const POLL: Duration = Duration::from_millis(100);

/// The longest that [`Group::stop`] waits.
const STOP: Duration = Duration::from_secs(2);

/// Nothing is read, only asked.
const QUEUE_KIB: u32 = 64;

/// Before another look for a topic that was just made.
const LOOK: Duration = Duration::from_millis(100);

/// This process as one of the group.
pub struct Group {
    shutdown: CancellationToken,
    threads: Vec<JoinHandle<()>>,
}

impl Group {
    /// Opens the shards as the group has left them, and joins it: see [`crate::open`].
    ///
    /// # Errors
    /// When the group cannot be reached, or the storage, or the configuration lacks it.
    pub async fn open(
        dir: &Path,
        name: &str,
        config: &Config,
        bus: &bus::Config,
        shutdown: CancellationToken,
    ) -> Result<(Shards, Group), OpenError> {
        if config.storage.is_none() {
            return Err(OpenError::NotShared);
        }
        let topic = format!("{name}-shards");
        let partitions = tokio::task::block_in_place(|| most_partitions(bus))?;
        bus::admin::create_topic(bus, &topic, partitions, &[("cleanup.policy", "compact")]).await?;
        let requests = format!("{name}-requests");
        bus::admin::create_topic(bus, &requests, 1, &[]).await?;
        let producer = Producer::new(bus)?;
        let requests = Arc::new(Requests::new(requests, producer));
        let count = loop {
            match tokio::task::block_in_place(|| consumer(bus, &[&topic]))?.partitions().len() {
                0 => tokio::time::sleep(LOOK).await,
                count => break count,
            }
        };
        let opening =
            Opening { count, dir, config, bus, topic, requests, shutdown, runtime: Handle::current() };
        tokio::task::block_in_place(|| opening.open())
    }

    /// Leaves the group, so that others take over at once.
    pub async fn stop(self) {
        self.shutdown.cancel();
        let threads = self.threads;
        let joined = tokio::task::spawn_blocking(move || threads.into_iter().all(|t| t.join().is_ok()));
        match tokio::time::timeout(STOP, joined).await {
            Ok(joined) if joined.as_ref().is_ok_and(|ended| *ended) => {}
            Ok(_) => tracing::error!("a thread of the group has panicked"),
            Err(_) => tracing::warn!(
                "kafka does not answer: the group learns by the time-out that this one is gone"
            ),
        }
    }
}

/// Partitions of the topic that has most of them.
fn most_partitions(bus: &bus::Config) -> Result<i32, bus::Error> {
    let topics = [bus.topics.logs.as_str(), &bus.topics.metrics, &bus.topics.derived];
    let consumer = consumer(bus, &topics)?;
    Ok(consumer.partitions().iter().map(|(_, number)| number + 1).max().unwrap_or(1))
}

fn consumer(bus: &bus::Config, topics: &[&str]) -> Result<Consumer, bus::Error> {
    Consumer::open(&ConsumerBuilder {
        config: bus,
        group: "tailrace-index-group",
        topics,
        queue_kib: QUEUE_KIB,
    })
}

struct Opening<'a> {
    count: usize,
    dir: &'a Path,
    config: &'a Config,
    bus: &'a bus::Config,
    topic: String,
    requests: Arc<Requests>,
    shutdown: CancellationToken,
    runtime: Handle,
}

impl Opening<'_> {
    fn open(&self) -> Result<(Shards, Group), OpenError> {
        telemetry::register();
        let count = self.count;
        let followers = broadcast::Sender::new(FOLLOWED_BATCHES);
        let shards = (0..count).map(|number| self.shard(number, count, &followers));
        let shards: Arc<[Shard]> = shards.collect::<Result<Vec<_>, _>>()?.into();
        let wanted = Wanted::new(shards.clone());
        let mut control = Control {
            bus: self.bus.clone(),
            topic: self.topic.clone(),
            shards: shards.clone(),
            requests: self.requests.clone(),
            wanted: wanted.clone(),
            shutdown: self.shutdown.clone(),
            runtime: self.runtime.clone(),
            latest: Default::default(),
            stuck: Default::default(),
            claimed: Default::default(),
        };
        // So that the topics are read on from where the group is.
        control.catch_up(&control.connect()?, None)?;
        control.adopt_all();
        let indexes = shards.iter().map(|shard| shard.index.clone()).collect();
        Ok((Shards::new(indexes, self.requests.clone()), self.start(control, wanted)?))
    }

    fn start(&self, control: Control, wanted: Wanted) -> Result<Group, OpenError> {
        let membership = Membership {
            config: self.bus,
            group: &self.topic,
            topic: &self.topic,
            session_timeout: self.config.session_timeout.0,
        };
        let (member, shutdown) = (Member::join(&membership, wanted)?, self.shutdown.clone());
        let poll = move || {
            while !shutdown.is_cancelled() {
                member.poll(POLL);
            }
        };
        let indexes = control.shards.iter().map(|shard| shard.index.clone()).collect();
        let (carry_out, ended) = (CarryOut::new(control.requests.clone(), indexes), self.shutdown.clone());
        let carry_out = move || carry_out.run(&ended);
        let folder = OpenError::folder(self.dir);
        let requests = thread::Builder::new().name("index-requests".into()).spawn(carry_out);
        let control = thread::Builder::new().name("index-control".into()).spawn(move || control.run());
        let member = thread::Builder::new().name("index-member".into()).spawn(poll);
        let threads = vec![requests.map_err(&folder)?, control.map_err(&folder)?, member.map_err(&folder)?];
        Ok(Group { shutdown: self.shutdown.clone(), threads })
    }

    fn shard(
        &self,
        number: usize,
        count: usize,
        followers: &broadcast::Sender<Arc<LogBatch>>,
    ) -> Result<Shard, OpenError> {
        let path = self.dir.join("index").join("shards").join(number.to_string());
        let config = share(self.config, number, count as u64);
        let storage = Arc::new(Shared::new(storages::open(&path, &config)?));
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        let ledger = Arc::new(GroupLedger::new(&self.topic, number, storage.clone()));
        let index = Index::open_shared(&path, &config, storage.clone(), ledger.clone(), followers.clone())?;
        Ok(Shard { number, index, ledger, storage })
    }
}

/// Object and size of the newest manifest in a shard's storage.
pub fn newest_manifest(present: &[(String, u64)]) -> Option<(String, u64)> {
    entry::newest(present).map(|entry| (entry.manifest(), entry.bytes))
}

/// Whether an object in a shard's storage is a manifest.
pub fn is_manifest(name: &str) -> bool {
    entry::Entry::of_object(name, 0).is_some_and(|entry| entry.manifest() == name)
}

/// One shard's part of what the configuration allows to all.
fn share(config: &Config, number: usize, count: u64) -> Config {
    let part = |bytes: ByteSize| ByteSize((bytes.0 / count).max(1));
    let mut retention = config.retention;
    retention.bytes = retention.bytes.map(part);
    Config {
        retention,
        storage: config.storage.as_ref().map(|place| format!("{}/{number}", place.trim_end_matches('/'))),
        cache_bytes: part(config.cache_bytes),
        segment_bytes: part(config.segment_bytes),
        ..config.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_have_a_place_of_their_own_and_a_part_of_what_all_may_take() {
        let config = Config {
            storage: Some("s3://bucket/prefix/".into()),
            segment_bytes: ByteSize(100),
            retention: crate::Retention { bytes: Some(ByteSize(3)), ..Config::default().retention },
            ..Config::default()
        };
        let shared = share(&config, 2, 4);
        assert_eq!(shared.storage.as_deref(), Some("s3://bucket/prefix/2"));
        assert_eq!((shared.segment_bytes.0, shared.retention.bytes), (25, Some(ByteSize(1))));
        assert_eq!(shared.retention.age, config.retention.age);
    }
}
