//! Transactions of the embedded broker, with rdkafka as the client.

use crate::support::{self, *};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::net::SocketAddr;

fn transactional(addr: SocketAddr, id: &str, timeout_ms: &str) -> BaseProducer {
    let mut config = client(addr);
    config.set("transactional.id", id).set("transaction.timeout.ms", timeout_ms).set("linger.ms", "0");
    let producer: BaseProducer = config.create().expect("producer");
    producer.init_transactions(PATIENCE).expect("initialized");
    producer
}

fn put(producer: &BaseProducer, value: &str) {
    let record = BaseRecord::<(), str>::to("t").payload(value).partition(0);
    producer.send(record).map_err(|(error, _)| error).expect("queued");
}

fn write(producer: &BaseProducer, values: &[&str]) {
    producer.begin_transaction().expect("begun");
    values.iter().for_each(|value| put(producer, value));
    producer.flush(PATIENCE).expect("flushed");
}

fn committed(addr: SocketAddr) -> BaseConsumer {
    reader(addr, "t", Offset::Beginning, &[("isolation.level", "read_committed")])
}

fn values(records: Vec<(i64, String)>) -> Vec<String> {
    records.into_iter().map(|(_, value)| value).collect()
}

fn group(consumer: &BaseConsumer) -> ConsumerGroupMetadata {
    consumer.group_metadata().expect("group metadata")
}

fn offset(offset: i64) -> TopicPartitionList {
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset("t", 0, Offset::Offset(offset)).expect("partition");
    offsets
}

fn committed_offset(consumer: &BaseConsumer) -> Offset {
    let offsets = consumer.committed(PATIENCE).expect("committed offsets");
    offsets.find_partition("t", 0).expect("partition").offset()
}

#[tokio::test(flavor = "multi_thread")]
async fn aborted_records_are_invisible_and_committed_ones_are_not() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    let producer = transactional(broker.addr(), "id", "10000");
    write(&producer, &["a", "b"]);
    producer.commit_transaction(PATIENCE).expect("committed");
    write(&producer, &["never", "nor this"]);
    producer.abort_transaction(PATIENCE).expect("aborted");
    write(&producer, &["c"]);
    producer.commit_transaction(PATIENCE).expect("committed");
    assert_eq!(values(take(&committed(broker.addr()), 3)), ["a", "b", "c"]);
    let uncommitted =
        reader(broker.addr(), "t", Offset::Beginning, &[("isolation.level", "read_uncommitted")]);
    assert_eq!(values(take(&uncommitted, 5)), ["a", "b", "never", "nor this", "c"]);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_committed_records_stop_before_an_open_transaction() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    send(&support::producer(broker.addr(), &[]), "t", "before").await;
    let open = transactional(broker.addr(), "id", "60000");
    write(&open, &["open"]);
    send(&support::producer(broker.addr(), &[]), "t", "after").await;
    let consumer = committed(broker.addr());
    assert_eq!(values(take(&consumer, 1)), ["before"]);
    assert_eq!(consumer.fetch_watermarks("t", 0, PATIENCE).expect("ends"), (0, 1));
    open.commit_transaction(PATIENCE).expect("committed");
    assert_eq!(values(take(&consumer, 2)), ["open", "after"]);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_are_committed_with_the_records_or_not_at_all() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    let producer = transactional(broker.addr(), "id", "10000");
    write(&producer, &["a"]);
    let consumer = committed(broker.addr());
    producer.send_offsets_to_transaction(&offset(5), &group(&consumer), PATIENCE).expect("sent");
    producer.abort_transaction(PATIENCE).expect("aborted");
    assert_eq!(committed_offset(&consumer), Offset::Invalid);
    write(&producer, &["a"]);
    producer.send_offsets_to_transaction(&offset(7), &group(&consumer), PATIENCE).expect("sent");
    producer.commit_transaction(PATIENCE).expect("committed");
    assert_eq!(committed_offset(&consumer), Offset::Offset(7));
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_incarnation_fences_off_the_old_one_and_aborts_its_transaction() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    let old = transactional(broker.addr(), "id", "60000");
    write(&old, &["from the old one"]);
    let new = transactional(broker.addr(), "id", "60000");
    write(&new, &["from the new one"]);
    let error = old.commit_transaction(PATIENCE).expect_err("fenced");
    let KafkaError::Transaction(error) = error else { panic!("{error}") };
    assert!(error.is_fatal() && error.code() == RDKafkaErrorCode::Fenced, "{error}");
    new.commit_transaction(PATIENCE).expect("committed");
    assert_eq!(values(take(&committed(broker.addr()), 1)), ["from the new one"]);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_transaction_is_aborted() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    let slow = transactional(broker.addr(), "id", "1000");
    write(&slow, &["too slow"]);
    send(&support::producer(broker.addr(), &[]), "t", "after").await;
    assert_eq!(values(take(&committed(broker.addr()), 1)), ["after"]);
    assert!(slow.commit_transaction(PATIENCE).is_err());
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_and_aborted_transactions_survive_a_restart() {
    let dir = tempfile::tempdir().expect("dir");
    let mut settings = config(dir.path());
    let broker = bus::broker::Broker::start(settings.clone()).await.expect("starts");
    settings.listen = broker.addr();
    let producer = transactional(broker.addr(), "id", "60000");
    write(&producer, &["aborted"]);
    producer.abort_transaction(PATIENCE).expect("aborted");
    write(&producer, &["open over the restart"]);
    broker.stop().await;
    let broker = bus::broker::Broker::start(settings).await.expect("starts again");
    assert_eq!(committed(broker.addr()).fetch_watermarks("t", 0, PATIENCE).expect("ends").1, 2);
    producer.commit_transaction(PATIENCE).expect("committed");
    assert_eq!(values(take(&committed(broker.addr()), 1)), ["open over the restart"]);
    broker.stop().await;
}
