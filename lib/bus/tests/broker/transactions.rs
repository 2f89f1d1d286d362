//! Transactions of the embedded broker over its restarts.

use crate::support::config;
use rdkafka::producer::Producer;
use std::sync::atomic::Ordering::Relaxed;
use test_support::{client::*, port};

#[tokio::test(flavor = "multi_thread")]
async fn open_and_aborted_transactions_survive_a_restart() {
    let dir = tempfile::tempdir().expect("dir");
    let listen = ([127, 0, 0, 1], port::free()).into();
    let settings = bus::broker::Config { listen, ..config(dir.path()) };
    let broker = bus::broker::Broker::start(settings.clone()).await.expect("starts");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_decided_transaction_whose_marker_cannot_be_written_is_committed_once_it_can() {
    let dir = tempfile::tempdir().expect("dir");
    // Every batch has a segment of its own, so that the marker needs a new file.
    let settings = bus::broker::Config { segment_bytes: 1, ..config(dir.path()) };
    let broker = bus::broker::Broker::start(settings).await.expect("starts");
    let producer = transactional(broker.addr(), "id", "60000");
    write(&producer, "t", &["decided"]);
    let (there, away) = (folder_of(dir.path(), "t/0"), dir.path().join("away"));
    std::fs::rename(&there, &away).expect("moved away");
    producer.commit_transaction(PATIENCE).expect("committed");
    assert!(values(broker.addr(), "t", READ_COMMITTED).is_empty());
    std::fs::rename(&away, &there).expect("moved back");
    let begin = std::time::Instant::now();
    while values(broker.addr(), "t", READ_COMMITTED) != ["decided"] {
        assert!(begin.elapsed() < PATIENCE, "never written");
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_tells_while_its_disk_takes_no_records() {
    let dir = tempfile::tempdir().expect("dir");
    let settings = bus::broker::Config { segment_bytes: 1, ..config(dir.path()) };
    let broker = bus::broker::Broker::start(settings).await.expect("starts");
    let producer = producer(broker.addr(), &[("message.timeout.ms", "60000")]);
    send(&producer, "t", "taken").await;
    let refuses = broker.disk_refuses();
    assert!(!refuses.load(Relaxed));
    let (there, away) = (folder_of(dir.path(), "t/0"), dir.path().join("away"));
    std::fs::rename(&there, &away).expect("moved away");
    let sending = tokio::spawn(async move { send(&producer, "t", "waits").await });
    let begin = std::time::Instant::now();
    while !refuses.load(Relaxed) {
        assert!(begin.elapsed() < PATIENCE, "not told");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    std::fs::rename(&away, &there).expect("moved back");
    assert_eq!(sending.await.expect("sent"), 1);
    assert!(!refuses.load(Relaxed));
    broker.stop().await;
}

/// The folder of this name, however deep it lies.
fn folder_of(dir: &std::path::Path, name: &str) -> std::path::PathBuf {
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        if folder.ends_with(name) {
            return folder;
        }
        let entries = std::fs::read_dir(folder).expect("listed").flatten().map(|entry| entry.path());
        folders.extend(entries.filter(|path| path.is_dir()));
    }
    panic!("no folder {name}");
}
