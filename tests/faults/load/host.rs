//! Samples of this host. Nobody numbers them but their source: within the life of a shipper its positions have no gap,
//! and what is on the topic is answered.

use std::time::Duration;

use bus::{Consumer, ConsumerBuilder, Offsets, Start};
use event::{Event, SampleBatch};
use parking_lot::Mutex;

use crate::answers::Answers;

const SOURCE: &str = "faults/node";
const METRIC: &str = "node_time_seconds";
/// A new life begins with the time in microseconds, far above the last position.
const NEW_LIFE: u64 = 1_000;
const TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(200);

/// Reads the topic on and on.
#[derive(Default)]
pub struct Host {
    read: Mutex<Read>,
}

#[derive(Default)]
struct Read {
    offsets: Offsets,
    last: u64,
    times: Vec<i64>,
}

impl Host {
    /// Whether there are samples since `since_ms`, without a gap, and all of them are answered.
    pub async fn judge(&self, bus: bus::Config, answers: &Answers, since_ms: i64) -> Result<bool, String> {
        let Some(times) = tokio::task::block_in_place(|| self.read_on(&bus, since_ms))? else {
            return Ok(false);
        };
        let Some(newest) = times.last().copied() else { return Ok(false) };
        let span = [since_ms - 1, newest];
        let Some(found) = answers.samples(METRIC, span).await else { return Ok(false) };
        let found: Vec<i64> = found.into_iter().map(|(at, _)| at).collect();
        match found.iter().find(|at| !times.contains(at)) {
            Some(stranger) => Err(format!("{METRIC}: nothing was sent at {stranger}: {times:?}")),
            None => Ok(found == times),
        }
    }

    /// The times since `since_ms` that are on the topic; `None` when the broker does not answer.
    fn read_on(&self, bus: &bus::Config, since_ms: i64) -> Result<Option<Vec<i64>>, String> {
        let mut read = self.read.lock();
        if read.poll(bus)?.is_none() {
            return Ok(None);
        }
        Ok(Some(read.times.iter().copied().filter(|at| *at >= since_ms).collect()))
    }
}

impl Read {
    fn poll(&mut self, bus: &bus::Config) -> Result<Option<()>, String> {
        let topics = [bus.topics.metrics.as_str()];
        let builder = ConsumerBuilder { config: bus, group: "faults-host", topics: &topics, queue_kib: 4096 };
        let open = || {
            let consumer = Consumer::open(&builder)?;
            let ends = consumer.ends(TIMEOUT)?;
            consumer.start(&self.offsets, Start::Earliest)?;
            Ok::<_, bus::Error>((consumer, ends))
        };
        let Ok((consumer, ends)) = open() else { return Ok(None) };
        let begin = std::time::Instant::now();
        while begin.elapsed() < TIMEOUT && !self.offsets.reached(&ends) {
            let Ok(records) = consumer.poll(POLL, 1000) else { return Ok(None) };
            for record in records {
                if let Ok(Event::Samples(batch)) = event::decode(&record.value) {
                    self.note(&batch)?;
                }
                self.offsets.set(&record.topic, record.partition, record.offset + 1);
            }
        }
        Ok(self.offsets.reached(&ends).then_some(()))
    }

    /// What is sent again has the same position.
    fn note(&mut self, batch: &SampleBatch) -> Result<(), String> {
        if batch.source != SOURCE || batch.position <= self.last {
            return Ok(());
        }
        let gap = batch.position - self.last;
        if self.last > 0 && (2..NEW_LIFE).contains(&gap) {
            return Err(format!("{SOURCE}: position {} follows on {}", batch.position, self.last));
        }
        self.last = batch.position;
        let series = batch.series.iter().find(|series| series.labels.metric_name() == METRIC);
        self.times.extend(series.and_then(|series| series.samples.first()).map(|sample| sample.timestamp_ms));
        Ok(())
    }
}
