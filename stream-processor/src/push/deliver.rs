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
    Error,
    target::{Outcome, Target},
    telemetry::TELEMETRY,
};

const POLL: Duration = Duration::from_millis(250);
const RECORDS_PER_DELIVERY: usize = 500;
const QUEUE_KIB: u32 = 4096;

/// Starts the thread of a target.
pub fn start(
    bus: &bus::Config,
    target: Box<dyn Target>,
    shutdown: CancellationToken,
) -> Result<JoinHandle<()>, Error> {
    let group = format!("tailrace-push-{}", target.name());
    let topics = [bus.topics.metrics.as_str(), bus.topics.derived.as_str()];
    let consumer = Consumer::open(&ConsumerBuilder {
        config: bus,
        group: &group,
        topics: &topics,
        queue_kib: QUEUE_KIB,
    })?;
    let runtime = Handle::current();
    let delivery = Delivery { consumer, target, runtime, shutdown, read: Offsets::default() };
    let thread = thread::Builder::new().name("push".into()).spawn(move || delivery.run());
    Ok(thread.expect("the system can start a thread"))
}

struct Delivery {
    consumer: Consumer,
    target: Box<dyn Target>,
    runtime: Handle,
    shutdown: CancellationToken,
    read: Offsets,
}

impl Delivery {
    fn run(mut self) {
        let ended = self.start().and_then(|()| {
            let mut last = Instant::now();
            while !self.shutdown.is_cancelled() {
                self.read_some()?;
                if self.target.due_in(last.elapsed()) == Some(Duration::ZERO) && self.deliver() {
                    last = Instant::now();
                }
            }
            Ok(())
        });
        if let Err(error) = ended {
            tracing::error!(target = self.target.name(), %error, "push has ended");
        }
    }

    fn start(&self) -> Result<(), bus::Error> {
        let committed = self.consumer.committed()?;
        let list: Vec<_> = committed.into_iter().map(|((topic, p), next, _)| (topic, p, next)).collect();
        self.consumer.start(&Offsets::from(list), Start::Earliest)
    }

    fn read_some(&mut self) -> Result<(), bus::Error> {
        for record in self.consumer.poll(POLL, RECORDS_PER_DELIVERY)? {
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
    fn deliver(&mut self) -> bool {
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
            let pause = pauses.next().unwrap_or_default();
            self.runtime.block_on(async {
                let _ = tokio::time::timeout(pause, self.shutdown.cancelled()).await;
            });
        }
        fault::point("push.deliver.after-taken");
        // Not committed means delivered again after a restart, not lost: the next commit covers it.
        if let Err(error) = self.consumer.commit(&self.read, "") {
            tracing::warn!(target = self.target.name(), %error, "offsets not committed, will try again");
        }
        fault::point("push.deliver.after-commit");
        true
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
