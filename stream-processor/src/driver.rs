//! Runs the rules job on a thread of its own: poll, take in, give out, commit; ticks into silent partitions;
//! a broker that is away is waited for.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use bus::{Consumer, ConsumerBuilder, Offsets, Outgoing, Producer, Record};
use jiff::Timestamp;
use serde::Serialize;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::{
    Config,
    engine::{Stats, program::Program},
    job::{Job, Sink, TopicSink},
    rules::{self, LoadError},
    rules_job::RulesJob,
    telemetry,
    ticks::Ticks,
};

/// How long one look at the bus waits for a record: the time that stopping may take.
const POLL: Duration = Duration::from_millis(200);
/// Records between two evaluations at most.
const POLL_RECORDS: usize = 1_000;
/// KiB that may wait in memory.
const QUEUE_KIB: u32 = 16 << 10;
/// Pause before a broker that is away is asked again.
const RECONNECT: Duration = Duration::from_secs(1);
/// How often offsets are committed while there is nothing to give out.
const IDLE_COMMIT: Duration = Duration::from_secs(5);
/// How often the ends of the topics are looked up, for the lag.
const LAG_LOOK: Duration = Duration::from_secs(10);
const ENDS_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest that [`Running::stop`] waits.
const STOP: Duration = Duration::from_secs(3);

/// Why the processor does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Rule files.
    #[error(transparent)]
    Rules(#[from] LoadError),
    /// The thread.
    #[error("rules job: {0}")]
    Thread(#[from] std::io::Error),
}

/// For the status line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Rules and windows that are evaluated.
    pub rules: usize,
    /// Alerts that wait for their `for`.
    pub pending: usize,
    /// Alerts that fire.
    pub firing: usize,
    /// How far event time has come, in milliseconds since 1970.
    pub watermark_ms: Option<i64>,
    /// Records that have not been read, as of the last look.
    pub lag: i64,
    /// Whether the bus is being read.
    pub connected: bool,
}

/// The rules job, at work.
pub struct Running {
    status: Arc<Mutex<Status>>,
    shutdown: CancellationToken,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Running {
    /// Where the job stands.
    pub fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops and waits for the thread, a few seconds at most. Outputs that were not committed are made again
    /// at the next start.
    pub async fn stop(&self) {
        self.shutdown.cancel();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let join = tokio::task::spawn_blocking(move || {
            if thread.is_some_and(|thread| thread.join().is_err()) {
                tracing::error!("the thread of the rules job has panicked");
            }
        });
        if tokio::time::timeout(STOP, join).await.is_err() {
            tracing::warn!("the rules job still waits for kafka; it goes on from its last commit next time");
        }
    }
}

/// Starts the rules job; it ends when `shutdown` is cancelled. A broker that is away is waited for. Call it
/// within a tokio runtime.
///
/// # Errors
/// When rule files are wrong, or the thread cannot be started.
pub fn run_rules(
    bus: &bus::Config,
    config: &Config,
    shutdown: CancellationToken,
) -> Result<Running, StartError> {
    let program = Arc::new(rules::load(config.rules.as_deref(), config.windows.as_deref())?);
    let count = program.rules().count() + program.windows.len();
    let status = Arc::new(Mutex::new(Status { rules: count, ..Status::default() }));
    let driver = Driver {
        bus: bus.clone(),
        config: config.clone(),
        program,
        status: status.clone(),
        runtime: Handle::current(),
        shutdown: shutdown.clone(),
    };
    let thread = thread::Builder::new().name("rules".into()).spawn(move || driver.run())?;
    Ok(Running { status, shutdown, thread: Mutex::new(Some(thread)) })
}

struct Driver {
    bus: bus::Config,
    config: Config,
    program: Arc<Program>,
    status: Arc<Mutex<Status>>,
    runtime: Handle,
    shutdown: CancellationToken,
}

impl Driver {
    fn run(&self) {
        while !self.shutdown.is_cancelled() {
            if let Err(error) = self.session() {
                tracing::warn!(%error, "rules cannot read the bus, will try again");
                self.with_status(|status| status.connected = false);
                self.pause(RECONNECT);
            }
        }
    }

    /// From connecting to the first error. Each session begins from what is committed.
    fn session(&self) -> Result<(), bus::Error> {
        if let Err(error) = self.runtime.block_on(bus::admin::create_topics(&self.bus)) {
            tracing::debug!(%error, "topics were not created");
        }
        let mut job = RulesJob::new(&self.bus, &self.config, self.program.clone());
        let topics = job.topics();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        let builder =
            ConsumerBuilder { config: &self.bus, group: job.group(), topics: &topics, queue_kib: QUEUE_KIB };
        let consumer = Consumer::open(&builder)?;
        let from = job.restore(&consumer)?;
        consumer.start(&from, bus::Start::Earliest)?;
        let sink = TopicSink {
            consumer: &consumer,
            producer: Producer::new(&self.bus)?,
            runtime: self.runtime.clone(),
            shutdown: self.shutdown.clone(),
        };
        let now = Instant::now();
        let after = self.config.tick_after.0;
        Session {
            driver: self,
            ticks: Ticks::new(consumer.partitions(), after, self.config.codec, now),
            sink,
            read: job.committed().clone(),
            job,
            committed: now,
            looked: None,
            stats: Stats::default(),
        }
        .run()
    }

    fn with_status(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn pause(&self, time: Duration) {
        self.runtime.block_on(self.shutdown.run_until_cancelled(tokio::time::sleep(time)));
    }
}

/// One connection to the broker.
struct Session<'a> {
    driver: &'a Driver,
    job: RulesJob,
    sink: TopicSink<'a>,
    ticks: Ticks,
    read: Offsets,
    committed: Instant,
    looked: Option<Instant>,
    stats: Stats,
}

impl Session<'_> {
    fn run(mut self) -> Result<(), bus::Error> {
        self.driver.with_status(|status| status.connected = true);
        while !self.driver.shutdown.is_cancelled() {
            let records = self.sink.consumer.poll(POLL, POLL_RECORDS)?;
            let now = Instant::now();
            let dead: Vec<Outgoing> = records.iter().filter_map(|record| self.take(record, now)).collect();
            let mut outputs = self.job.outputs();
            outputs.extend(dead);
            let ticks = self.ticks.due(now, Timestamp::now().as_millisecond());
            telemetry::TICKS.inc_by(ticks.len() as u64);
            outputs.extend(ticks);
            if !outputs.is_empty() || now.duration_since(self.committed) >= IDLE_COMMIT {
                self.committed = now;
                if !self.sink.commit(outputs, &self.read, &self.job.mark())? {
                    return Ok(());
                }
            }
            self.show(now);
        }
        Ok(())
    }

    /// Takes in a record; one that cannot be read comes back as a dead letter.
    fn take(&mut self, record: &Record, now: Instant) -> Option<Outgoing> {
        self.ticks.hear(record, now);
        let taken = self.job.take(record);
        if self.job.is_read_back(record) {
            return None;
        }
        self.read.set(&record.topic, record.partition, record.offset + 1);
        let error = taken.err()?;
        telemetry::UNREADABLE.inc();
        let Record { topic, partition, offset, .. } = record;
        tracing::warn!(topic, partition, offset, %error, "record goes to the dead-letter topic");
        Some(Outgoing {
            topic: self.driver.bus.topics.dead_letter.clone(),
            key: record.key.to_vec(),
            value: record.value.to_vec(),
            partition: None,
        })
    }

    fn show(&mut self, now: Instant) {
        telemetry::show(self.job.engine(), &mut self.stats);
        if self.looked.is_none_or(|looked| now.duration_since(looked) >= LAG_LOOK) {
            self.looked = Some(now);
            if let Ok(ends) = self.sink.consumer.ends(ENDS_TIMEOUT) {
                telemetry::LAG.set(self.read.lag(&ends));
            }
        }
        let engine = self.job.engine();
        let ((pending, firing), watermark_ms) = (engine.alerts(), engine.watermark());
        self.driver.with_status(|status| {
            (status.pending, status.firing, status.watermark_ms) = (pending, firing, watermark_ms);
            status.lag = telemetry::LAG.get();
        });
    }
}
