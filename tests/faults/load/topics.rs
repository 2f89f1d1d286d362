//! Topics that nobody but the load has, through plain Kafka clients: of one the beginning is deleted over and over, one
//! is compacted, and offsets are committed with texts so long that the broker's journal is soon rewritten.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use bus::{Consumer, ConsumerBuilder, Offsets};
use parking_lot::Mutex;
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    message::{BorrowedMessage, Message},
    producer::{FutureProducer, FutureRecord},
    topic_partition_list::Offset,
};
use test_support::client::{self, place};
use tokio::task::JoinSet;

use super::PAUSE;
use crate::layout::Layout;

const TRIMMED: &str = "faults-trimmed";
const COMPACTED: &str = "faults-compacted";
const GROUP: &str = "faults-commits";
/// Only the first has records; all have committed offsets.
const PARTITIONS: i32 = 8;
/// Records that stay when the beginning is deleted.
const KEPT: i64 = 100;
const KEYS: i64 = 8;
/// Bytes of a record, and of the text of an offset.
const PADDING: usize = 400;
const TEXT: usize = 4_000;
const TIMEOUT: Duration = Duration::from_secs(600);
/// For reading a topic to its end.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// What was acknowledged.
pub struct Topics {
    bus: bus::Config,
    /// The next number of either topic, which is its offset too.
    trimmed: AtomicI64,
    compacted: AtomicI64,
    /// What was asked to be deleted lies before this.
    begin: AtomicI64,
    committed: AtomicI64,
    wrong: Mutex<Option<String>>,
}

impl Topics {
    /// Creates the topics.
    pub async fn create(bus: bus::Config, layout: Layout) -> Topics {
        let topics = [
            topic(TRIMMED, layout),
            topic(COMPACTED, layout)
                .set("cleanup.policy", "compact")
                .set("min.cleanable.dirty.ratio", "0.01"),
        ];
        let created = admin(&bus).create_topics(&topics, &AdminOptions::new()).await.expect("answered");
        assert!(created.iter().all(Result::is_ok), "{created:?}");
        Topics {
            bus,
            trimmed: AtomicI64::new(0),
            compacted: AtomicI64::new(0),
            begin: AtomicI64::new(0),
            committed: AtomicI64::new(0),
            wrong: Mutex::default(),
        }
    }

    /// Starts all writers.
    pub fn start(self: &Arc<Self>, tasks: &mut JoinSet<()>) {
        let (one, two, three, four) = (self.clone(), self.clone(), self.clone(), Arc::downgrade(self));
        tasks.spawn(async move { one.write(TRIMMED, &one.trimmed).await });
        tasks.spawn(async move { two.write(COMPACTED, &two.compacted).await });
        tasks.spawn(async move { three.trim().await });
        std::thread::spawn(move || Topics::commit(&four));
    }

    /// Sends each number once: that it is there once, at its offset, is up to the client and the broker.
    async fn write(&self, topic: &str, next: &AtomicI64) {
        let settings = [("message.timeout.ms", "600000")];
        let producer: FutureProducer = client::producer(&self.bus.brokers, &settings);
        for number in 0.. {
            let (key, value) = ((number % KEYS).to_string(), format!("{number} {}", "x".repeat(PADDING)));
            let record = FutureRecord::to(topic).key(&key).payload(&value).partition(0);
            match producer.send(record, TIMEOUT).await {
                Ok(delivery) if delivery.offset == number => next.store(number + 1, Ordering::SeqCst),
                other => drop(self.wrong.lock().get_or_insert(format!("{topic}: {number}: {other:?}"))),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn trim(&self) {
        let admin = admin(&self.bus);
        loop {
            let before = (self.trimmed.load(Ordering::SeqCst) - KEPT).max(0);
            self.begin.store(before, Ordering::SeqCst);
            // Without an answer the next one does it.
            let list = place(TRIMMED, 0, Offset::Offset(before));
            let _ = admin.delete_records(&list, &AdminOptions::new()).await;
            tokio::time::sleep(PAUSE * 10).await;
        }
    }

    /// Has a thread of its own: a commit waits for the broker for as long as it is away, also when the test is over.
    fn commit(topics: &Weak<Topics>) {
        let (text, mut consumer) = ("x".repeat(TEXT), None);
        let mut next = 1;
        while let Some(topics) = topics.upgrade() {
            let mut offsets = Offsets::default();
            (0..PARTITIONS).for_each(|partition| offsets.set(TRIMMED, partition, next));
            if topics.commit_once(&mut consumer, &offsets, &text) {
                topics.committed.store(next, Ordering::SeqCst);
                next += 1;
            }
            std::thread::park_timeout(PAUSE);
        }
    }

    fn commit_once(&self, consumer: &mut Option<Consumer>, offsets: &Offsets, text: &str) -> bool {
        if consumer.is_none() {
            *consumer = self.consumer();
        }
        consumer.as_ref().is_some_and(|consumer| consumer.commit(offsets, text).is_ok())
    }

    fn consumer(&self) -> Option<Consumer> {
        let builder =
            ConsumerBuilder { config: &self.bus, group: GROUP, topics: &[TRIMMED], queue_kib: 1024 };
        Consumer::open(&builder).ok()
    }

    /// Whether everything that was acknowledged is there, at its place, and was not deleted before it was asked for;
    /// blocks.
    pub fn judge(&self) -> Result<bool, String> {
        if let Some(wrong) = self.wrong.lock().clone() {
            return Err(wrong);
        }
        let committed = self.committed.load(Ordering::SeqCst);
        let found = self.consumer().and_then(|consumer| consumer.committed().ok());
        let Some(found) = found else { return Ok(false) };
        if let Some((partition, offset, _)) = found.iter().find(|(_, offset, _)| *offset < committed) {
            return Err(format!("{GROUP}: {partition:?} stands at {offset}, {committed} was committed"));
        }
        let (trimmed, compacted) =
            (self.read(TRIMMED, &self.trimmed)?, self.read(COMPACTED, &self.compacted)?);
        let (Some(trimmed), Some(compacted)) = (trimmed, compacted) else { return Ok(false) };
        // Asked after the answer: it may be further by now, and never behind.
        let begin = self.begin.load(Ordering::SeqCst);
        if trimmed.first().is_some_and(|first| *first > begin) {
            return Err(format!(
                "{TRIMMED}: begins at {:?}, all from {begin} on has to be there",
                trimmed.first()
            ));
        }
        // Of each key the newest is there. Compaction may be quicker than this reader: then it reads again.
        let newest = compacted.iter().rev().take(KEYS as usize);
        let last = compacted.last().copied().unwrap_or_default();
        Ok(newest.zip(0..).all(|(number, at)| *number == last - at))
    }

    /// The numbers that a topic has, each of which is at its offset, up to all that were acknowledged before; `None` when
    /// they do not come.
    fn read(&self, topic: &str, next: &AtomicI64) -> Result<Option<Vec<i64>>, String> {
        let (end, deadline) = (next.load(Ordering::SeqCst), Instant::now() + PATIENCE);
        let reader = client::reader(&self.bus.brokers, topic, Offset::Beginning, &[]);
        let mut numbers = Vec::new();
        while numbers.last().map_or(0, |last| last + 1) < end {
            if Instant::now() > deadline {
                return Ok(None);
            }
            if let Some(Ok(message)) = reader.poll(POLL) {
                numbers.push(number(&message)?);
            }
        }
        let is_whole = topic != TRIMMED || has_no_gap(&numbers, self.begin.load(Ordering::SeqCst))?;
        Ok(is_whole.then_some(numbers))
    }
}

/// Whether each number follows on the one before; no, when the reader was overtaken by what was asked to be deleted:
/// all below `begin`.
fn has_no_gap(numbers: &[i64], begin: i64) -> Result<bool, String> {
    match numbers.windows(2).find(|pair| pair[1] != pair[0] + 1) {
        Some(pair) if pair[1] > begin => Err(format!("{TRIMMED}: {} follows on {}", pair[1], pair[0])),
        gap => Ok(gap.is_none()),
    }
}

/// What a record says, which has to be its offset.
fn number(message: &BorrowedMessage) -> Result<i64, String> {
    let text = std::str::from_utf8(message.payload().unwrap_or_default()).unwrap_or_default();
    let number = text.split(' ').next().and_then(|n| n.parse().ok());
    let (topic, offset) = (message.topic(), message.offset());
    number.filter(|number| *number == offset).ok_or(format!("{topic}: {number:?} stands at {offset}"))
}

fn topic(name: &str, layout: Layout) -> NewTopic<'_> {
    let topic = NewTopic::new(name, PARTITIONS, TopicReplication::Fixed(1));
    topic.set("segment.bytes", layout.smallest_segment())
}

fn admin(bus: &bus::Config) -> AdminClient<DefaultClientContext> {
    client::client(&bus.brokers, &[]).create().expect("admin client")
}

#[test]
fn a_gap_is_wrong_unless_what_it_lacks_was_asked_to_be_deleted() {
    assert_eq!((has_no_gap(&[3, 4, 5], 0), has_no_gap(&[3, 6, 7], 6)), (Ok(true), Ok(false)));
    assert!(has_no_gap(&[3, 6, 7], 5).unwrap_err().contains("6 follows on 3"));
}
