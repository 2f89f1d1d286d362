//! The job that reads the bus into the index. Two threads: one reads and takes in, one seals and drops what is
//! too old. Both sleep while nothing happens.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bus::{Consumer, ConsumerBuilder, Offsets, Outgoing, Producer, Record, Start};
use parking_lot::Mutex;
use thiserror::Error;
use tokio::{runtime::Handle, sync::watch};
use tokio_util::sync::CancellationToken;

use crate::{AppendError, Index, telemetry};

/// How long one look at the bus waits for a record: the time that stopping may take.
const POLL: Duration = Duration::from_millis(200);

/// Records taken from the bus at once. Each may be as large as the broker allows.
const POLL_RECORDS: usize = 16;

/// Records that librdkafka may hold in memory.
const QUEUE_KIB: u32 = 16 << 10;

/// Pause before a broker that is away is asked again.
const RECONNECT: Duration = Duration::from_secs(1);

/// Pause before a full disk is tried again.
const RETRY_WRITE: Duration = Duration::from_secs(5);

/// How often to look whether memory is old enough to be sealed.
const SEAL_LOOK: Duration = Duration::from_secs(1);

/// How often to look for segments that are too old.
const RETAIN_LOOK: Duration = Duration::from_secs(600);

/// How often to look at the ends of the topics for the lag's metric.
const ENDS_LOOK: Duration = Duration::from_secs(10);

/// The longest that such a look may take.
const ENDS_PATIENCE: Duration = Duration::from_secs(1);

/// The longest that [`IndexJob::stop`] waits.
const STOP: Duration = Duration::from_secs(2);

/// The job cannot do what is asked.
#[derive(Debug, Error)]
pub enum Error {
    /// From the bus.
    #[error(transparent)]
    Bus(#[from] bus::Error),
    /// A thread could not be started.
    #[error("index job: {0}")]
    Thread(#[from] std::io::Error),
    /// A topic without partitions.
    #[error("topic {0} is not there yet; make it, or let `tailrace up` make it")]
    TopicMissing(String),
    /// There is no connection to the broker yet.
    #[error("the index is not connected to kafka yet")]
    NotConnected,
    /// No answer in time.
    #[error("kafka did not say within {0:?} how far its topics go")]
    Timeout(Duration),
}

/// Reads the topics for logs, metrics and derived series into an index. Cheap to clone.
#[derive(Clone)]
pub struct IndexJob {
    shared: Arc<Shared>,
}

struct Shared {
    index: Index,
    bus: bus::Config,
    shutdown: CancellationToken,
    /// Only asks for the ends, there once the broker has answered. It has a connection of its own: a broker
    /// answers in order, and on the reader's connection the answer would wait for the fetch before it.
    asker: watch::Sender<Option<Arc<Consumer>>>,
    /// Made for the first record that nobody can read.
    dead_letters: Mutex<Option<Producer>>,
    ends: tokio::sync::Mutex<Ends>,
    /// The latest of all answers.
    known_ends: Mutex<Offsets>,
    runtime: Handle,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// The latest answer of the broker.
#[derive(Default)]
struct Ends {
    asked: Option<Instant>,
    offsets: Offsets,
}

impl IndexJob {
    /// Starts the threads that read and seal; they end when `shutdown` is cancelled. A broker that is away is
    /// waited for. Call it within a tokio runtime.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(index: Index, bus: &bus::Config, shutdown: CancellationToken) -> Result<IndexJob, Error> {
        let shared = Arc::new(Shared {
            index,
            bus: bus.clone(),
            shutdown,
            asker: watch::Sender::default(),
            dead_letters: Mutex::default(),
            ends: tokio::sync::Mutex::default(),
            known_ends: Mutex::default(),
            runtime: Handle::current(),
            threads: Mutex::default(),
        });
        let (reader, sealer) = (shared.clone(), shared.clone());
        let read = thread::Builder::new().name("index-read".into()).spawn(move || reader.read())?;
        let seal = thread::Builder::new().name("index-seal".into()).spawn(move || sealer.seal())?;
        shared.threads.lock().extend([read, seal]);
        Ok(IndexJob { shared })
    }

    /// Where the topics end as of this call: what was acknowledged before it lies below. Callers that wait at
    /// the same time share one request.
    ///
    /// # Errors
    /// When there is no answer within `timeout`.
    pub async fn ends(&self, timeout: Duration) -> Result<Offsets, Error> {
        let arrived = Instant::now();
        let asked = tokio::time::timeout(timeout, self.shared.ends_since(arrived, timeout)).await;
        asked.map_err(|_| Error::Timeout(timeout))?
    }

    /// Records that have not been taken in, of those that were on the bus when it was last looked at.
    pub fn lag(&self) -> i64 {
        self.shared.lag()
    }

    /// Stops reading and waits for the threads, at most 2 s. What is only in memory is read from the bus again
    /// at the next start.
    pub async fn stop(self) {
        self.shared.shutdown.cancel();
        self.shared.index.wake_sealer();
        let threads = std::mem::take(&mut *self.shared.threads.lock());
        let join = tokio::task::spawn_blocking(move || {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a thread of the index job has panicked");
                }
            }
        });
        if tokio::time::timeout(STOP, join).await.is_err() {
            tracing::warn!("a segment is still being written; what it holds is read again at the next start");
        }
    }
}

impl Shared {
    /// An answer to a question asked at `arrived` or later.
    async fn ends_since(&self, arrived: Instant, timeout: Duration) -> Result<Offsets, Error> {
        let mut ends = self.ends.lock().await;
        if ends.asked.is_none_or(|asked| asked < arrived) {
            let asked = Instant::now();
            let asker = self.connected().await?;
            let answer = tokio::task::spawn_blocking(move || asker.ends(timeout)).await;
            let offsets = answer.map_err(|_| Error::NotConnected)??;
            self.known_ends.lock().clone_from(&offsets);
            *ends = Ends { asked: Some(asked), offsets };
        }
        Ok(ends.offsets.clone())
    }

    /// Waits for the connection that asks, so that the first queries after the start are complete too.
    async fn connected(&self) -> Result<Arc<Consumer>, Error> {
        let mut asker = self.asker.subscribe();
        let asker = asker.wait_for(Option::is_some).await.map_err(|_| Error::NotConnected)?;
        asker.clone().ok_or(Error::NotConnected)
    }

    fn lag(&self) -> i64 {
        let lag = self.index.read_offsets().lag(&self.known_ends.lock());
        telemetry::LAG.set(lag);
        lag
    }

    /// Keeps the lag's metric alive while nobody asks.
    fn look_at_ends(&self) {
        let asker = self.asker.borrow().clone();
        if let Some(Ok(ends)) = asker.map(|asker| asker.ends(ENDS_PATIENCE)) {
            *self.known_ends.lock() = ends;
        }
        self.lag();
    }

    /// The thread that reads.
    fn read(&self) {
        while !self.shutdown.is_cancelled() {
            if let Err(error) = self.connect().and_then(|consumer| self.read_from(&consumer)) {
                tracing::warn!(%error, "index cannot read the bus, will try again");
                self.pause(RECONNECT);
            }
        }
    }

    fn connect(&self) -> Result<Consumer, Error> {
        let names = &self.bus.topics;
        let topics = [names.logs.as_str(), &names.metrics, &names.derived];
        let builder = ConsumerBuilder {
            config: &self.bus,
            group: "tailrace-index",
            topics: &topics,
            queue_kib: QUEUE_KIB,
        };
        let consumer = Consumer::open(&builder)?;
        let is_there = |topic: &str| consumer.partitions().iter().any(|(name, _)| name == topic);
        if let Some(missing) = topics.iter().find(|topic| !is_there(topic)) {
            return Err(Error::TopicMissing((*missing).to_owned()));
        }
        consumer.start(&self.index.read_offsets(), Start::Earliest)?;
        self.asker.send_replace(Some(Arc::new(Consumer::open(&builder)?)));
        Ok(consumer)
    }

    fn read_from(&self, consumer: &Consumer) -> Result<(), Error> {
        while !self.shutdown.is_cancelled() {
            for record in consumer.poll(POLL, POLL_RECORDS)? {
                if !self.take_in(&record) {
                    return Ok(());
                }
            }
            // The ends of transactions take offsets too, but come as no record.
            self.index.advance(&consumer.position()?);
        }
        Ok(())
    }

    /// Takes a record in, however long the disk is full; `false` if the job was told to stop meanwhile.
    fn take_in(&self, record: &Record) -> bool {
        while !self.shutdown.is_cancelled() {
            match self.index.append(record) {
                Ok(()) => return true,
                Err(error) if error.is_fault_of_record() => return self.set_aside(record, &error),
                Err(_) => self.pause(RETRY_WRITE),
            }
        }
        false
    }

    /// Puts a record that nobody can read into the dead-letter topic, then passes over it; `false` if the job
    /// was told to stop meanwhile.
    fn set_aside(&self, record: &Record, error: &AppendError) -> bool {
        let Record { topic, partition, offset, .. } = record;
        tracing::warn!(topic, partition, offset, %error, "record goes to the dead-letter topic");
        let reason = error.to_string();
        let sent = self.runtime.block_on(async {
            tokio::select! {
                sent = self.send_letters(record, &reason) => Some(sent),
                () = self.shutdown.cancelled() => None,
            }
        });
        match sent {
            None => return false,
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::error!(topic, partition, offset, %error, "dead-letter topic refuses the record");
            }
        }
        self.index.skip(record);
        true
    }

    async fn send_letters(&self, record: &Record, reason: &str) -> Result<(), bus::Error> {
        let producer = self.dead_letters()?;
        let topic = record.topic.clone();
        let original =
            Outgoing { topic, key: record.key.to_vec(), value: record.value.to_vec(), partition: None };
        for letter in bus::dead_letter::letters(&original, reason, &self.bus.topics.dead_letter) {
            producer.send(letter).await?;
        }
        Ok(())
    }

    fn dead_letters(&self) -> Result<Producer, bus::Error> {
        let mut producer = self.dead_letters.lock();
        if producer.is_none() {
            *producer = Some(Producer::new(&self.bus)?);
        }
        producer.clone().ok_or(bus::Error::Closed)
    }

    /// The thread that seals.
    fn seal(&self) {
        let (mut retained, mut looked) = (None, None);
        let mut wait = SEAL_LOOK;
        while !self.shutdown.is_cancelled() {
            self.index.wait_for_seal(wait);
            if self.shutdown.is_cancelled() {
                return;
            }
            wait = if self.index.seal_due().is_ok() { SEAL_LOOK } else { RETRY_WRITE };
            if looked.is_none_or(|at: Instant| at.elapsed() >= ENDS_LOOK) {
                self.look_at_ends();
                looked = Some(Instant::now());
            }
            if retained.is_none_or(|at: Instant| at.elapsed() >= RETAIN_LOOK) {
                self.retain();
                retained = Some(Instant::now());
            }
        }
    }

    fn retain(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        match self.index.retain(now.as_millis() as i64) {
            Ok(0) => {}
            Ok(segments) => tracing::info!(segments, "dropped what is older than retention"),
            Err(error) => tracing::error!(%error, "what is older than retention cannot be dropped"),
        }
    }

    /// Waits, but not beyond the order to stop.
    fn pause(&self, duration: Duration) {
        let until = Instant::now() + duration;
        while !self.shutdown.is_cancelled() && Instant::now() < until {
            thread::park_timeout(POLL.min(duration));
        }
    }
}
