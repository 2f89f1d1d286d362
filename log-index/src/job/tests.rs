//! The reader where other processes commit too.

use std::sync::{
    atomic::{AtomicBool, Ordering},
    mpsc,
};

use bus::{Outgoing, Start, broker::Broker};
use tempfile::TempDir;
use tokio::sync::broadcast;

use super::*;
use crate::{Config, Index, Stop, adopt::tests::Fake, storage::Directory};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_over_sends_the_letters_of_what_it_passed_over_before() {
    let folder = TempDir::new().unwrap();
    let (listen, data_dir) = (([127, 0, 0, 1], 0).into(), folder.path().join("broker"));
    let settings = bus::broker::Config { listen, data_dir, ..Default::default() };
    let broker = Broker::start(settings).await.unwrap();
    let bus = bus::Config { brokers: broker.addr().to_string(), ..bus::Config::default() };
    bus::admin::create_topics(&bus).await.unwrap();
    let storage = Arc::new(Directory::open(folder.path().join("shared")).unwrap());
    let ledger = Arc::new(Fake { owner: AtomicBool::new(false), storage: storage.clone() });
    let (path, followers) = (folder.path().join("a"), broadcast::Sender::new(1));
    let index = Index::open_shared(&path, &Config::default(), storage, ledger.clone(), followers).unwrap();
    let job = IndexJob::start(index.clone(), &bus, CancellationToken::new()).unwrap();

    let (topic, key, value) = (bus.topics.logs.clone(), b"k".to_vec(), b"not an event".to_vec());
    let producer = Producer::new(&bus).unwrap();
    producer.send(Outgoing { topic: topic.clone(), key, value, partition: Some(0) }).await.unwrap();
    assert!(index.wait_for(&vec![(topic, 0, 1)].into(), PATIENCE).await);
    ledger.owner.store(true, Ordering::SeqCst);
    // However soon it commits.
    index.flush().unwrap();
    let topics = [bus.topics.dead_letter.as_str()];
    let builder = bus::ConsumerBuilder { config: &bus, group: "test", topics: &topics, queue_kib: 64 };
    let consumer = Consumer::open(&builder).unwrap();
    consumer.start(&Offsets::default(), Start::Earliest).unwrap();
    let letters = tokio::task::spawn_blocking(move || consumer.poll(PATIENCE, 1).unwrap()).await.unwrap();
    assert_eq!(letters[0].key.as_ref(), b"k");
    job.stop().await;
}

#[test]
fn who_is_told_to_stop_between_its_look_and_its_wait_stops() {
    let folder = TempDir::new().unwrap();
    let index = Index::open(folder.path(), &Config::default()).unwrap();
    assert_woken(|stop| index.wait_for_merge(PATIENCE, stop), || index.wake_merger());
    assert_woken(|stop| index.wait_for_seal(PATIENCE, stop), || index.wake_sealer());
}

fn assert_woken(wait: impl Fn(Stop<'_>), wake: impl Fn() + Copy + Send) {
    let begin = Instant::now();
    thread::scope(|scope| {
        let stop = || {
            let (done, is_done) = mpsc::channel();
            scope.spawn(move || {
                wake();
                done.send(())
            });
            // Whoever wakes has done so by now, or waits for the wait.
            let _ = is_done.recv_timeout(POLL);
            false
        };
        wait(&stop);
    });
    assert!(begin.elapsed() < PATIENCE);
}
