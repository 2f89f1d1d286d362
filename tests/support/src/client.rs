//! rdkafka with the settings that tests want: no waiting where none is needed, partition 0 where none is named.

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, FutureProducer, FutureRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::fmt::Display;
use std::time::{Duration, Instant};

/// How long any one thing may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Settings of librdkafka, by name.
pub type Settings<'a> = &'a [(&'a str, &'a str)];

/// For clients that read only what is committed.
pub const READ_COMMITTED: Settings = &[("isolation.level", "read_committed")];

/// Client settings with what every client needs: a broker that was away is found again soon.
pub fn client(addr: impl Display, settings: Settings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", addr.to_string()).set("socket.nagle.disable", "true");
    config.set("reconnect.backoff.ms", "10").set("reconnect.backoff.max.ms", "50");
    config.set("retry.backoff.ms", "10").set("broker.address.family", "v4");
    for (name, value) in settings {
        config.set(*name, *value);
    }
    config
}

/// An idempotent producer.
pub fn producer(addr: impl Display, settings: Settings) -> FutureProducer {
    let standard: Settings = &[("enable.idempotence", "true"), ("linger.ms", "0")];
    client(addr, &[standard, settings].concat()).create().expect("producer")
}

/// Sends one record and returns its offset.
pub async fn send(producer: &FutureProducer, topic: &str, value: &str) -> i64 {
    let record = FutureRecord::<(), str>::to(topic).payload(value).partition(0);
    producer.send(record, PATIENCE).await.expect("acknowledged").offset
}

/// A transactional producer that is ready; the one before it with the same id is fenced off.
pub fn transactional(addr: impl Display, id: &str, timeout_ms: &str) -> BaseProducer {
    let settings = [("transactional.id", id), ("transaction.timeout.ms", timeout_ms), ("linger.ms", "0")];
    let producer: BaseProducer = client(addr, &settings).create().expect("producer");
    producer.init_transactions(PATIENCE).expect("initialized");
    producer
}

/// Begins a transaction and puts these records into it.
pub fn write(producer: &BaseProducer, topic: &str, values: &[&str]) {
    producer.begin_transaction().expect("begun");
    for value in values {
        let record = BaseRecord::<(), str>::to(topic).payload(*value).partition(0);
        producer.send(record).map_err(|(error, _)| error).expect("queued");
    }
    producer.flush(PATIENCE).expect("flushed");
}

/// A consumer that reads one partition from an offset on, without a group.
pub fn reader(addr: impl Display, topic: &str, from: Offset, settings: Settings) -> BaseConsumer {
    let standard: Settings = &[
        ("group.id", "reader"),
        ("enable.auto.commit", "false"),
        ("auto.offset.reset", "earliest"),
        ("fetch.error.backoff.ms", "10"),
    ];
    let consumer: BaseConsumer = client(addr, &[standard, settings].concat()).create().expect("consumer");
    consumer.assign(&place(topic, 0, from)).expect("assigned");
    consumer
}

/// A list of one partition with its offset.
pub fn place(topic: &str, partition: i32, offset: Offset) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, offset).expect("partition");
    list
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
    (0..count).map(|_| content(&next(consumer))).collect()
}

/// Offset and value of all records of a partition, up to its end.
pub fn read_all(addr: impl Display, topic: &str, partition: i32, settings: Settings) -> Vec<(i64, String)> {
    let settings = [settings, &[("enable.partition.eof", "true")]].concat();
    let consumer = reader(addr, topic, Offset::Beginning, &settings);
    consumer.assign(&place(topic, partition, Offset::Beginning)).expect("assigned");
    let (mut records, end) = (Vec::new(), Instant::now() + PATIENCE);
    while Instant::now() < end {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => records.push(content(&message)),
            Some(Err(KafkaError::PartitionEOF(_))) => return records,
            // Passing trouble, or nothing yet.
            Some(Err(_)) | None => {}
        }
    }
    panic!("no end in time, after {} records", records.len());
}

/// The values of all records of partition 0.
pub fn values(addr: impl Display, topic: &str, settings: Settings) -> Vec<String> {
    read_all(addr, topic, 0, settings).into_iter().map(|(_, value)| value).collect()
}

fn content(message: &BorrowedMessage) -> (i64, String) {
    (message.offset(), String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned())
}

/// Begin and end of a partition.
pub fn ends(addr: impl Display, topic: &str, partition: i32) -> (i64, i64) {
    let consumer: BaseConsumer = client(addr, &[]).create().expect("consumer");
    consumer.fetch_watermarks(topic, partition, PATIENCE).expect("ends")
}
