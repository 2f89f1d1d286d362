//! What the broker's tests share: a broker in a temporary directory, and rdkafka as its client.

use bus::broker::{Broker, Config};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long any one thing may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Settings for a test: a free port.
pub fn config(dir: &Path) -> Config {
    Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), data_dir: dir.to_owned(), ..Config::default() }
}

/// A broker on a free port.
pub async fn start(dir: &Path) -> Broker {
    Broker::start(config(dir)).await.expect("broker starts")
}

/// Client settings with what every client needs.
pub fn client(addr: SocketAddr) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", addr.to_string()).set("socket.nagle.disable", "true");
    config
}

/// An idempotent producer.
pub fn producer(addr: SocketAddr, settings: &[(&str, &str)]) -> FutureProducer {
    let mut config = client(addr);
    config.set("enable.idempotence", "true").set("linger.ms", "0");
    for (name, value) in settings {
        config.set(*name, *value);
    }
    config.create().expect("producer")
}

/// Sends one record and returns its offset.
pub async fn send(producer: &FutureProducer, topic: &str, value: &str) -> i64 {
    let record = FutureRecord::<(), str>::to(topic).payload(value).partition(0);
    producer.send(record, PATIENCE).await.expect("acknowledged").offset
}

/// A consumer that reads partition 0 of a topic from an offset on, without a group.
pub fn reader(addr: SocketAddr, topic: &str, from: Offset, settings: &[(&str, &str)]) -> BaseConsumer {
    let mut config = client(addr);
    config.set("group.id", "reader").set("enable.auto.commit", "false").set("enable.partition.eof", "false");
    config.set("auto.offset.reset", "earliest").set("fetch.error.backoff.ms", "10");
    for (name, value) in settings {
        config.set(*name, *value);
    }
    let consumer: BaseConsumer = config.create().expect("consumer");
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(topic, 0, from).expect("partition");
    consumer.assign(&partitions).expect("assigned");
    consumer
}

/// The next record.
pub fn next(consumer: &BaseConsumer) -> BorrowedMessage<'_> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        // Passing trouble, such as a broker that restarts, comes as an error and goes.
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            return message;
        }
    }
    panic!("no record in time");
}

/// Offset and value of the next `count` records.
pub fn take(consumer: &BaseConsumer, count: usize) -> Vec<(i64, String)> {
    let text = |message: &BorrowedMessage| {
        String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned()
    };
    (0..count).map(|_| next(consumer)).map(|message| (message.offset(), text(&message))).collect()
}

/// Begin and end of partition 0.
pub fn ends(addr: SocketAddr, topic: &str) -> (i64, i64) {
    let consumer: BaseConsumer = client(addr).create().expect("consumer");
    consumer.fetch_watermarks(topic, 0, PATIENCE).expect("ends")
}
