//! The rules job between the topics of the embedded broker.

use std::time::{Duration, Instant};

use bus::{Consumer, ConsumerBuilder, Offsets, Outgoing, Producer, Record, Start, broker::Broker};
use event::{Alert, AlertState, Codec, Event, Labels, Sample, SampleBatch, Series};
use jiff::Timestamp;
use stream_processor::{Config, rules_job::GROUP, run_rules};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(30);

const RULES: &str = "
groups:
  - name: g
    interval: 1s
    rules:
      - {record: doubled, expr: x * 2}
      - {alert: High, expr: doubled > 10, for: 3s}
";

struct Bench {
    folder: TempDir,
    broker: Option<Broker>,
    bus: bus::Config,
    config: Config,
}

impl Bench {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        std::fs::write(path("rules.yml"), RULES).unwrap();
        std::fs::write(path("windows.yaml"), "windows: []").unwrap();
        let config = Config {
            rules: Some(vec![path("*.yml")]),
            windows: Some(path("windows.yaml")),
            tick_after: config::Duration(Duration::from_millis(100)),
            lateness: config::Duration::default(),
            ..Config::default()
        };
        let bus = bus::Config { partitions: 2, ..bus::Config::default() };
        let mut bench = Bench { folder, broker: None, bus, config };
        bench.start_broker("127.0.0.1:0").await;
        bus::admin::create_topics(&bench.bus).await.unwrap();
        bench
    }

    async fn start_broker(&mut self, listen: &str) {
        let config = bus::broker::Config {
            listen: listen.parse().unwrap(),
            data_dir: self.folder.path().join("kafka"),
            ..bus::broker::Config::default()
        };
        let broker = Broker::start(config).await.unwrap();
        self.bus.brokers = broker.addr().to_string();
        self.broker = Some(broker);
    }

    fn run(&self) -> stream_processor::Running {
        run_rules(&self.bus, &self.config, CancellationToken::new()).unwrap()
    }

    async fn send(&self, time_ms: i64, value: f64) {
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

    async fn send_value(&self, value: Vec<u8>) {
        let topic = self.bus.topics.metrics.clone();
        let record = Outgoing { topic, key: b"a/host".to_vec(), value, partition: None };
        Producer::new(&self.bus).unwrap().send(record).await.unwrap();
    }

    /// Everything in a topic, once `enough` says so.
    fn read(&self, topic: &str, enough: impl Fn(&[Record]) -> bool) -> Vec<Record> {
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

    fn states(&self, last: AlertState) -> Vec<AlertState> {
        let all = |records: &[Record]| -> Vec<AlertState> {
            records.iter().map(|r| Alert::from_json(&r.value).unwrap().state).collect()
        };
        all(&self.read(&self.bus.topics.alerts, |records| all(records).contains(&last)))
    }

    /// As if the process had been killed before its last commits.
    fn forget_commits_behind(&self, step: i64) {
        let topic = self.bus.topics.metrics.as_str();
        let builder = ConsumerBuilder { config: &self.bus, group: GROUP, topics: &[topic], queue_kib: 1024 };
        let consumer = Consumer::open(&builder).unwrap();
        let zero = Offsets::from(vec![(topic.to_owned(), 0, 0), (topic.to_owned(), 1, 0)]);
        consumer.commit(&zero, &format!("{{\"version\":1,\"step\":{step}}}")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_doubles_no_transition_and_loses_none() {
    let bench = Bench::new().await;
    let begin = Timestamp::now().as_second() * 1_000 - 20_000;
    for second in 0..10 {
        bench.send(begin + second * 1_000, 6.0).await;
    }
    let running = bench.run();
    assert_eq!(bench.states(AlertState::Firing), [AlertState::Pending, AlertState::Firing]);
    running.stop().await;
    bench.forget_commits_behind(begin + 1_000);

    let running = bench.run();
    bench.send(Timestamp::now().as_millisecond(), 1.0).await;
    let expected = [AlertState::Pending, AlertState::Firing, AlertState::Resolved];
    assert_eq!(bench.states(AlertState::Resolved), expected);
    running.stop().await;

    let derived = bench.read(&bench.bus.topics.derived, |records| !records.is_empty());
    let Ok(Event::Samples(first)) = event::decode(&derived[0].value) else { panic!("not samples") };
    assert_eq!((first.source.as_str(), first.position), ("rules/g", begin as u64));
    assert_eq!(first.series[0].labels, Labels::from([("__name__", "doubled"), ("host", "a")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_goes_to_the_dead_letters_once() {
    let bench = Bench::new().await;
    bench.send_value(b"T\x01garbage".to_vec()).await;
    bench.send(Timestamp::now().as_millisecond(), 6.0).await;
    let running = bench.run();
    bench.states(AlertState::Firing);
    running.stop().await;

    let running = bench.run();
    bench.send(Timestamp::now().as_millisecond(), 1.0).await;
    bench.states(AlertState::Resolved);
    running.stop().await;
    let dead = bench.read(&bench.bus.topics.dead_letter, |records| !records.is_empty());
    assert_eq!(dead.iter().map(|r| r.value.as_ref()).collect::<Vec<_>>(), [b"T\x01garbage"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_waited_for() {
    let mut bench = Bench::new().await;
    let running = bench.run();
    let waiting = Instant::now();
    while !running.status().connected {
        assert!(waiting.elapsed() < PATIENCE, "never connected");
        tokio::task::yield_now().await;
    }
    let address = bench.bus.brokers.clone();
    bench.broker.take().unwrap().stop().await;
    bench.start_broker(&address).await;
    bench.send(Timestamp::now().as_millisecond(), 6.0).await;
    bench.states(AlertState::Firing);
    let status = running.status();
    assert_eq!((status.rules, status.firing, status.connected), (2, 1, true));
    running.stop().await;
}

#[tokio::test]
async fn a_wrong_rule_file_is_an_error_at_the_start() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bad.yml");
    std::fs::write(&path, "groups: [{name: g, rules: [{alert: A, expr: 'up =='}]}]").unwrap();
    let config = Config { rules: Some(vec![path.to_string_lossy().into_owned()]), ..Config::default() };
    let error = run_rules(&bus::Config::default(), &config, CancellationToken::new()).err().unwrap();
    assert!(error.to_string().contains("bad.yml:1:"), "{error}");
}
