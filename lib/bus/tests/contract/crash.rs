//! A broker that is killed at any moment keeps what it has acknowledged.

use crate::target::{node, options};
use rdkafka::admin::{AdminClient, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use test_support::client::*;
use tokio::sync::watch;

const PARTITIONS: i32 = 3;
/// Records on their way at once.
const WINDOW: usize = 300;

/// Writes numbers, one partition after the other, until it is told to stop.
struct Writer {
    producer: FutureProducer,
    stop: AtomicBool,
    acknowledged: watch::Sender<usize>,
}

impl Writer {
    fn new(addr: &str) -> Writer {
        let producer = producer(addr, &[("message.timeout.ms", "0")]);
        Writer { producer, stop: AtomicBool::new(false), acknowledged: watch::Sender::new(0) }
    }

    fn send(&self, number: usize) -> DeliveryFuture {
        let value = number.to_string();
        let partition = number as i32 % PARTITIONS;
        let record = FutureRecord::<(), str>::to("t").payload(&value).partition(partition);
        self.producer.send_result(record).map_err(|(error, _)| error).expect("queued")
    }

    /// The offset at which each number was acknowledged.
    async fn run(&self) -> Vec<i64> {
        let (mut waiting, mut sent, mut offsets) = (VecDeque::new(), 0, Vec::new());
        loop {
            while waiting.len() < WINDOW && !self.stop.load(Ordering::Relaxed) {
                waiting.push_back(self.send(sent));
                sent += 1;
            }
            let Some(delivery) = waiting.pop_front() else { return offsets };
            let delivery = delivery.await.expect("answered").expect("acknowledged");
            offsets.push(delivery.offset);
            self.acknowledged.send_replace(offsets.len());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_record_is_there_once_and_in_order_after_kill_9_in_a_loop() {
    let dir = tempfile::tempdir().expect("dir");
    let (mut node, kills) = node(&dir);
    let mut random = fastrand::Rng::with_seed(seed());
    create_topic(node.addr()).await;
    let writer = Arc::new(Writer::new(node.addr()));
    let mut acknowledged = writer.acknowledged.subscribe();
    let running = writer.clone();
    let writing = tokio::spawn(async move { running.run().await });
    for _ in 0..kills {
        let enough = *acknowledged.borrow() + random.usize(1..2 * WINDOW);
        acknowledged.wait_for(|count| *count >= enough).await.expect("the writer runs");
        tokio::task::block_in_place(|| node.crash());
    }
    writer.stop.store(true, Ordering::Relaxed);
    let offsets = writing.await.expect("all acknowledged");
    eprintln!("{} records acknowledged over {kills} kills", offsets.len());
    (0..PARTITIONS).for_each(|partition| check(node.addr(), partition, &offsets));
}

async fn create_topic(addr: &str) {
    let topic = NewTopic::new("t", PARTITIONS, TopicReplication::Fixed(1));
    let admin: AdminClient<DefaultClientContext> = client(addr, &[]).create().expect("admin client");
    let created = admin.create_topics([&topic], &options()).await.expect("answered");
    assert_eq!(created, [Ok("t".to_owned())]);
}

/// What was acknowledged for a partition is what is in it: each record in its place, and nothing else.
fn check(addr: &str, partition: i32, offsets: &[i64]) {
    let numbers = (partition as usize..offsets.len()).step_by(PARTITIONS as usize);
    let acknowledged: Vec<(i64, String)> =
        numbers.map(|number| (offsets[number], number.to_string())).collect();
    assert!(acknowledged.iter().map(|(offset, _)| *offset).eq(0..acknowledged.len() as i64), "not in order");
    assert!(read_all(addr, "t", partition, &[]) == acknowledged, "not what was acknowledged");
}

/// Printed, so that a failure can be repeated with TAILRACE_TEST_SEED.
fn seed() -> u64 {
    let asked = std::env::var("TAILRACE_TEST_SEED").ok().map(|text| text.parse().expect("a number"));
    let seed = asked.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("TAILRACE_TEST_SEED={seed}");
    seed
}
