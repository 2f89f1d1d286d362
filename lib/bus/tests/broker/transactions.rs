//! Transactions of the embedded broker over its restarts.

use crate::support::config;
use rdkafka::producer::Producer;
use test_support::client::*;

#[tokio::test(flavor = "multi_thread")]
async fn open_and_aborted_transactions_survive_a_restart() {
    let dir = tempfile::tempdir().expect("dir");
    let mut settings = config(dir.path());
    let broker = bus::broker::Broker::start(settings.clone()).await.expect("starts");
    settings.listen = broker.addr();
    let producer = transactional(broker.addr(), "id", "60000");
    write(&producer, "t", &["aborted"]);
    producer.abort_transaction(PATIENCE).expect("aborted");
    write(&producer, "t", &["open over the restart"]);
    broker.stop().await;
    let broker = bus::broker::Broker::start(settings).await.expect("starts again");
    assert!(values(broker.addr(), "t", READ_COMMITTED).is_empty());
    producer.commit_transaction(PATIENCE).expect("committed");
    assert_eq!(values(broker.addr(), "t", READ_COMMITTED), ["open over the restart"]);
    broker.stop().await;
}
