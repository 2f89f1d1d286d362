//! The job on the embedded broker.

use std::time::{Duration, Instant};

use bus::{Outgoing, Producer, broker::Broker};
use event::{Codec, Event, Labels, LogBatch, LogEntry};
use log_index::{Config, Index, IndexJob, OpenError, Retention};
use logql::Order;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::support::scan;

/// How long any one thing may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

struct Pipeline {
    folder: TempDir,
    broker: Broker,
    bus: bus::Config,
    producer: Producer,
}

impl Pipeline {
    async fn start() -> Self {
        Self::start_in(TempDir::new().unwrap()).await
    }

    async fn start_in(folder: TempDir) -> Self {
        let listen = ([127, 0, 0, 1], 0).into();
        let settings =
            bus::broker::Config { listen, data_dir: folder.path().join("broker"), ..Default::default() };
        let broker = Broker::start(settings).await.unwrap();
        let bus = bus::Config { brokers: broker.addr().to_string(), ..bus::Config::default() };
        bus::admin::create_topics(&bus).await.unwrap();
        let producer = Producer::new(&bus).unwrap();
        Pipeline { folder, broker, bus, producer }
    }

    /// The same with topics that are empty again.
    async fn anew(self) -> Self {
        self.broker.stop().await;
        std::fs::remove_dir_all(self.folder.path().join("broker")).unwrap();
        Self::start_in(self.folder).await
    }

    fn index(&self) -> (Index, IndexJob) {
        let config = Config { retention: Retention::OFF, ..Config::default() };
        let begin = Instant::now();
        let index = loop {
            match Index::open(self.folder.path(), &config) {
                // The job before may still be writing a segment when it is left alone.
                Err(OpenError::Locked(_)) if begin.elapsed() < PATIENCE => std::thread::yield_now(),
                opened => break opened.unwrap(),
            }
        };
        let job = IndexJob::start(index.clone(), &self.bus, CancellationToken::new()).unwrap();
        (index, job)
    }

    async fn send(&self, value: Vec<u8>) {
        let topic = self.bus.topics.logs.clone();
        self.producer.send(Outgoing { topic, key: b"k".to_vec(), value, partition: None }).await.unwrap();
    }

    async fn send_line(&self, number: u64) {
        self.send(encode_line(number)).await;
    }
}

fn encode_line(number: u64) -> Vec<u8> {
    let line = format!("line {number}").into();
    let entry = LogEntry { timestamp_ns: number as i64, line, position: number, ..LogEntry::default() };
    let labels = Labels::from([("job", "a")]);
    let batch = LogBatch { source: "file".into(), labels, entries: vec![entry] };
    event::encode(&Event::Logs(batch), Codec::Batch).remove(0)
}

/// Everything that was acknowledged before this call.
async fn lines(index: &Index, job: &IndexJob) -> Vec<String> {
    let ends = loop {
        match job.ends(PATIENCE).await {
            Ok(ends) => break ends,
            Err(log_index::job::Error::NotConnected) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(index.wait_for(&ends, PATIENCE).await);
    let seen = scan(&index.snapshot(), &[], 0..i64::MAX, Order::Forward);
    seen.into_iter().map(|seen| String::from_utf8(seen.line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_sees_what_was_acknowledged_before_it_and_a_restart_changes_nothing() {
    let pipeline = Pipeline::start().await;
    let (index, job) = pipeline.index();
    for number in 1..=50 {
        pipeline.send_line(number).await;
        assert_eq!(lines(&index, &job).await.len() as u64, number);
        if number == 20 {
            index.flush().unwrap();
        }
    }
    assert_eq!(index.offsets().iter().map(|(_, next)| next).sum::<i64>(), 20);
    job.stop().await;
    drop(index);
    let (index, job) = pipeline.index();
    let expected: Vec<String> = (1..=50).map(|number| format!("line {number}")).collect();
    assert_eq!(lines(&index, &job).await, expected);
    assert_eq!(job.lag(), 0);
    job.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_nobody_can_read_goes_to_the_dead_letter_topic() {
    let pipeline = Pipeline::start().await;
    let (index, job) = pipeline.index();
    pipeline.send(b"not an event".to_vec()).await;
    pipeline.send_line(1).await;
    assert_eq!(lines(&index, &job).await, ["line 1"]);
    let dead_letter = pipeline.bus.topics.dead_letter.clone();
    let builder = bus::ConsumerBuilder {
        config: &pipeline.bus,
        group: "test",
        topics: &[dead_letter.as_str()],
        queue_kib: 1024,
    };
    let consumer = bus::Consumer::open(&builder).unwrap();
    consumer.start(&bus::Offsets::default(), bus::Start::Earliest).unwrap();
    let letters = tokio::task::spawn_blocking(move || consumer.poll(PATIENCE, 1).unwrap()).await.unwrap();
    assert_eq!(letters[0].key.as_ref(), b"k");
    let letter: serde_json::Value = serde_json::from_slice(&letters[0].value).unwrap();
    assert_eq!(
        (letter["topic"].as_str(), letter["value_base64"].as_str()),
        (Some("logs"), Some("bm90IGFuIGV2ZW50"))
    );
    assert!(letter["reason"].as_str().unwrap().contains("neither a batch nor JSON"), "{letter}");
    job.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_transaction_is_no_record_to_wait_for() {
    let pipeline = Pipeline::start().await;
    let (index, job) = pipeline.index();
    let mut settings = rdkafka::ClientConfig::new();
    settings.set("bootstrap.servers", &pipeline.bus.brokers).set("transactional.id", "t");
    let producer: BaseProducer = settings.create().unwrap();
    let value = encode_line(1);
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    let record = BaseRecord::<(), [u8]>::to(&pipeline.bus.topics.derived).payload(&value);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.commit_transaction(PATIENCE).unwrap();
    assert_eq!(lines(&index, &job).await, ["line 1"]);
    assert_eq!(index.read_offsets().get(&pipeline.bus.topics.derived, 0), Some(2));
    job.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_topic_that_was_made_anew_are_taken_in_by_an_index_that_had_read_further() {
    let pipeline = Pipeline::start().await;
    let (index, job) = pipeline.index();
    for number in 1..=20 {
        pipeline.send_line(number).await;
    }
    assert_eq!(lines(&index, &job).await.len(), 20);
    index.flush().unwrap();
    job.stop().await;
    drop(index);

    let pipeline = pipeline.anew().await;
    for number in 21..=25 {
        pipeline.send_line(number).await;
    }
    let (index, job) = pipeline.index();
    let begin = Instant::now();
    while lines(&index, &job).await.len() < 25 {
        assert!(begin.elapsed() < PATIENCE, "records are missing");
        tokio::task::yield_now().await;
    }
    let read = index.read_offsets();
    assert_eq!(read.iter().map(|(_, next)| next).sum::<i64>(), 5, "{read:?}");
    job.stop().await;
}
