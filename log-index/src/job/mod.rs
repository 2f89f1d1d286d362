//! The job that reads the bus into the index. One thread reads and takes in, one looks how far the topics go; for each
//! shard one seals and drops what is too old, and one merges. All sleep while nothing happens.

mod read;
#[cfg(test)]
mod tests;
mod upkeep;

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use bus::{Consumer, Offsets, Producer};
use parking_lot::Mutex;
use thiserror::Error;
use tokio::{runtime::Handle, sync::watch};
use tokio_util::sync::CancellationToken;

use crate::{Shards, telemetry};

/// How long one look at the bus waits for a record: the time that stopping may take.
const POLL: Duration = Duration::from_millis(200);

/// Pause before a full disk is tried again.
const RETRY_WRITE: Duration = Duration::from_secs(5);

/// The longest that a look at the topics' ends may take.
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
    index: Shards,
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
    /// Starts the threads that read, seal and merge; they end when `shutdown` is cancelled. A broker that is away is
    /// waited for. Call it within a tokio runtime.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(
        index: impl Into<Shards>,
        bus: &bus::Config,
        shutdown: CancellationToken,
    ) -> Result<IndexJob, Error> {
        let shared = Arc::new(Shared {
            index: index.into(),
            bus: bus.clone(),
            shutdown,
            asker: watch::Sender::default(),
            dead_letters: Mutex::default(),
            ends: tokio::sync::Mutex::default(),
            known_ends: Mutex::default(),
            runtime: Handle::current(),
            threads: Mutex::default(),
        });
        shared.clone().start("index-read", Shared::read)?;
        shared.clone().start("index-look", Shared::look)?;
        for index in shared.index.iter() {
            let (sealed, merged) = (index.clone(), index.clone());
            shared.clone().start("index-seal", move |shared| shared.seal(&sealed))?;
            shared.clone().start("index-merge", move |shared| shared.merge(&merged))?;
        }
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
        for index in self.shared.index.iter() {
            index.wake_sealer();
            index.wake_merger();
        }
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
    fn start(self: Arc<Self>, name: &str, work: impl FnOnce(&Shared) + Send + 'static) -> Result<(), Error> {
        let shared = self.clone();
        let thread = thread::Builder::new().name(name.into()).spawn(move || work(&shared))?;
        self.threads.lock().push(thread);
        Ok(())
    }

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

    /// Waits, but not beyond the order to stop.
    fn pause(&self, duration: Duration) {
        let until = Instant::now() + duration;
        while !self.shutdown.is_cancelled() && Instant::now() < until {
            thread::park_timeout(POLL.min(duration));
        }
    }
}
