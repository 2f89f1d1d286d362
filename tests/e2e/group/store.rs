//! A store that instances share, and what is written to it.

use std::{collections::BTreeSet, time::Instant};

use bus::{Outgoing, Producer};
use event::{Codec, Event, Labels, LogBatch, LogEntry, Sample, SampleBatch, Series};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    answers::get,
    basics::{PATIENCE, PAUSE, client, now_ns},
    harness::Service,
};

/// Partitions of the topics, and so shards.
pub const SHARDS: u64 = 4;
/// They spread over the partitions.
const SOURCES: u64 = 8;

pub struct Group {
    pub dir: TempDir,
    /// The embedded broker, unless Kafka is given.
    _broker: Option<Service>,
    pub bus: bus::Config,
    producer: Producer,
    /// Of the group of consumers.
    pub name: String,
    begin_ns: i64,
    /// Numbers of the lines and samples that were acknowledged.
    pub written: BTreeSet<u64>,
}

impl Group {
    /// The instances share a folder.
    pub async fn new() -> Group {
        Group::with("storage: \"DIR/shared\"").await
    }

    /// `storage` are its settings in YAML's flow form.
    pub async fn with(storage: &str) -> Group {
        let dir = tempfile::tempdir().unwrap();
        let kafka = std::env::var("TAILRACE_TEST_KAFKA").ok();
        let data = format!("data_dir={}/broker", dir.path().display());
        let listen = ["--set", "broker.listen=127.0.0.1:0", "--set", "http.listen=127.0.0.1:0"];
        let broker =
            kafka.is_none().then(|| Service::start(&[&["broker", "--set", &data], &listen[..]].concat()));
        let brokers = kafka.unwrap_or_else(|| broker.as_ref().unwrap().address("kafka").to_owned());
        let tag = dir.path().file_name().unwrap().to_string_lossy().replace('.', "");
        let topics = bus::Topics {
            logs: format!("logs-{tag}"),
            metrics: format!("metrics-{tag}"),
            derived: format!("derived-{tag}"),
            alerts: format!("alerts-{tag}"),
            dead_letter: format!("dead-{tag}"),
        };
        let bus = bus::Config { brokers, topics, ..bus::Config::default() };
        bus::admin::create_topics(&bus).await.unwrap();
        let producer = Producer::new(&bus).unwrap();
        let group = Group {
            dir,
            _broker: broker,
            bus,
            producer,
            name: format!("group-{tag}"),
            begin_ns: now_ns(),
            written: BTreeSet::new(),
        };
        std::fs::write(group.dir.path().join("index.yaml"), group.config(storage)).unwrap();
        group
    }

    fn config(&self, storage: &str) -> String {
        let bus::Topics { logs, metrics, derived, alerts, dead_letter } = &self.bus.topics;
        format!(
            "http: {{listen: \"127.0.0.1:0\"}}\n\
             bus:\n  brokers: \"{}\"\n  topics: {{logs: {logs}, metrics: {metrics}, derived: {derived}, \
             alerts: {alerts}, dead_letter: {dead_letter}}}\n\
             index: {{group: {}, {}, session_timeout: 6s}}\n",
            self.bus.brokers,
            self.name,
            storage.replace("DIR", &self.dir.path().to_string_lossy())
        )
    }

    /// An instance with a folder of its own.
    pub fn instance(&self, name: &str) -> Service {
        Service::start(&self.args(name).each_ref().map(String::as_str))
    }

    /// The command line of an instance.
    pub fn args(&self, name: &str) -> [String; 5] {
        let config = self.dir.path().join("index.yaml").display().to_string();
        let data = format!("data_dir={}/{name}", self.dir.path().display());
        ["index".into(), "--config".into(), config, "--set".into(), data]
    }

    /// Writes so many more lines and samples, each with a number of its own.
    pub async fn write(&mut self, count: u64) {
        let first = self.written.len() as u64;
        for number in first..first + count {
            let source = format!("source-{}", number % SOURCES);
            self.send(&self.bus.topics.logs, &source, &Event::Logs(self.line(number, &source))).await;
            self.send(&self.bus.topics.metrics, &source, &Event::Samples(self.sample(number, &source))).await;
            self.written.insert(number);
        }
    }

    async fn send(&self, topic: &str, source: &str, event: &Event) {
        let (topic, key) = (topic.to_owned(), source.as_bytes().to_vec());
        let value = event::encode(event, Codec::Batch).remove(0);
        self.producer.send(Outgoing { topic, key, value, partition: None }).await.unwrap();
    }

    fn line(&self, number: u64, source: &str) -> LogBatch {
        let entry = LogEntry {
            timestamp_ns: self.begin_ns + number as i64,
            line: format!("number {number};").into(),
            position: number + 1,
            ..LogEntry::default()
        };
        let labels = Labels::from([("job", "group"), ("source", source)]);
        // Half of them as clients push them, without an identity: only their offsets tell them apart.
        let source = if number.is_multiple_of(2) { source } else { "" };
        LogBatch { source: source.into(), labels, entries: vec![entry] }
    }

    fn sample(&self, number: u64, source: &str) -> SampleBatch {
        let samples =
            vec![Sample { timestamp_ms: self.begin_ns / 1_000_000 + number as i64, value: number as f64 }];
        let labels = Labels::from([("__name__", "numbers"), ("source", source)]);
        let series = vec![Series { labels, samples }];
        SampleBatch { source: source.into(), position: number + 1, series, ..SampleBatch::default() }
    }

    /// Every shard has a segment and a manifest where all instances see them.
    pub fn check_storage(&self) {
        for shard in 0..SHARDS {
            let folder = self.dir.path().join("shared").join(shard.to_string());
            let names: Vec<_> =
                std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name()).collect();
            let any = |test: fn(&str) -> bool| names.iter().any(|name| test(name.to_str().unwrap()));
            assert!(
                any(|name| name.ends_with(".seg")) && any(|name| name.starts_with("manifest-")),
                "{names:?}"
            );
        }
    }

    /// Waits until an instance finds every line and every sample, and never one of them twice.
    pub async fn check(&self, instance: &Service) {
        let begin = Instant::now();
        loop {
            let (lines, samples) = (lines(instance).await, samples(instance).await);
            let found: BTreeSet<u64> = lines.iter().copied().collect();
            assert_eq!(found.len(), lines.len(), "lines are doubled");
            assert!(samples <= self.written.len() as u64, "samples are doubled");
            if found == self.written && samples == self.written.len() as u64 {
                return;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "{} lines and {samples} samples of {}",
                lines.len(),
                self.written.len()
            );
            tokio::time::sleep(PAUSE).await;
        }
    }
}

pub fn url(instance: &Service, path: &str) -> String {
    format!("http://{}{path}", instance.address("http"))
}

pub async fn lines(instance: &Service) -> Vec<u64> {
    let parameters = [("query", "{job=\"group\"}"), ("limit", "5000"), ("since", "1h")];
    let answer = get(&url(instance, "/loki/api/v1/query_range"), &parameters).await;
    let streams = answer["data"]["result"].as_array().unwrap();
    let values = streams.iter().flat_map(|stream| stream["values"].as_array().unwrap());
    let number = |value: &Value| {
        let text = value[1].as_str().unwrap().strip_prefix("number ").unwrap();
        text.strip_suffix(';').unwrap().parse().unwrap()
    };
    values.map(number).collect()
}

pub async fn samples(instance: &Service) -> u64 {
    let query = [("query", "sum(count_over_time(numbers[1h]))")];
    let answer = get(&url(instance, "/api/v1/query"), &query).await;
    answer["data"]["result"][0]["value"][1].as_str().map_or(0, |count| count.parse().unwrap())
}

async fn owned(instance: &Service) -> u64 {
    get(&url(instance, "/api/status"), &[]).await["index"]["owned_shards"].as_u64().unwrap()
}

/// Waits until the instances share all shards, each with at least `least`.
pub async fn shared(instances: &[&Service], least: u64) {
    let begin = Instant::now();
    loop {
        let mut counts = Vec::new();
        for instance in instances {
            counts.push(owned(instance).await);
        }
        if counts.iter().sum::<u64>() == SHARDS && counts.iter().all(|count| *count >= least) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "shards are not shared: {counts:?}");
        tokio::time::sleep(PAUSE).await;
    }
}

pub async fn post(instance: &Service, path: &str, parameters: &[(&str, &str)]) {
    let response = client().post(url(instance, path)).query(parameters).send().await.unwrap();
    assert_eq!(response.status(), 204, "{path}: {}", response.text().await.unwrap());
}

pub async fn wait_for_lines(instance: &Service, expected: &BTreeSet<u64>) {
    let begin = Instant::now();
    while lines(instance).await.into_iter().collect::<BTreeSet<u64>>() != *expected {
        assert!(begin.elapsed() < PATIENCE, "other lines");
        tokio::time::sleep(PAUSE).await;
    }
}
