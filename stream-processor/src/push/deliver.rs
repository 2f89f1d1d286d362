//! The loop of one target: read, deliver until it is taken, commit.

use std::{
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBuilder};
use bus::{Consumer, ConsumerBuilder, Offsets, Record, Start};
use event::Event;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{
    target::{Outcome, Target},
    telemetry::TELEMETRY,
};

const POLL: Duration = Duration::from_millis(250);
const RECORDS_PER_DELIVERY: usize = 500;
const QUEUE_KIB: u32 = 4096;
/// Pause before a broker that is away is asked again.
const RECONNECT: Duration = Duration::from_secs(1);

/// Starts the thread of a target.
pub fn start(bus: &bus::Config, target: Box<dyn Target>, shutdown: CancellationToken) -> JoinHandle<()> {
    let group = format!("tailrace-push-{}", target.name());
    let (bus, runtime) = (bus.clone(), Handle::current());
    let delivery = Delivery { bus, group, target, runtime, shutdown, read: Offsets::default() };
    let thread = thread::Builder::new().name("push".into()).spawn(move || delivery.run());
    thread.expect("the system can start a thread")
}

struct Delivery {
    bus: bus::Config,
    group: String,
    target: Box<dyn Target>,
    runtime: Handle,
    shutdown: CancellationToken,
    /// What the target has taken note of, delivered or not.
    read: Offsets,
}

impl Delivery {
    fn run(mut self) {
        while !self.shutdown.is_cancelled() {
            if let Err(error) = self.session() {
                tracing::warn!(target = self.target.name(), %error, "push cannot read the bus, will try again");
                self.pause(RECONNECT);
            }
        }
    }

    /// From connecting to the first error.
    fn session(&mut self) -> Result<(), bus::Error> {
        let consumer = self.connect()?;
        let mut last = Instant::now();
        while !self.shutdown.is_cancelled() {
            self.read_some(&consumer)?;
            if self.target.due_in(last.elapsed()) == Some(Duration::ZERO) && self.deliver(&consumer) {
                last = Instant::now();
            }
        }
        Ok(())
    }

    /// Reads on where this thread has come to, or the one before it.
    fn connect(&self) -> Result<Consumer, bus::Error> {
        let Delivery { bus, group, .. } = self;
        let topics = [bus.topics.metrics.as_str(), bus.topics.derived.as_str()];
        let consumer =
            Consumer::open(&ConsumerBuilder { config: bus, group, topics: &topics, queue_kib: QUEUE_KIB })?;
        let committed = consumer.committed()?.into_iter();
        let list: Vec<_> = committed.map(|((topic, p), next, _)| (topic, p, next)).collect();
        let mut from = Offsets::from(list);
        from.raise(&self.read);
        consumer.start(&from, Start::Earliest)?;
        Ok(consumer)
    }

    fn read_some(&mut self, consumer: &Consumer) -> Result<(), bus::Error> {
        for record in consumer.poll(POLL, RECORDS_PER_DELIVERY)? {
            self.read.set(&record.topic, record.partition, record.offset + 1);
            self.take(&record);
        }
        Ok(())
    }

    fn take(&mut self, record: &Record) {
        match event::decode(&record.value) {
            Ok(Event::Samples(batch)) => self.target.take(&batch),
            Ok(_) => {}
            Err(_) => TELEMETRY.undecodable.with_label_values(&[self.target.name()]).inc(),
        }
    }

    /// Tries until the target has everything; `false` when the process ends before that.
    fn deliver(&mut self, consumer: &Consumer) -> bool {
        let mut pauses = pauses();
        fault::point("push.deliver.before-send");
        loop {
            let reason = match self.runtime.block_on(self.shutdown.run_until_cancelled(self.target.deliver()))
            {
                None => return false,
                Some(Outcome::Failed(reason)) => reason,
                Some(Outcome::Taken | Outcome::Refused(_)) => break,
            };
            tracing::warn!(target = self.target.name(), %reason, "push failed, will try again");
            TELEMETRY.retries.with_label_values(&[self.target.name()]).inc();
            self.pause(pauses.next().unwrap_or_default());
        }
        fault::point("push.deliver.after-taken");
        // Not committed means delivered again after a restart, not lost: the next commit covers it.
        if let Err(error) = consumer.commit(&self.read, "") {
            tracing::warn!(target = self.target.name(), %error, "offsets not committed, will try again");
        }
        fault::point("push.deliver.after-commit");
        true
    }

    fn pause(&self, time: Duration) {
        bus::pause(&self.runtime, &self.shutdown, time);
    }
}

/// From 100 ms to 10 s, without an end.
fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(10))
        .with_jitter()
        .without_max_times()
        .build()
}
