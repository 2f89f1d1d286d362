//! The publisher: what it does when the broker says no.

use bus::Outgoing;
use event::{Event, LogBatch, LogEntry};
use shipper::{Publisher, outlet::Failure};

use crate::support::{MemoryBroker, wait_until};

fn event(position: u64) -> Event {
    let entry = LogEntry { line: format!("{position}").into(), position, ..LogEntry::default() };
    Event::Logs(LogBatch { source: "web1/test".into(), entries: vec![entry], ..LogBatch::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_record_goes_to_the_dead_letter_topic_and_is_acknowledged() {
    let broker = MemoryBroker::new();
    let large = |r: &Outgoing| r.topic == "logs" && event::decode(&r.value).unwrap() == event(2);
    broker.decide(move |r| large(r).then(|| Failure { reason: "too large".into(), refused: true }));
    let publisher = broker.publisher();
    for position in 1..=3 {
        publisher.publish_with_receipt(event(position)).await.await.unwrap();
    }
    assert_eq!(broker.lines(), ["1", "3"]);
    let letters = broker.topic("dead-letter");
    assert_eq!(letters.len(), 1);
    assert!(String::from_utf8_lossy(&letters[0].value).contains("too large"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_sent_again_in_its_order_before_anything_new() {
    let broker = MemoryBroker::new();
    let mut twentieth = 0;
    broker.decide(move |r| {
        // The twentieth record breaks the producer, and again when it is sent again.
        twentieth += i32::from(event::decode(&r.value).unwrap() == event(20));
        (twentieth == 1 || twentieth == 2).then(|| Failure { reason: "fenced".into(), refused: false })
    });
    let publisher = broker.publisher();
    for position in 1..=100 {
        publisher.publish(event(position), || {}).await;
    }
    wait_until("all records", || broker.records().len() >= 100).await;
    publisher.settled().await;
    let positions: Vec<String> = (1..=100).map(|n| n.to_string()).collect();
    assert_eq!(broker.lines(), positions);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_json_codec_writes_one_record_for_each_entry_under_the_key_of_the_source() {
    let broker = MemoryBroker::new();
    let publisher = Publisher::new(Box::new(broker.clone()), bus::Topics::default(), event::Codec::Json);
    let Event::Logs(mut batch) = event(1) else { panic!("no log entries") };
    batch.entries.push(LogEntry { line: "2".into(), position: 2, ..LogEntry::default() });
    publisher.publish_with_receipt(Event::Logs(batch)).await.await.unwrap();
    assert_eq!(broker.lines(), ["1", "2"]);
    let records = broker.topic("logs");
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|r| r.value.starts_with(b"{") && r.key == b"web1/test"));
    assert_eq!(publisher.sent().entries, 2);
}
