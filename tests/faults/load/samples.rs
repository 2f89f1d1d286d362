//! Numbered samples. Beside the number each has a wave, by which alerts fire and end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bus::{Outgoing, Producer};
use event::{Codec, Event, Labels, METRIC_NAME, Sample, SampleBatch, Series};
use tokio::task::JoinSet;

use crate::basics::now_ns;

/// Milliseconds from one sample of a lane to the next.
const STEP_MS: u64 = 50;
/// Samples in a second, after which rules are evaluated.
pub const SECOND: u64 = 1000 / STEP_MS;
/// Samples from one wave to the next; it is high in the first half.
pub const WAVE: u64 = 6 * SECOND;

/// One lane for each partition, so that event time goes on in all of them.
pub struct Samples {
    bus: bus::Config,
    begin_ms: i64,
    acknowledged: Vec<AtomicU64>,
}

impl Samples {
    pub fn new(bus: bus::Config) -> Samples {
        let begin_ms = now_ns() / 1_000_000_000 * 1000;
        let acknowledged = (0..bus.partitions).map(|_| AtomicU64::new(0)).collect();
        Samples { bus, begin_ms, acknowledged }
    }

    /// Starts a writer for each lane.
    pub fn start(self: &Arc<Self>, tasks: &mut JoinSet<()>) {
        for lane in 0..self.acknowledged.len() {
            let samples = self.clone();
            tasks.spawn(async move { samples.run(lane).await });
        }
    }

    /// When a number was measured, in milliseconds.
    pub fn time(&self, number: u64) -> i64 {
        self.begin_ms + (number * STEP_MS) as i64
    }

    /// How many samples of each lane the broker has acknowledged.
    pub fn acknowledged(&self) -> Vec<u64> {
        self.acknowledged.iter().map(|count| count.load(Ordering::SeqCst)).collect()
    }

    /// Sends each number at its time, and until it is acknowledged, at the same position: as the shipper does.
    async fn run(&self, lane: usize) {
        let mut producer = Producer::new(&self.bus).expect("settings are right");
        for number in 0.. {
            while producer.send(self.record(lane, number)).await.is_err() {
                producer = Producer::new(&self.bus).expect("settings are right");
            }
            self.acknowledged[lane].store(number + 1, Ordering::SeqCst);
            let early = self.time(number + 1) - now_ns() / 1_000_000;
            tokio::time::sleep(Duration::from_millis(early.max(0) as u64)).await;
        }
    }

    fn record(&self, lane: usize, number: u64) -> Outgoing {
        let value = |metric: &str, value: u64| Series {
            labels: Labels::from([(METRIC_NAME, metric), ("lane", &lane.to_string())]),
            samples: vec![Sample { timestamp_ms: self.time(number), value: value as f64 }],
        };
        let source = format!("faults/{lane}");
        let batch = SampleBatch {
            source: source.clone(),
            position: number + 1,
            series: vec![value("fault_number", number), value("fault_wave", wave(number))],
            families: Vec::new(),
        };
        let value = event::encode(&Event::Samples(batch), Codec::Batch).remove(0);
        let topic = self.bus.topics.metrics.clone();
        Outgoing { topic, key: source.into_bytes(), value, partition: Some(lane as i32) }
    }
}

/// The number of the wave, from 1 on, where it is high; else 0.
fn wave(number: u64) -> u64 {
    if number % WAVE < WAVE / 2 { number / WAVE + 1 } else { 0 }
}
