//! Reads topics from given offsets on. Blocking: whoever reads has a thread of its own.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerGroupMetadata},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
};

use crate::{Config, Error, Offsets, Partition, admin};

const BROKER_TIMEOUT: Duration = Duration::from_secs(10);

/// Before a partition without a leader is asked again.
const LEADER_PAUSE: Duration = Duration::from_millis(50);

/// One record, as it came.
#[derive(Clone, Debug)]
pub struct Record {
    /// Topic.
    pub topic: String,
    /// Number of the partition.
    pub partition: i32,
    /// Offset within the partition.
    pub offset: i64,
    /// When it was written, by the clock of its writer: milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Key; empty if it has none.
    pub key: Bytes,
    /// Content.
    pub value: Bytes,
}

/// Where to begin in a partition of which no offset is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first record that is still there.
    Earliest,
    /// Behind the last one.
    Latest,
}

/// What to read, for [`Consumer::open`].
pub struct ConsumerBuilder<'a> {
    /// How to reach the brokers.
    pub config: &'a Config,
    /// Name under which offsets are committed.
    pub group: &'a str,
    /// All of their partitions are read.
    pub topics: &'a [&'a str],
    /// Bytes that may wait in memory, in KiB.
    pub queue_kib: u32,
}

/// Reads every partition of its topics.
pub struct Consumer {
    inner: BaseConsumer,
    partitions: Vec<Partition>,
}

impl Consumer {
    /// Connects and looks up the partitions; reads nothing before [`Consumer::start`].
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn open(builder: &ConsumerBuilder<'_>) -> Result<Self, Error> {
        let mut client = builder.config.client();
        client.set("group.id", builder.group).set("enable.auto.commit", "false");
        client.set("auto.offset.reset", "earliest").set("isolation.level", "read_committed");
        client.set("queued.max.messages.kbytes", builder.queue_kib.to_string());
        // Look again soon when the queue was full: the default is a whole second.
        client.set("fetch.queue.backoff.ms", "20").set("fetch.error.backoff.ms", "100");
        client.set("fetch.message.max.bytes", "4194304");
        let inner: BaseConsumer = client.create().map_err(Error::Settings)?;
        let mut partitions = Vec::new();
        for topic in builder.topics {
            partitions.extend(admin::partitions(&inner, &builder.config.brokers, topic)?);
        }
        Ok(Consumer { inner, partitions })
    }

    /// The partitions that are read.
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// Begins to read at `offsets`, and at `start` in partitions that are not among them.
    ///
    /// # Errors
    /// When librdkafka refuses the assignment.
    pub fn start(&self, offsets: &Offsets, start: Start) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        for (topic, partition) in &self.partitions {
            let at = match (offsets.get(topic, *partition), start) {
                (Some(next), _) => Offset::Offset(next),
                (None, Start::Earliest) => Offset::Beginning,
                (None, Start::Latest) => Offset::End,
            };
            list.add_partition_offset(topic, *partition, at)?;
        }
        Ok(self.inner.assign(&list)?)
    }

    /// The records that have arrived, at least one unless `timeout` passes, at most `max`.
    ///
    /// # Errors
    /// When reading fails for good; a broker that is away is waited for.
    pub fn poll(&self, timeout: Duration, max: usize) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        let mut wait = timeout;
        while records.len() < max {
            match self.inner.poll(wait) {
                Some(Ok(message)) => records.push(record(&message)),
                Some(Err(error)) if is_passing(&error) => tracing::debug!(%error, "kafka, passing"),
                Some(Err(error)) => return Err(error.into()),
                None => break,
            }
            wait = Duration::ZERO;
        }
        Ok(records)
    }

    /// Reads no more of the partitions in `wanted`, and again of the others in `held`, where that was asked before.
    ///
    /// # Errors
    /// When librdkafka has no assignment.
    pub fn hold(&self, held: &BTreeSet<Partition>, wanted: &BTreeSet<Partition>) -> Result<(), Error> {
        let (paused, resumed) = (list(wanted.difference(held)), list(held.difference(wanted)));
        if paused.count() > 0 {
            self.inner.pause(&paused)?;
        }
        if resumed.count() > 0 {
            self.inner.resume(&resumed)?;
        }
        Ok(())
    }

    /// The next offset of each partition that was read from, as of the last [`Consumer::poll`]. This passes over
    /// what holds no record, as do the marks with which transactions end.
    ///
    /// # Errors
    /// When librdkafka has no assignment.
    pub fn position(&self) -> Result<Offsets, Error> {
        Ok(Offsets::from_list(&self.inner.position()?))
    }

    /// Whether all that lies between `from`, where reading began, and `ends` was read or is gone. It asks the
    /// broker as long as that is not so.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn has_read(&self, from: &Offsets, ends: &Offsets) -> Result<bool, Error> {
        let mut read = self.position()?;
        read.raise(from);
        if !read.reached(ends) {
            // Where records have been deleted, reading goes on at the first that is left.
            read.raise(&self.offsets_at(Offset::Beginning, BROKER_TIMEOUT)?);
        }
        Ok(read.reached(ends))
    }

    /// The committed offsets of the group, each with the text that was committed with it.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn committed(&self) -> Result<Vec<(Partition, i64, String)>, Error> {
        let list = self.inner.committed_offsets(list(&self.partitions), BROKER_TIMEOUT)?;
        let known = list.elements().into_iter().filter_map(|e| match e.offset() {
            Offset::Offset(next) => {
                Some(((e.topic().to_owned(), e.partition()), next, e.metadata().to_owned()))
            }
            _ => None,
        });
        Ok(known.collect())
    }

    /// Commits for the group, with a text of the caller's.
    ///
    /// # Errors
    /// When the broker refuses it or does not answer.
    pub fn commit(&self, offsets: &Offsets, text: &str) -> Result<(), Error> {
        Ok(self.inner.commit(&offsets.to_list(text)?, CommitMode::Sync)?)
    }

    /// For committing the group's offsets within a transaction.
    pub(crate) fn group(&self) -> Result<ConsumerGroupMetadata, Error> {
        self.inner.group_metadata().ok_or(Error::Closed)
    }

    /// The ends of all partitions now: what was acknowledged before this call lies below them.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn ends(&self, timeout: Duration) -> Result<Offsets, Error> {
        self.offsets_at(Offset::End, timeout)
    }

    /// For each partition the offset of the first record written at `timestamp_ms` or later, or the end.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn offsets_by_time(&self, timestamp_ms: i64) -> Result<Offsets, Error> {
        let found = self.offsets_at(Offset::Offset(timestamp_ms.max(0)), BROKER_TIMEOUT)?;
        let mut all = self.ends(BROKER_TIMEOUT)?;
        for ((topic, partition), next) in found.iter() {
            all.set(topic, *partition, next);
        }
        Ok(all)
    }

    fn offsets_at(&self, at: Offset, timeout: Duration) -> Result<Offsets, Error> {
        let mut list = list(&self.partitions);
        list.set_all_offsets(at)?;
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.inner.offsets_for_times(list.clone(), left) {
                Err(error) if has_no_leader(&error) && left > LEADER_PAUSE => {
                    // Nobody tells when there is one.
                    std::thread::park_timeout(LEADER_PAUSE);
                }
                found => return Ok(Offsets::from_list(&found?)),
            }
        }
    }
}

/// A partition that was just made has no leader for a moment, and one whose leader goes.
fn has_no_leader(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{LeaderNotAvailable, NotLeaderForPartition};
    matches!(error.rdkafka_error_code(), Some(LeaderNotAvailable | NotLeaderForPartition))
}

fn list<'a>(partitions: impl IntoIterator<Item = &'a Partition>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in partitions {
        list.add_partition(topic, *partition);
    }
    list
}

/// A broker that restarts or a leader that moves; librdkafka tries again by itself.
fn is_passing(error: &rdkafka::error::KafkaError) -> bool {
    use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
    match error {
        KafkaError::MessageConsumption(code) => !matches!(
            code,
            Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::UnknownTopic
                | Code::Fatal
        ),
        KafkaError::PartitionEOF(_) => true,
        _ => false,
    }
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let copy = |bytes: Option<&[u8]>| Bytes::copy_from_slice(bytes.unwrap_or_default());
    Record {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis().unwrap_or_default(),
        key: copy(message.key()),
        value: copy(message.payload()),
    }
}
