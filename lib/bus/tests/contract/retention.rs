//! Retention: what is too old or too much goes, whole segments at a time; of a compacted topic what is outdated.

use crate::target::Target;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use test_support::client::*;

const HOUR_MS: i64 = 3_600_000;

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64
}

/// One record of each time, in one batch: no look for what is too old comes between them.
async fn send_as_of(target: &Target, topic: &str, times_ms: &[i64]) {
    let until_flush = ("linger.ms", "60000");
    let producer = producer(&target.addr, &[until_flush]);
    let send = |time_ms: &i64| {
        let record = FutureRecord::<(), str>::to(topic).payload("v").partition(0).timestamp(*time_ms);
        producer.send_result(record).map_err(|(error, _)| error).expect("queued")
    };
    let sent: Vec<_> = times_ms.iter().map(send).collect();
    producer.flush(PATIENCE).expect("flushed");
    for delivery in sent {
        delivery.await.expect("answered").expect("acknowledged");
    }
}

async fn wait_for_begin(target: &Target, topic: &str, begin: i64) {
    let deadline = Instant::now() + PATIENCE;
    while ends(&target.addr, topic, 0).0 != begin {
        assert!(Instant::now() < deadline, "begins at {}", ends(&target.addr, topic, 0).0);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn records_go_when_they_are_too_old_and_stay_when_a_newer_one_is_beside_them() {
    let target = Target::new("age").await;
    let settings = [("retention.ms", "600000")];
    let (old, mixed) = (target.topic("old", 1, &settings).await, target.topic("mixed", 1, &settings).await);
    let hour_ago = now_ms() - HOUR_MS;
    send_as_of(&target, &mixed, &[hour_ago, now_ms()]).await;
    send_as_of(&target, &old, &[hour_ago; 3]).await;
    wait_for_begin(&target, &old, 3).await;
    assert_eq!(ends(&target.addr, &old, 0), (3, 3));
    assert_eq!(ends(&target.addr, &mixed, 0), (0, 2));
    assert_eq!(send(&producer(&target.addr, &[]), &old, "next").await, 3);
}

/// One record fills most of a segment, so each has one of its own.
#[tokio::test]
async fn the_oldest_segments_go_when_the_log_is_larger_than_it_may_be() {
    let target = Target::new("size").await;
    let settings = [("segment.bytes", "1048576"), ("retention.bytes", "1000000"), ("retention.ms", "-1")];
    let topic = target.topic("t", 1, &settings).await;
    let producer = producer(&target.addr, &[]);
    let value = "x".repeat(700_000);
    for _ in 0..5 {
        send(&producer, &topic, &value).await;
    }
    wait_for_begin(&target, &topic, 3).await;
    assert_eq!(ends(&target.addr, &topic, 0), (3, 5));
}

/// The newest segment is left alone, so a last record comes behind those that are looked at.
#[tokio::test]
async fn a_compacted_topic_keeps_the_last_record_of_each_key_at_its_offset() {
    let target = Target::new("compact").await;
    let settings = [("cleanup.policy", "compact"), ("segment.ms", "100"), ("min.cleanable.dirty.ratio", "0")];
    let topic = target.topic("t", 1, &settings).await;
    let producer = producer(&target.addr, &[]);
    for (key, value) in [("a", "1"), ("b", "1"), ("a", "2"), ("b", "2"), ("a", "3")] {
        send_keyed(&producer, &topic, key, value).await;
    }
    let expected = [(3, "2".to_owned()), (4, "3".to_owned())];
    let deadline = Instant::now() + PATIENCE;
    loop {
        send_keyed(&producer, &topic, "last", "last").await;
        let mut records = read_all(&target.addr, &topic, 0, &[]);
        records.retain(|(_, value)| value != "last");
        if records == expected {
            break;
        }
        assert!(Instant::now() < deadline, "not compacted in time: {records:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn send_keyed(producer: &FutureProducer, topic: &str, key: &str, value: &str) {
    let record = FutureRecord::to(topic).key(key).payload(value).partition(0);
    producer.send(record, PATIENCE).await.expect("acknowledged");
}
