//! The embedded broker killed at any moment.

use crate::support::start;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseProducer, FutureRecord, Producer};
use rdkafka::topic_partition_list::Offset;
use std::fs::OpenOptions;
use std::io::Write;
use test_support::client::*;
use test_support::node::{Embedded, Node};

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_goes_on_after_kill_9_and_counts_once() {
    let dir = tempfile::tempdir().expect("dir");
    let mut node = Embedded::start(dir.path());
    let producer = transactional(node.addr(), "id", "60000");
    for round in 0..6 {
        write(&producer, "t", &[&round.to_string()]);
        node.crash();
        let ended = match round % 2 {
            0 => producer.commit_transaction(PATIENCE),
            _ => producer.abort_transaction(PATIENCE),
        };
        ended.expect("ended");
    }
    assert_eq!(values(node.addr(), "t", READ_COMMITTED), ["0", "2", "4"]);
}

#[tokio::test]
async fn a_torn_tail_is_cut_off_and_the_rest_is_kept() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    let producer = producer(broker.addr(), &[]);
    send(&producer, "t", "whole").await;
    send(&producer, "t", "torn").await;
    broker.stop().await;

    let path = dir.path().join("topics/t/0/00000000000000000000.log");
    let file = OpenOptions::new().write(true).open(&path).expect("segment");
    file.set_len(file.metadata().expect("size").len() - 3).expect("cut");
    let mut journal =
        OpenOptions::new().append(true).open(dir.path().join("coordinator.log")).expect("journal");
    journal.write_all(b"0123abcd {\"offsets\":{\"gro").expect("torn line");

    let broker = start(dir.path()).await;
    assert_eq!(ends(broker.addr(), "t", 0), (0, 1));
    let again = test_support::client::producer(broker.addr(), &[]);
    assert_eq!(send(&again, "t", "in its place").await, 1);
    let read = read_all(broker.addr(), "t", 0, &[]);
    assert_eq!(read, [(0, "whole".to_owned()), (1, "in its place".to_owned())]);
    broker.stop().await;
}

#[tokio::test]
async fn a_full_disk_refuses_records_and_keeps_those_it_took() {
    let dir = tempfile::tempdir().expect("dir");
    let mut node = Embedded::start_confined(dir.path());
    let once = [("enable.idempotence", "false"), ("message.send.max.retries", "0")];
    let producer = producer(node.addr(), &once);
    let value = "x".repeat(10_000);
    let mut taken = Vec::new();
    let refused = loop {
        let record = FutureRecord::<(), str>::to("t").payload(&value).partition(0);
        match producer.send(record, PATIENCE).await {
            Ok(delivery) => taken.push(delivery.offset),
            Err((error, _)) => break error,
        }
    };
    assert!(taken.len() > 20 && taken.len() < 120, "{} records, then {refused}", taken.len());
    node.crash();
    assert_eq!(values(node.addr(), "t", &[]).len(), taken.len());
    let again = test_support::client::producer(node.addr(), &[]);
    assert_eq!(send(&again, "t", "there is room again").await, taken.len() as i64);
}

/// Copies record `number` from `t` to `out` and commits how far it has read, all in one transaction. The broker is
/// killed at one of three points, the last of them at the same time as the commit.
fn copy(number: i64, producer: &BaseProducer, consumer: &BaseConsumer, node: &mut Embedded) {
    let mut crash = |at: i64| {
        if number % 3 == at {
            node.crash();
        }
    };
    write(producer, "out", &[&number.to_string()]);
    crash(0);
    let (offset, group) = (Offset::Offset(number + 1), consumer.group_metadata().expect("group"));
    producer.send_offsets_to_transaction(&place("t", 0, offset), &group, PATIENCE).expect("sent");
    crash(1);
    std::thread::scope(|scope| {
        scope.spawn(|| crash(2));
        producer.commit_transaction(PATIENCE).expect("committed");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn read_process_write_counts_every_record_once_over_kill_9() {
    const RECORDS: i64 = 12;
    let dir = tempfile::tempdir().expect("dir");
    let mut node = Embedded::start(dir.path());
    let input = producer(node.addr(), &[]);
    for number in 0..RECORDS {
        send(&input, "t", &number.to_string()).await;
    }
    let output = transactional(node.addr(), "copy", "60000");
    let consumer = reader(node.addr(), "t", Offset::Beginning, READ_COMMITTED);
    for number in 0..RECORDS {
        assert_eq!(take(&consumer, 1), [(number, number.to_string())]);
        copy(number, &output, &consumer, &mut node);
    }
    let expected: Vec<String> = (0..RECORDS).map(|number| number.to_string()).collect();
    assert_eq!(values(node.addr(), "out", READ_COMMITTED), expected);
    let committed = consumer.committed(PATIENCE).expect("committed offsets");
    assert_eq!(committed.find_partition("t", 0).expect("partition").offset(), Offset::Offset(RECORDS));
    // A marker follows each record, and nothing else is there: no copy was made twice.
    assert_eq!(ends(node.addr(), "out", 0), (0, 2 * RECORDS));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_group_go_on_where_they_were_after_kill_9() {
    let dir = tempfile::tempdir().expect("dir");
    let mut node = Embedded::start(dir.path());
    let settings = [
        ("group.id", "g"),
        ("auto.offset.reset", "earliest"),
        ("enable.auto.commit", "false"),
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "100"),
    ];
    let consumer: BaseConsumer = client(node.addr(), &settings).create().expect("consumer");
    consumer.subscribe(&["t"]).expect("subscribed");
    for round in 0..4 {
        send(&producer(node.addr(), &[]), "t", &round.to_string()).await;
        // Who still believes to be a member gets the record again when it has joined anew.
        loop {
            assert_eq!(take(&consumer, 1), vec![(round, round.to_string())]);
            match consumer.commit_consumer_state(CommitMode::Sync) {
                Err(error) => assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::UnknownMemberId)),
                Ok(()) => break,
            }
        }
        node.crash();
    }
    let committed = consumer.committed(PATIENCE).expect("committed offsets");
    assert_eq!(committed.find_partition("t", 0).expect("partition").offset(), Offset::Offset(4));
}
