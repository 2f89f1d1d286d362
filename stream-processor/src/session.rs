//! One connection of the rules job to the bus. Outputs and how far the input was read are written in one transaction:
//! readers of committed records see each output once, whenever this process is killed.
//!
//! Ticks are input and stay outside: each is one record, there or not there, and whoever replays the topic sees what
//! was seen here. Within the transaction they would hold up all readers of `metrics` until it ends.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bus::{
    Committed, Consumer, ConsumerBuilder, Input, Offsets, Outgoing, Producer, Record, Start,
    TransactionalProducer,
};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::{
    Config, engine::program::Program, in_force::InForce, job::Job, rules_job::RulesJob, telemetry,
    ticks::Ticks,
};

/// KiB that may wait in memory.
const QUEUE_KIB: u32 = 16 << 10;
/// How often offsets are committed while there is nothing to give out. A standby sees by it that this process works.
const IDLE_COMMIT: Duration = Duration::from_secs(5);
/// How often the ends of the topics are looked up, for the lag.
const LAG_LOOK: Duration = Duration::from_secs(10);
const ENDS_TIMEOUT: Duration = Duration::from_secs(1);

/// What a session needs from outside.
#[derive(Clone)]
pub struct Environment {
    /// How to reach Kafka.
    pub bus: bus::Config,
    /// Settings of the processor.
    pub config: Config,
    /// Rules and windows.
    pub rules: Arc<InForce>,
    /// The part of them that is evaluated here.
    pub shard: usize,
    /// Waits for acknowledgements.
    pub runtime: Handle,
    /// Ends all waiting.
    pub shutdown: CancellationToken,
}

impl Environment {
    /// The job of the shard, with nothing read yet.
    pub fn job(&self, program: Arc<Program>) -> RulesJob {
        RulesJob::new(&self.bus, &self.config, self.shard, program)
    }

    /// Waits, but not beyond the shutdown.
    pub fn pause(&self, time: Duration) {
        bus::pause(&self.runtime, &self.shutdown, time);
    }
}

/// A rules job that is connected. It may be dropped at any point: the next one goes on from the last commit.
pub struct Session {
    environment: Environment,
    program: Arc<Program>,
    job: RulesJob,
    consumer: Consumer,
    outputs: TransactionalProducer,
    ticker: Producer,
    ticks: Ticks,
    read: Offsets,
    /// When was committed last, and how far.
    committed: (Instant, Offsets),
    looked: Option<Instant>,
    shown: telemetry::Shown,
}

impl Session {
    /// Takes the job over from whoever did it before, and brings its state back. Waits for a broker that is away;
    /// `None` if told to stop meanwhile.
    ///
    /// # Errors
    /// When the broker refuses something.
    pub fn open(environment: &Environment) -> Result<Option<Self>, bus::Error> {
        let Environment { bus, config, rules, shard, runtime, shutdown } = environment;
        let program = rules.program(*shard);
        let mut job = environment.job(program.clone());
        // First the transactions: after this nobody else moves the offsets that are read next.
        let id = job.transactional_id();
        let opened = TransactionalProducer::open(bus, &id, runtime.clone(), shutdown.clone())?;
        let Some(outputs) = opened else { return Ok(None) };
        let topics = job.topics();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        let group = job.group();
        let consumer =
            Consumer::open(&ConsumerBuilder { config: bus, group, topics: &topics, queue_kib: QUEUE_KIB })?;
        let from = job.restore(&consumer)?;
        consumer.start(&from, Start::Earliest)?;
        let (now, read) = (Instant::now(), job.committed().clone());
        Ok(Some(Session {
            ticks: Ticks::new(consumer.partitions(), config.tick_after.0, config.codec, now),
            environment: environment.clone(),
            program,
            outputs,
            ticker: Producer::new(bus)?,
            committed: (now, read.clone()),
            looked: None,
            shown: telemetry::Shown::default(),
            job,
            consumer,
            read,
        }))
    }

    /// Whether other rules are in force than when the session began. Their state comes back from the topics as after
    /// any restart, so that the next session goes on with the alerts of the rules that have stayed.
    pub fn is_outdated(&self) -> bool {
        !Arc::ptr_eq(&self.program, &self.environment.rules.program(self.environment.shard))
    }

    /// Takes in the records that have arrived, at most `max`; waits up to `timeout` for the first.
    ///
    /// # Errors
    /// When reading fails for good.
    pub fn read(&mut self, timeout: Duration, max: usize) -> Result<(), bus::Error> {
        let records = self.consumer.poll(timeout, max)?;
        let now = Instant::now();
        for record in &records {
            self.ticks.hear(record, now);
            self.take(record);
        }
        Ok(())
    }

    /// Writes what can be given, and ticks that are due. Waits for a broker that is away; `false` if told to stop
    /// meanwhile.
    ///
    /// # Errors
    /// [`bus::Error::Fenced`] when another process does the job now, and others after which the session is over.
    pub fn write(&mut self) -> Result<bool, bus::Error> {
        let outputs = self.job.outputs();
        Ok((!self.is_commit_due(&outputs) || self.commit(outputs)?) && self.tick()?)
    }

    /// The job.
    pub fn job(&mut self) -> &mut RulesJob {
        &mut self.job
    }

    /// Shows where the job stands, on the default registry.
    pub fn show(&mut self) {
        telemetry::show(self.job.engine(), &mut self.shown);
        if self.looked.is_none_or(|looked| looked.elapsed() >= LAG_LOOK) {
            self.looked = Some(Instant::now());
            if let Ok(ends) = self.consumer.ends(ENDS_TIMEOUT) {
                telemetry::LAG.set(self.read.lag(&ends));
            }
        }
    }

    fn take(&mut self, record: &Record) {
        let taken = self.job.take(record);
        if self.job.is_read_back(record) {
            return;
        }
        self.read.set(&record.topic, record.partition, record.offset + 1);
        // All shards read the same records: the first one speaks for them.
        let Some(error) = taken.err().filter(|_| self.environment.shard == 0) else { return };
        // The index, which reads all topics, puts it into the dead-letter topic.
        telemetry::UNREADABLE.inc();
        let Record { topic, partition, offset, .. } = record;
        tracing::warn!(topic, partition, offset, %error, "record cannot be read, passed over");
    }

    fn is_commit_due(&self, outputs: &[Outgoing]) -> bool {
        let (when, how_far) = &self.committed;
        !outputs.is_empty() || (when.elapsed() >= IDLE_COMMIT && *how_far != self.read)
    }

    fn commit(&mut self, outputs: Vec<Outgoing>) -> Result<bool, bus::Error> {
        fault::point("processor.commit.before-outputs");
        let input = Input { consumer: &self.consumer, read: &self.read, text: &self.job.mark() };
        let Committed::Yes(refused) = self.outputs.commit(outputs, &input)? else { return Ok(false) };
        fault::point("processor.commit.after-commit");
        for error in refused {
            telemetry::REFUSED_RECORDS.inc();
            tracing::error!(%error, "kafka refuses a result");
        }
        self.committed = (Instant::now(), self.read.clone());
        Ok(true)
    }

    fn tick(&mut self) -> Result<bool, bus::Error> {
        if self.environment.shard != 0 {
            return Ok(true);
        }
        let ticks = self.ticks.due(Instant::now(), Timestamp::now().as_millisecond());
        telemetry::TICKS.inc_by(ticks.len() as u64);
        let Environment { runtime, shutdown, .. } = &self.environment;
        let send = futures::future::try_join_all(ticks.into_iter().map(|tick| self.ticker.send(tick)));
        let sent = runtime.block_on(shutdown.run_until_cancelled(send));
        Ok(sent.transpose()?.is_some())
    }
}
