//! A broker and an index that hold an hour of the past, and nothing that would add to it.

use bus::{Outgoing, Producer};
use event::{Codec, Event, LogBatch, LogEntry, Sample, SampleBatch, Series, encode};
use tempfile::TempDir;

use crate::{
    answers::get,
    basics::now_ns,
    harness::{Service, run, text},
};

/// Times of the tests are seconds from the beginning of that hour.
pub struct Past {
    pub begin_ms: i64,
    bus: bus::Config,
    producer: Producer,
    index: Service,
    dir: TempDir,
    _broker: Service,
}

impl Past {
    /// Without any data: the hour begins at a full one, some hours ago.
    pub async fn empty() -> Past {
        let dir = tempfile::tempdir().unwrap();
        let set = |key: &str, value: &str| ["--set".to_owned(), format!("{key}={value}")];
        let data = |name: &str| set("data_dir", dir.path().join(name).to_str().unwrap());
        let start = |command: &str, settings: Vec<[String; 2]>| {
            let settings: Vec<&str> = settings.iter().flatten().map(String::as_str).collect();
            Service::start(&[&[command][..], &settings].concat())
        };
        let http = || set("http.listen", "127.0.0.1:0");
        let broker = start("broker", vec![data("broker"), http(), set("broker.listen", "127.0.0.1:0")]);
        let kafka = broker.address("kafka").to_owned();
        let index = start("index", vec![data("index"), http(), set("bus.brokers", &kafka)]);
        let bus = bus::Config { brokers: kafka, ..bus::Config::default() };
        bus::admin::create_topics(&bus).await.unwrap();
        let producer = Producer::new(&bus).unwrap();
        let begin_ms = (now_ns() / 3_600_000_000_000 - 5) * 3_600_000;
        Past { begin_ms, bus, producer, index, dir, _broker: broker }
    }

    /// The samples of one series, by seconds.
    pub async fn sample(&self, labels: &[(&str, &str)], values: &[(i64, f64)]) {
        let sample = |(second, value): &(i64, f64)| Sample { timestamp_ms: self.ms(*second), value: *value };
        let series =
            Series { labels: labels.iter().copied().collect(), samples: values.iter().map(sample).collect() };
        let batch = SampleBatch { series: vec![series], ..SampleBatch::default() };
        self.send(&self.bus.topics.metrics, Event::Samples(batch)).await;
    }

    /// The lines of one stream, by seconds, each with metadata.
    pub async fn log(&self, labels: &[(&str, &str)], lines: &[(i64, &str)]) {
        let entry = |(second, line): &(i64, &str)| LogEntry {
            timestamp_ns: self.ms(*second) * 1_000_000,
            line: (*line).to_owned().into(),
            metadata: vec![("pod".to_owned(), "p1".to_owned())],
            position: 0,
        };
        let (labels, entries) = (labels.iter().copied().collect(), lines.iter().map(entry).collect());
        let batch = LogBatch { labels, entries, ..LogBatch::default() };
        self.send(&self.bus.topics.logs, Event::Logs(batch)).await;
    }

    async fn send(&self, topic: &str, event: Event) {
        for value in encode(&event, Codec::Batch) {
            let (topic, key) = (topic.to_owned(), Vec::new());
            self.producer.send(Outgoing { topic, key, value, partition: Some(0) }).await.unwrap();
        }
    }

    /// A file of rules, all in one group.
    pub fn rules(&self, name: &str, rules: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, format!("groups:\n- name: g\n  interval: 15s\n  rules:\n{rules}")).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A time as the command line has it.
    pub fn time(&self, second: i64) -> String {
        jiff::Timestamp::from_millisecond(self.ms(second)).unwrap().to_string()
    }

    /// `tailrace rules …` at this broker and index: what it prints; it must succeed.
    pub fn ask(&self, arguments: &[&str]) -> String {
        let url = self.url();
        let output = run(&[&["rules"], arguments, &["--addr", &url]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        text(&output)
    }

    /// Where the query API is.
    pub fn url(&self) -> String {
        format!("http://{}", self.index.address("http"))
    }

    /// What a PromQL query finds at a time.
    pub async fn query(&self, query: &str, second: i64) -> serde_json::Value {
        let time = self.time(second);
        let answer = get(&format!("{}/api/v1/query", self.url()), &[("query", query), ("time", &time)]).await;
        answer["data"]["result"].clone()
    }

    fn ms(&self, second: i64) -> i64 {
        self.begin_ms + second * 1_000
    }
}
