//! Numbered samples. Beside the number each has a wave, by which alerts fire and end. Some go into the topic, as the
//! shipper puts them there; the last lane goes by remote write.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bus::{Outgoing, Producer};
use event::{
    Codec, Event, Labels, METRIC_NAME, Sample, SampleBatch, Series,
    proto::remote_write::{self as proto, Label, TimeSeries, WriteRequest},
};
use prost::Message;
use tokio::task::JoinSet;

use super::{PAUSE, push::Client};
use crate::basics::now_ns;

/// Milliseconds from one sample of a lane to the next.
const STEP_MS: u64 = 50;
/// Samples in a second, after which rules are evaluated.
pub const SECOND: u64 = 1000 / STEP_MS;
/// Samples from one wave to the next; it is high in the first half.
pub const WAVE: u64 = 6 * SECOND;

/// Samples in one request at most.
const REQUEST: u64 = 100;

/// One lane for each partition, so that event time goes on in all of them, and one for remote write.
pub struct Samples {
    bus: bus::Config,
    push_url: String,
    begin_ms: i64,
    acknowledged: Vec<AtomicU64>,
}

impl Samples {
    pub fn new(bus: bus::Config, push_url: String) -> Samples {
        let begin_ms = now_ns() / 1_000_000_000 * 1000;
        let acknowledged = (0..=bus.partitions).map(|_| AtomicU64::new(0)).collect();
        Samples { bus, push_url, begin_ms, acknowledged }
    }

    /// Starts a writer for each lane.
    pub fn start(self: &Arc<Self>, tasks: &mut JoinSet<()>) {
        for lane in 0..self.direct() {
            let samples = self.clone();
            tasks.spawn(async move { samples.run(lane).await });
        }
        let samples = self.clone();
        tasks.spawn(async move { samples.write(samples.direct()).await });
    }

    /// How many lanes go into the topic.
    pub fn direct(&self) -> usize {
        self.bus.partitions as usize
    }

    /// When a number was measured, in milliseconds.
    pub fn time(&self, number: u64) -> i64 {
        self.begin_ms + (number * STEP_MS) as i64
    }

    /// How many samples of each lane the broker has acknowledged.
    pub fn acknowledged(&self) -> Vec<u64> {
        self.acknowledged.iter().map(|count| count.load(Ordering::SeqCst)).collect()
    }

    /// Sends what has been measured since the last acknowledgement, and until it is acknowledged, at the same position: as
    /// the shipper does.
    async fn run(&self, lane: usize) {
        let mut producer = Producer::new(&self.bus).expect("settings are right");
        let mut first = 0;
        loop {
            let numbers = self.measured(first).await;
            while producer.send(self.record(lane, numbers.clone())).await.is_err() {
                producer = Producer::new(&self.bus).expect("settings are right");
            }
            first = numbers.end;
            self.acknowledged[lane].store(first, Ordering::SeqCst);
        }
    }

    /// The numbers from `first` on whose time has come; at least one.
    async fn measured(&self, first: u64) -> Range<u64> {
        self.wait_for(first).await;
        let passed = (now_ns() / 1_000_000 - self.begin_ms) as u64 / STEP_MS;
        first..(passed + 1).clamp(first + 1, first + REQUEST)
    }

    async fn wait_for(&self, number: u64) {
        let early = self.time(number) - now_ns() / 1_000_000;
        tokio::time::sleep(Duration::from_millis(early.max(0) as u64)).await;
    }

    /// Sends what has been measured since the last answer, and until there is one: equal samples replace each other.
    async fn write(&self, lane: usize) {
        let client = Client::new(self.push_url.clone());
        let mut first = 0;
        loop {
            let numbers = self.measured(first).await;
            let timeseries = [("fault_number", number as fn(u64) -> u64), ("fault_wave", wave)]
                .map(|(metric, value)| self.series(metric, lane, numbers.clone(), value));
            let request = WriteRequest { timeseries: timeseries.into(), metadata: Vec::new() };
            let body = snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).expect("small");
            while !client.write(body.clone()).await {
                tokio::time::sleep(PAUSE).await;
            }
            first = numbers.end;
            self.acknowledged[lane].store(first, Ordering::SeqCst);
        }
    }

    fn series(&self, metric: &str, lane: usize, numbers: Range<u64>, value: fn(u64) -> u64) -> TimeSeries {
        let label = |name: &str, value: &str| Label { name: name.into(), value: value.into() };
        let sample = |n| proto::Sample { value: value(n) as f64, timestamp: self.time(n) };
        TimeSeries {
            labels: vec![label(METRIC_NAME, metric), label("lane", &lane.to_string())],
            histograms: Vec::new(),
            samples: numbers.map(sample).collect(),
        }
    }

    fn record(&self, lane: usize, numbers: Range<u64>) -> Outgoing {
        let sample = |number, value: u64| Sample { timestamp_ms: self.time(number), value: value as f64 };
        let series = |metric: &str, value: fn(u64) -> u64| Series {
            labels: Labels::from([(METRIC_NAME, metric), ("lane", &lane.to_string())]),
            samples: numbers.clone().map(|n| sample(n, value(n))).collect(),
        };
        let source = format!("faults/{lane}");
        let batch = SampleBatch {
            source: source.clone(),
            position: numbers.end,
            series: vec![series("fault_number", number), series("fault_wave", wave)],
            ..SampleBatch::default()
        };
        let value = event::encode(&Event::Samples(batch), Codec::Batch).remove(0);
        let topic = self.bus.topics.metrics.clone();
        Outgoing { topic, key: source.into_bytes(), value, partition: Some(lane as i32) }
    }
}

fn number(number: u64) -> u64 {
    number
}

/// The number of the wave, from 1 on, where it is high; else 0.
fn wave(number: u64) -> u64 {
    if number % WAVE < WAVE / 2 { number / WAVE + 1 } else { 0 }
}
