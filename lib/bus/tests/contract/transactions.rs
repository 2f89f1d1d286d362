//! Transactions: all records and offsets of one count, or none.

use crate::groups::{member, poll_until};
use crate::target::Target;
use kafka_protocol::messages::ApiKey;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::topic_partition_list::Offset;
use test_support::client::*;
use test_support::proxy::Proxy;

const MINUTE: &str = "60000";

#[tokio::test(flavor = "multi_thread")]
async fn aborted_records_are_invisible_and_committed_ones_are_not() {
    let target = Target::new("aborted").await;
    let topic = target.topic("t", 1, &[]).await;
    let producer = transactional(&target.addr, &target.name("id"), MINUTE);
    write(&producer, &topic, &["a", "b"]);
    producer.commit_transaction(PATIENCE).expect("committed");
    write(&producer, &topic, &["never", "nor this"]);
    producer.abort_transaction(PATIENCE).expect("aborted");
    write(&producer, &topic, &["c"]);
    producer.commit_transaction(PATIENCE).expect("committed");
    assert_eq!(values(&target.addr, &topic, READ_COMMITTED), ["a", "b", "c"]);
    let all = values(&target.addr, &topic, &[("isolation.level", "read_uncommitted")]);
    assert_eq!(all, ["a", "b", "never", "nor this", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_committed_records_stop_before_an_open_transaction() {
    let target = Target::new("open").await;
    let topic = target.topic("t", 1, &[]).await;
    let plain = producer(&target.addr, &[]);
    send(&plain, &topic, "before").await;
    let open = transactional(&target.addr, &target.name("id"), MINUTE);
    write(&open, &topic, &["open"]);
    send(&plain, &topic, "after").await;
    assert_eq!(values(&target.addr, &topic, READ_COMMITTED), ["before"]);
    open.commit_transaction(PATIENCE).expect("committed");
    assert_eq!(values(&target.addr, &topic, READ_COMMITTED), ["before", "open", "after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_are_committed_with_the_records_or_not_at_all() {
    let target = Target::new("with-offsets").await;
    let topic = target.topic("t", 1, &[]).await;
    let producer = transactional(&target.addr, &target.name("id"), MINUTE);
    let group = [("group.id", target.name("g"))];
    let group: Vec<_> = group.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let consumer = reader(&target.addr, &topic, Offset::Beginning, &group);
    let committed = || consumer.committed(PATIENCE).expect("answered").elements()[0].offset();
    write(&producer, &topic, &["a"]);
    send_offset(&producer, &consumer, &topic, 5).expect("sent");
    producer.abort_transaction(PATIENCE).expect("aborted");
    assert_eq!(committed(), Offset::Invalid);
    write(&producer, &topic, &["a"]);
    send_offset(&producer, &consumer, &topic, 7).expect("sent");
    producer.commit_transaction(PATIENCE).expect("committed");
    assert_eq!(committed(), Offset::Offset(7));
}

fn send_offset(from: &BaseProducer, of: &BaseConsumer, topic: &str, offset: i64) -> Result<(), KafkaError> {
    let group = of.group_metadata().expect("group metadata");
    from.send_offsets_to_transaction(&place(topic, 0, Offset::Offset(offset)), &group, PATIENCE)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_incarnation_fences_off_the_old_one_and_aborts_its_transaction() {
    let target = Target::new("fence").await;
    let (topic, id) = (target.topic("t", 1, &[]).await, target.name("id"));
    let old = transactional(&target.addr, &id, MINUTE);
    write(&old, &topic, &["from the old one"]);
    let new = transactional(&target.addr, &id, MINUTE);
    write(&new, &topic, &["from the new one"]);
    let error = old.commit_transaction(PATIENCE).expect_err("fenced");
    let KafkaError::Transaction(error) = error else { panic!("{error}") };
    assert!(error.is_fatal() && error.code() == RDKafkaErrorCode::Fenced, "{error}");
    new.commit_transaction(PATIENCE).expect("committed");
    assert_eq!(values(&target.addr, &topic, READ_COMMITTED), ["from the new one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_transaction_is_aborted() {
    let target = Target::new("overdue").await;
    let topic = target.topic("t", 1, &[]).await;
    let slow = transactional(&target.addr, &target.name("id"), "1000");
    write(&slow, &topic, &["too slow"]);
    send(&producer(&target.addr, &[]), &topic, "after").await;
    let consumer = reader(&target.addr, &topic, Offset::Beginning, READ_COMMITTED);
    // Where it stands depends on which was quicker: it, or the mark of the abort.
    assert_eq!(take(&consumer, 1)[0].1, "after");
    assert!(slow.commit_transaction(PATIENCE).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_was_cut_off_counts_once() {
    let target = Target::new("cut-commit").await;
    let topic = target.topic("t", 1, &[]).await;
    let proxy = Proxy::start(&target.addr);
    let producer = transactional(proxy.addr(), &target.name("id"), MINUTE);
    let steps = [
        ApiKey::AddPartitionsToTxn,
        ApiKey::Produce,
        ApiKey::AddOffsetsToTxn,
        ApiKey::TxnOffsetCommit,
        ApiKey::EndTxn,
    ];
    let consumer = reader(&target.addr, &topic, Offset::Beginning, &[]);
    for step in steps {
        proxy.lose_next_answer(step as i16);
        write(&producer, &topic, &[&format!("{step:?}")]);
        send_offset(&producer, &consumer, &topic, 1).expect("sent");
        producer.commit_transaction(PATIENCE).expect("committed");
    }
    assert_eq!(proxy.lost(), steps.len());
    let expected: Vec<String> = steps.iter().map(|step| format!("{step:?}")).collect();
    assert_eq!(values(&target.addr, &topic, READ_COMMITTED), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_was_replaced_cannot_commit_its_transaction() {
    let target = Target::new("zombie").await;
    let (input, output) = (target.topic("in", 1, &[]).await, target.topic("out", 1, &[]).await);
    let zombie = member(&target, &input, &[]);
    poll_until(&[&zombie], &[1]);
    let producer = transactional(&target.addr, &target.name("id"), MINUTE);
    write(&producer, &output, &["from the zombie"]);
    let group = zombie.group_metadata().expect("group metadata");
    drop(zombie);
    let newer = member(&target, &input, &[]);
    poll_until(&[&newer], &[1]);
    let late = producer.send_offsets_to_transaction(&place(&input, 0, Offset::Offset(1)), &group, PATIENCE);
    let KafkaError::Transaction(error) = late.expect_err("refused") else { panic!("another error") };
    assert!(error.txn_requires_abort(), "{error}");
    producer.abort_transaction(PATIENCE).expect("aborted");
    assert!(values(&target.addr, &output, READ_COMMITTED).is_empty());
}

/// Each incarnation copies two records in a transaction, begins another, and is gone without a word.
#[tokio::test(flavor = "multi_thread")]
async fn read_process_write_is_resumed_and_counts_every_record_once() {
    const INCARNATIONS: usize = 4;
    let target = Target::new("resume").await;
    let (input, output) = (target.topic("in", 1, &[]).await, target.topic("out", 1, &[]).await);
    let plain = producer(&target.addr, &[]);
    for number in 0..2 * INCARNATIONS + 1 {
        send(&plain, &input, &number.to_string()).await;
    }
    for _ in 0..INCARNATIONS {
        let copier = transactional(&target.addr, &target.name("copy"), MINUTE);
        let consumer = member(&target, &input, READ_COMMITTED);
        copy(&copier, &consumer, &input, &output, 2);
        copier.commit_transaction(PATIENCE).expect("committed");
        copy(&copier, &consumer, &input, &output, 1);
    }
    transactional(&target.addr, &target.name("copy"), MINUTE);
    let expected: Vec<String> = (0..2 * INCARNATIONS).map(|number| number.to_string()).collect();
    assert_eq!(values(&target.addr, &output, READ_COMMITTED), expected);
}

/// Begins a transaction that has the next records and how far they go.
fn copy(copier: &BaseProducer, consumer: &BaseConsumer, input: &str, output: &str, count: usize) {
    let records = take(consumer, count);
    let values: Vec<&str> = records.iter().map(|(_, value)| value.as_str()).collect();
    write(copier, output, &values);
    send_offset(copier, consumer, input, records[count - 1].0 + 1).expect("sent");
}
