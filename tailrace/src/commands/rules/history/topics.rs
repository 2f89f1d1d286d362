//! The past as the topics hold it still.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use bus::{Consumer, ConsumerBuilder, Record, Start};
use event::{Event, SampleBatch};
use stream_processor::{engine::program::Program, replay::TopicReplay};
use tokio::sync::mpsc;

use super::{Sink, Span, progress, settings};
use crate::args::HistoryArgs;

const QUEUE_KIB: u32 = 16 << 10;
const POLL: Duration = Duration::from_millis(50);
const POLL_RECORDS: usize = 1_000;
const ENDS_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the topics are.
pub struct Topics {
    bus: bus::Config,
    lateness_ms: i64,
}

impl Topics {
    pub async fn of(args: &HistoryArgs) -> Result<Self> {
        let settings = settings(args).await?;
        Ok(Topics { bus: settings.bus, lateness_ms: settings.processor.lateness.millis() })
    }

    pub async fn replay(&self, programs: &[Arc<Program>], span: Span, sink: &mut impl Sink) -> Result<bool> {
        let names = &self.bus.topics;
        let logs = programs.iter().any(|program| program.reads_logs()).then(|| names.logs.clone());
        let input = Reader::open(&self.bus, [names.metrics.clone()].into_iter().chain(logs).collect())?;
        let mut replays: Vec<TopicReplay> =
            programs.iter().map(|program| self.begin(program, &input, span)).collect();
        let history_ms = replays.iter().map(TopicReplay::history_ms).max().unwrap_or(0);
        let since_ms = span.0.saturating_sub(history_ms);
        let mut found = self.feed_derived(since_ms, span.1, &mut replays).await?;
        let mut records = input.read(since_ms)?;
        while let Some(batch) = records.recv().await {
            found |= feed(&batch?, span.1, &mut replays);
            for (at, replay) in replays.iter_mut().enumerate() {
                sink.take(at, replay.advance(), replay.take_problems()).await?;
            }
            if replays.iter().all(TopicReplay::is_over) {
                break;
            }
        }
        for (at, replay) in replays.iter_mut().enumerate() {
            sink.take(at, replay.finish(), replay.take_problems()).await?;
        }
        Ok(found)
    }

    fn begin(&self, program: &Arc<Program>, input: &Reader, span: Span) -> TopicReplay {
        let partitions = input.consumer.partitions().iter();
        let read = partitions.filter(|(topic, _)| *topic == self.bus.topics.metrics || program.reads_logs());
        TopicReplay::new(program.clone(), read.cloned().collect(), self.lateness_ms, span)
    }

    async fn feed_derived(&self, since_ms: i64, to_ms: i64, replays: &mut [TopicReplay]) -> Result<bool> {
        let mut found = false;
        let mut records = Reader::open(&self.bus, vec![self.bus.topics.derived.clone()])?.read(since_ms)?;
        while let Some(batch) = records.recv().await {
            for record in batch? {
                if let Ok(Event::Samples(batch)) = event::decode(&record.value) {
                    found |= has_samples(&batch, to_ms);
                    replays.iter_mut().for_each(|replay| replay.feed_derived(&batch));
                }
            }
        }
        Ok(found)
    }
}

/// What nobody can read is passed over, as by the processor. Answers whether there was anything up to `to_ms`.
fn feed(records: &[Record], to_ms: i64, replays: &mut [TopicReplay]) -> bool {
    let mut found = false;
    for record in records {
        let partition = (record.topic.clone(), record.partition);
        if let Ok(event) = event::decode(&record.value) {
            found |= match &event {
                Event::Samples(batch) => has_samples(batch, to_ms),
                Event::Logs(batch) => {
                    batch.entries.iter().any(|entry| entry.timestamp_ns.div_euclid(1_000_000) <= to_ms)
                }
                Event::Tick(_) => false,
            };
            replays.iter_mut().for_each(|replay| replay.feed(&partition, record.timestamp_ms, &event));
        }
    }
    found
}

fn has_samples(batch: &SampleBatch, to_ms: i64) -> bool {
    let numbers = batch.series.iter().flat_map(|series| &series.samples).map(|sample| sample.timestamp_ms);
    let histograms =
        batch.histograms.iter().flat_map(|series| &series.samples).map(|sample| sample.timestamp_ms);
    numbers.chain(histograms).any(|timestamp_ms| timestamp_ms <= to_ms)
}

/// Reads topics to their ends as of now, on a thread of its own.
struct Reader {
    consumer: Consumer,
}

impl Reader {
    fn open(bus: &bus::Config, topics: Vec<String>) -> Result<Self> {
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        let group = "tailrace-replay";
        let builder = ConsumerBuilder { config: bus, group, topics: &topics, queue_kib: QUEUE_KIB };
        Ok(Reader { consumer: Consumer::open(&builder)? })
    }

    /// The records that were written at `since_ms` or later. It stops when nobody receives them any more.
    fn read(self, since_ms: i64) -> Result<mpsc::Receiver<Result<Vec<Record>, bus::Error>>> {
        let (sender, receiver) = mpsc::channel(4);
        let (from, ends) = (self.consumer.offsets_by_time(since_ms)?, self.consumer.ends(ENDS_TIMEOUT)?);
        self.consumer.start(&from, Start::Earliest)?;
        let bar = progress(from.lag(&ends).unsigned_abs());
        tokio::task::spawn_blocking(move || {
            let next = || match self.consumer.has_read(&from, &ends) {
                Ok(true) => None,
                Ok(false) => Some(self.consumer.poll(POLL, POLL_RECORDS)),
                Err(error) => Some(Err(error)),
            };
            while let Some(batch) = next() {
                bar.inc(batch.as_ref().map_or(0, |records| records.len() as u64));
                let failed = batch.is_err();
                if sender.blocking_send(batch).is_err() || failed {
                    break;
                }
            }
            bar.finish_and_clear();
        });
        Ok(receiver)
    }
}
