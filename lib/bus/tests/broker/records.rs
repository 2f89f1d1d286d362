//! Records in and out of the embedded broker, with rdkafka as the client.

use crate::support::*;
use bus::broker::FlushPolicy;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::FutureRecord;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::time::{Duration, Instant};

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

#[tokio::test]
async fn records_come_back_as_they_were_sent_with_every_codec() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    for codec in CODECS {
        let producer = producer(broker.addr(), &[("compression.type", codec)]);
        let value = codec.repeat(1000);
        let headers = OwnedHeaders::new().insert(Header { key: "k", value: Some("v") });
        let record =
            FutureRecord::to(codec).key("key").payload(&value).timestamp(1234567890123).headers(headers);
        producer.send(record, PATIENCE).await.expect("acknowledged");
        let consumer = reader(broker.addr(), codec, Offset::Beginning, &[]);
        let message = next(&consumer);
        assert_eq!(message.payload(), Some(value.as_bytes()), "{codec}");
        assert_eq!(message.key(), Some(&b"key"[..]));
        assert_eq!(message.timestamp().to_millis(), Some(1234567890123));
        assert_eq!(message.headers().map(|headers| headers.count()), Some(1));
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_waiting_reader_gets_a_record_at_once() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    let producer = producer(broker.addr(), &[]);
    send(&producer, "t", "first").await;
    let consumer = reader(broker.addr(), "t", Offset::Beginning, &[("fetch.wait.max.ms", "20000")]);
    assert_eq!(take(&consumer, 1), vec![(0, "first".to_owned())]);
    let mut waits: Vec<Duration> = Vec::new();
    for number in 0..20 {
        let began = Instant::now();
        send(&producer, "t", &number.to_string()).await;
        assert_eq!(take(&consumer, 1), vec![(number + 1, number.to_string())]);
        waits.push(began.elapsed());
    }
    waits.sort();
    assert!(waits[10] < Duration::from_secs(2), "the long poll was not woken: {waits:?}");
    eprintln!("sent to received, median {:?}, longest {:?}", waits[10], waits[19]);
    broker.stop().await;
}

#[tokio::test]
async fn records_and_ends_survive_a_restart_and_many_segments() {
    let dir = tempfile::tempdir().expect("dir");
    let mut settings = config(dir.path());
    settings.segment_bytes = 10_000;
    settings.flush = FlushPolicy::EveryAppend;
    let broker = bus::broker::Broker::start(settings.clone()).await.expect("starts");
    let first = producer(broker.addr(), &[]);
    for number in 0..100 {
        assert_eq!(send(&first, "t", &format!("{number}{}", "x".repeat(500))).await, number);
    }
    broker.stop().await;
    let broker = bus::broker::Broker::start(settings).await.expect("starts again");
    assert_eq!(ends(broker.addr(), "t"), (0, 100));
    let again = producer(broker.addr(), &[]);
    assert_eq!(send(&again, "t", "after").await, 100);
    for start in [0, 37, 99] {
        let got = take(&reader(broker.addr(), "t", Offset::Offset(start), &[]), (101 - start) as usize);
        assert_eq!(
            got.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(),
            (start..101).collect::<Vec<_>>()
        );
        assert!(got[0].1.starts_with(&start.to_string()));
    }
    broker.stop().await;
}

#[tokio::test]
async fn offsets_are_found_by_time_with_every_codec() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    let consumer: BaseConsumer = client(broker.addr()).create().expect("consumer");
    for codec in CODECS {
        let producer = producer(broker.addr(), &[("linger.ms", "50"), ("compression.type", codec)]);
        let value = "v".repeat(1000);
        let sends = (0..10).map(|number| {
            let record = FutureRecord::<(), str>::to(codec).payload(&value).partition(0);
            producer.send(record.timestamp(1000 + number * 10), PATIENCE)
        });
        futures::future::try_join_all(sends).await.expect("acknowledged");
        for (time, expected) in [
            (0, Offset::Offset(0)),
            (1041, Offset::Offset(5)),
            (1050, Offset::Offset(5)),
            (1091, Offset::End),
        ] {
            let mut wanted = TopicPartitionList::new();
            wanted.add_partition_offset(codec, 0, Offset::Offset(time)).expect("partition");
            let found = consumer.offsets_for_times(wanted, PATIENCE).expect("offsets");
            assert_eq!(found.elements()[0].offset(), expected, "{codec} at {time}");
        }
    }
    broker.stop().await;
}
