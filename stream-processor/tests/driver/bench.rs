//! Topics and rules of their own for each test, and what is in the topics.

use std::time::{Duration, Instant};

use bus::{Consumer, ConsumerBuilder, Offsets, Outgoing, Producer, Record, Start, Topics, broker::Broker};
use event::{Alert, AlertState, Codec, Event, Labels, Sample, SampleBatch, Series};
use stream_processor::{Config, run_rules};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub const PATIENCE: Duration = Duration::from_secs(120);

const RULES: &str = "
groups:
  - name: g
    interval: 1s
    rules:
      - {record: doubled, expr: x * 2}
      - {alert: High, expr: doubled > 10, for: 3s}
";

pub struct Bench {
    folder: TempDir,
    pub broker: Option<Broker>,
    pub bus: bus::Config,
    pub config: Config,
}

impl Bench {
    /// `tag` tells the tests apart.
    pub async fn new(tag: &str) -> Self {
        let mut bench = Self::without_broker(tag);
        match std::env::var("TAILRACE_TEST_KAFKA") {
            Ok(brokers) => bench.bus.brokers = brokers,
            Err(_) => bench.start_broker("127.0.0.1:0").await,
        }
        bus::admin::create_topics(&bench.bus).await.unwrap();
        bench
    }

    pub fn without_broker(tag: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let config = Config {
            rules: Some(vec![path("*.yml")]),
            windows: Some(path("windows.yaml")),
            tick_after: config::Duration(Duration::from_millis(100)),
            lateness: config::Duration::default(),
            ..Config::default()
        };
        let bus = bus::Config { partitions: 2, topics: topics(tag), ..bus::Config::default() };
        let bench = Bench { folder, broker: None, bus, config };
        bench.write_rules(RULES, "windows: []");
        bench
    }

    pub fn write_rules(&self, rules: &str, windows: &str) {
        std::fs::write(self.folder.path().join("rules.yml"), rules).unwrap();
        std::fs::write(self.folder.path().join("windows.yaml"), windows).unwrap();
    }

    pub async fn start_broker(&mut self, listen: &str) {
        let config = bus::broker::Config {
            listen: listen.parse().unwrap(),
            data_dir: self.folder.path().join("kafka"),
            ..bus::broker::Config::default()
        };
        let broker = Broker::start(config).await.unwrap();
        self.bus.brokers = broker.addr().to_string();
        self.broker = Some(broker);
    }

    pub fn run(&self) -> stream_processor::Running {
        run_rules(&self.bus, &self.config, CancellationToken::new()).unwrap()
    }

    pub async fn send(&self, time_ms: i64, value: f64) {
        let labels = Labels::from([("__name__", "x"), ("host", "a")]);
        let series = vec![Series { labels, samples: vec![Sample { timestamp_ms: time_ms, value }] }];
        let batch = SampleBatch {
            source: "a/host".into(),
            position: time_ms as u64,
            series,
            ..SampleBatch::default()
        };
        for value in event::encode(&Event::Samples(batch), Codec::Batch) {
            self.send_value(value).await;
        }
    }

    pub async fn send_value(&self, value: Vec<u8>) {
        let topic = self.bus.topics.metrics.clone();
        let record = Outgoing { topic, key: b"a/host".to_vec(), value, partition: None };
        Producer::new(&self.bus).unwrap().send(record).await.unwrap();
    }

    /// Everything in a topic, once `enough` says so.
    pub fn read(&self, topic: &str, enough: impl Fn(&[Record]) -> bool) -> Vec<Record> {
        let builder = ConsumerBuilder { config: &self.bus, group: "test", topics: &[topic], queue_kib: 1024 };
        let consumer = Consumer::open(&builder).unwrap();
        consumer.start(&Offsets::default(), Start::Earliest).unwrap();
        let (mut records, start) = (Vec::new(), Instant::now());
        while !enough(&records) {
            assert!(start.elapsed() < PATIENCE, "{topic} holds only {} records", records.len());
            records.extend(consumer.poll(Duration::from_millis(100), 100).unwrap());
        }
        records
    }

    /// The states in the alert topic, once `last` is among them.
    pub fn states(&self, last: AlertState) -> Vec<AlertState> {
        self.states_until(|states| states.contains(&last))
    }

    pub fn states_until(&self, enough: impl Fn(&[AlertState]) -> bool) -> Vec<AlertState> {
        let all = |records: &[Record]| -> Vec<AlertState> {
            records.iter().map(|r| Alert::from_json(&r.value).unwrap().state).collect()
        };
        all(&self.read(&self.bus.topics.alerts, |records| enough(&all(records))))
    }

    /// As if the process had been killed before its last commits.
    pub fn forget_commits_behind(&self, step: i64) {
        let topic = self.bus.topics.metrics.as_str();
        let builder = ConsumerBuilder {
            config: &self.bus,
            group: &self.config.group,
            topics: &[topic],
            queue_kib: 1024,
        };
        let consumer = Consumer::open(&builder).unwrap();
        let zero = Offsets::from(vec![(topic.to_owned(), 0, 0), (topic.to_owned(), 1, 0)]);
        consumer.commit(&zero, &format!("{{\"version\":1,\"step\":{step}}}")).unwrap();
    }
}

/// Waits until it is so.
pub async fn wait(what: &str, is: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < PATIENCE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn topics(tag: &str) -> Topics {
    let name = |topic: &str| format!("{topic}-{tag}-{}", std::process::id());
    Topics {
        logs: name("logs"),
        metrics: name("metrics"),
        derived: name("derived"),
        alerts: name("alerts"),
        dead_letter: name("dead"),
    }
}
