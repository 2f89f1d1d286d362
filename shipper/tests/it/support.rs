//! A broker in memory, and what a reader makes of its records.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bus::{Outgoing, Topics};
use event::{Codec, Event, LogEntry};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use shipper::{
    Config, Publisher, Shipper,
    config::{FileConfig, From},
    outlet::{Delivery, Failure, Outlet},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub const PATIENCE: Duration = Duration::from_secs(120);

/// Keeps acknowledged records in their order. While it is away nothing is acknowledged.
#[derive(Clone)]
pub struct MemoryBroker {
    records: Arc<Mutex<Vec<Outgoing>>>,
    /// Put in while it was away.
    held: Arc<Mutex<Vec<Outgoing>>>,
    is_there: Arc<watch::Sender<bool>>,
    fate: Arc<Mutex<Fate>>,
    /// As a producer after a fatal error: nothing goes through before it is reset.
    is_broken: Arc<AtomicBool>,
}

type Fate = Box<dyn FnMut(&Outgoing) -> Option<Failure> + Send>;

impl MemoryBroker {
    pub fn new() -> Self {
        MemoryBroker {
            records: Arc::default(),
            held: Arc::default(),
            is_there: Arc::new(watch::Sender::new(true)),
            fate: Arc::new(Mutex::new(Box::new(|_| None))),
            is_broken: Arc::default(),
        }
    }

    pub fn go_away(&self) {
        self.is_there.send_replace(false);
    }

    pub fn come_back(&self) {
        let mut held = self.held.lock();
        self.records.lock().append(&mut held);
        self.is_there.send_replace(true);
    }

    /// What becomes of the records to come.
    pub fn decide(&self, fate: impl FnMut(&Outgoing) -> Option<Failure> + Send + 'static) {
        *self.fate.lock() = Box::new(fate);
    }

    pub fn records(&self) -> Vec<Outgoing> {
        self.records.lock().clone()
    }

    pub fn topic(&self, topic: &str) -> Vec<Outgoing> {
        self.records().into_iter().filter(|r| r.topic == topic).collect()
    }

    pub fn publisher(&self) -> Publisher {
        Publisher::new(Box::new(self.clone()), Topics::default(), Codec::Batch)
    }

    pub async fn ship(&self, config: &Config, data_dir: &Path) -> Shipper {
        let token = CancellationToken::new();
        Shipper::start_with(config, self.publisher(), data_dir, token).await.unwrap()
    }

    /// What a reader keeps: of each source what lies above its high-water mark.
    pub fn entries(&self) -> Vec<LogEntry> {
        kept(&self.topic("logs"))
    }

    /// Waits until as many entries were put in while the broker is away.
    pub async fn wait_for_held(&self, count: usize) {
        wait_until("entries to be put in", || kept(&self.held.lock()).len() >= count).await;
    }

    pub fn lines(&self) -> Vec<String> {
        self.entries().iter().map(|e| String::from_utf8_lossy(&e.line).into_owned()).collect()
    }

    pub async fn wait_for_lines(&self, count: usize) -> Vec<String> {
        wait_until(&format!("{count} lines"), || self.lines().len() >= count).await;
        self.lines()
    }
}

impl Outlet for MemoryBroker {
    fn enqueue(&self, record: Outgoing) -> BoxFuture<'_, Result<Delivery, Failure>> {
        let failure = (self.fate.lock())(&record);
        if failure.as_ref().is_some_and(|f| !f.refused) {
            self.is_broken.store(true, Ordering::SeqCst);
        }
        let failure = failure.or_else(|| self.is_broken.load(Ordering::SeqCst).then(closed));
        let mut there = self.is_there.subscribe();
        if failure.is_none() {
            // As in a real client, what is put in is written in that order.
            let mut held = self.held.lock();
            let queue = if *there.borrow() { &mut *self.records.lock() } else { &mut *held };
            queue.push(record);
        }
        let delivery = async move {
            match failure {
                Some(failure) => Err(failure),
                None => there.wait_for(|is_there| *is_there).await.map(|_| ()).map_err(|_| closed()),
            }
        };
        async move { Ok(delivery.boxed()) }.boxed()
    }

    fn reset(&self) {
        self.is_broken.store(false, Ordering::SeqCst);
    }
}

fn kept(records: &[Outgoing]) -> Vec<LogEntry> {
    let mut marks: HashMap<String, u64> = HashMap::new();
    let mut kept = Vec::new();
    for record in records {
        let Event::Logs(batch) = event::decode(&record.value).unwrap() else { panic!("no log entries") };
        let mark = marks.entry(batch.source.clone()).or_default();
        for entry in batch.entries {
            if batch.source.is_empty() || entry.position > *mark {
                *mark = entry.position;
                kept.push(entry);
            }
        }
    }
    kept
}

fn closed() -> Failure {
    Failure { reason: "closed".into(), refused: false }
}

/// Waits for a condition, not for time.
pub async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn files(pattern: &Path) -> Config {
    let files = FileConfig {
        paths: vec![pattern.display().to_string()],
        exclude: Vec::new(),
        job: None,
        labels: [].into(),
        from: From::Beginning,
    };
    Config { host_name: Some("web1".into()), files: Some(vec![files]), ..Config::default() }
}

pub fn numbered(range: std::ops::Range<usize>) -> String {
    range.map(|n| format!("line {n:07}\n")).collect()
}

pub fn numbered_lines(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("line {n:07}")).collect()
}
