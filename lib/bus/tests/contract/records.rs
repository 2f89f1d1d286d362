//! Records come back as they went in.

use crate::target::Target;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::FutureRecord;
use rdkafka::topic_partition_list::Offset;
use std::time::{Duration, Instant};
use test_support::client::*;

/// For topics whose records have timestamps of long ago.
pub const KEEP_ALL: Settings = &[("retention.ms", "-1")];
/// What producers compress with.
pub const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

#[tokio::test]
async fn records_come_back_as_they_were_sent_with_every_codec() {
    let target = Target::new("codecs").await;
    for codec in CODECS {
        let topic = target.topic(codec, 1, KEEP_ALL).await;
        let producer = producer(&target.addr, &[("compression.type", codec)]);
        let value = codec.repeat(1000);
        let headers = OwnedHeaders::new().insert(Header { key: "k", value: Some("v") });
        let record =
            FutureRecord::to(&topic).key("key").payload(&value).timestamp(1234567890123).headers(headers);
        producer.send(record, PATIENCE).await.expect("acknowledged");
        let consumer = reader(&target.addr, &topic, Offset::Beginning, &[]);
        let message = next(&consumer);
        assert_eq!(message.payload(), Some(value.as_bytes()), "{codec}");
        assert_eq!(message.key(), Some(&b"key"[..]));
        assert_eq!(message.timestamp().to_millis(), Some(1234567890123));
        assert_eq!(message.headers().map(|headers| headers.count()), Some(1));
    }
}

#[tokio::test]
async fn a_reader_that_waits_gets_a_record_at_once() {
    let target = Target::new("wait").await;
    let topic = target.topic("t", 1, &[]).await;
    let producer = producer(&target.addr, &[]);
    send(&producer, &topic, "first").await;
    let long_poll = Duration::from_secs(20);
    let wait_ms = long_poll.as_millis().to_string();
    let consumer = reader(&target.addr, &topic, Offset::Beginning, &[("fetch.wait.max.ms", &wait_ms)]);
    assert_eq!(take(&consumer, 1), [(0, "first".to_owned())]);
    let mut waits: Vec<Duration> = Vec::new();
    for number in 0..20 {
        let began = Instant::now();
        send(&producer, &topic, &number.to_string()).await;
        assert_eq!(take(&consumer, 1), [(number + 1, number.to_string())]);
        waits.push(began.elapsed());
    }
    waits.sort();
    assert!(waits[10] < long_poll / 2, "the long poll was not woken: {waits:?}");
}

#[tokio::test]
async fn a_record_beyond_the_topics_limit_is_refused_and_the_next_one_is_taken() {
    let target = Target::new("large").await;
    let topic = target.topic("t", 1, &[("max.message.bytes", "2000")]).await;
    let producer = producer(&target.addr, &[]);
    let large = "x".repeat(3000);
    let record = FutureRecord::<(), str>::to(&topic).payload(&large).partition(0);
    let (error, _) = producer.send(record, PATIENCE).await.expect_err("too large");
    assert_eq!(error.rdkafka_error_code(), Some(rdkafka::types::RDKafkaErrorCode::MessageSizeTooLarge));
    assert_eq!(send(&producer, &topic, "small").await, 0);
}
