//! Records and offsets in one step, on the embedded broker and, where TAILRACE_TEST_KAFKA names one, on Apache Kafka.

use std::time::{Duration, Instant};

use bus::{
    Committed, Config, Consumer, ConsumerBuilder, Error, Input, Offsets, Outgoing, Producer, Start, Topics,
    TransactionalProducer, admin,
    broker::{self, Broker},
};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    producer::{BaseProducer, BaseRecord, Producer as _},
};
use tokio::{runtime::Handle, task::block_in_place};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(60);

/// A broker with names of its own for each test.
struct Bench {
    config: Config,
    tag: String,
    _broker: Option<(Broker, tempfile::TempDir)>,
}

impl Bench {
    async fn new(tag: &str) -> Bench {
        let (brokers, broker) = match std::env::var("TAILRACE_TEST_KAFKA") {
            Ok(brokers) => (brokers, None),
            Err(_) => {
                let dir = tempfile::tempdir().unwrap();
                let listen = "127.0.0.1:0".parse().unwrap();
                let config = broker::Config { listen, data_dir: dir.path().into(), ..Default::default() };
                let broker = Broker::start(config).await.unwrap();
                (broker.addr().to_string(), Some((broker, dir)))
            }
        };
        let tag = format!("{tag}-{}", std::process::id());
        let name = |topic: &str| format!("{topic}-{tag}");
        let topics = Topics {
            logs: name("logs"),
            metrics: name("metrics"),
            derived: name("derived"),
            alerts: name("alerts"),
            dead_letter: name("dead"),
        };
        let config = Config { brokers, topics, ..Config::default() };
        let bench = Bench { config, tag, _broker: broker };
        bench.create_alert_topic().await;
        admin::create_topics(&bench.config).await.unwrap();
        bench
    }

    /// With Kafka's own limit on batches.
    async fn create_alert_topic(&self) {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.config.brokers);
        let client: AdminClient<DefaultClientContext> = client.create().unwrap();
        let topic = NewTopic::new(&self.config.topics.alerts, 1, TopicReplication::Fixed(1));
        let topic = topic.set("max.message.bytes", "1048588");
        client.create_topics([&topic], &AdminOptions::new()).await.unwrap().remove(0).unwrap();
    }

    fn open(&self) -> TransactionalProducer {
        let stop = CancellationToken::new();
        let opened = TransactionalProducer::open(&self.config, &self.tag, Handle::current(), stop);
        opened.unwrap().expect("nobody stops it")
    }

    fn output(&self, value: impl Into<Vec<u8>>) -> Outgoing {
        Outgoing { topic: self.config.topics.alerts.clone(), value: value.into(), ..Outgoing::default() }
    }

    fn consumer(&self, topic: &str) -> Consumer {
        let builder =
            ConsumerBuilder { config: &self.config, group: &self.tag, topics: &[topic], queue_kib: 1024 };
        Consumer::open(&builder).unwrap()
    }

    /// Commits records, and that the first partition of `metrics` was read up to `next`.
    fn commit(
        &self,
        producer: &TransactionalProducer,
        records: Vec<Outgoing>,
        next: i64,
    ) -> Result<Committed, Error> {
        let topic = &self.config.topics.metrics;
        let (consumer, read) = (self.consumer(topic), Offsets::from(vec![(topic.clone(), 0, next)]));
        producer.commit(records, &Input { consumer: &consumer, read: &read, text: &format!("up to {next}") })
    }

    fn committed(&self) -> Vec<(i64, String)> {
        let committed = self.consumer(&self.config.topics.metrics).committed().unwrap();
        committed.into_iter().map(|(_, next, text)| (next, text)).collect()
    }

    /// All outputs that readers see.
    fn outputs(&self) -> Vec<Vec<u8>> {
        let (consumer, from) = (self.consumer(&self.config.topics.alerts), Offsets::default());
        let ends = consumer.ends(PATIENCE).unwrap();
        consumer.start(&from, Start::Earliest).unwrap();
        let (begin, mut values) = (Instant::now(), Vec::new());
        while !consumer.has_read(&from, &ends).unwrap() {
            assert!(begin.elapsed() < PATIENCE, "the end {ends:?} is not reached: {:?}", consumer.position());
            let records = consumer.poll(Duration::from_millis(50), 100).unwrap();
            values.extend(records.into_iter().map(|record| record.value.to_vec()));
        }
        values
    }

    /// A writer of the same transactional id that is killed before it commits.
    fn write_without_commit(&self, value: &str) {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.config.brokers).set("transactional.id", &self.tag);
        let killed: BaseProducer = client.create().unwrap();
        killed.init_transactions(PATIENCE).unwrap();
        killed.begin_transaction().unwrap();
        let record = BaseRecord::<(), str>::to(&self.config.topics.alerts).payload(value);
        killed.send(record).map_err(|(error, _)| error).unwrap();
        killed.flush(PATIENCE).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_and_offsets_are_committed_together_and_what_a_killed_writer_left_is_not() {
    let bench = Bench::new("together").await;
    bench.write_without_commit("never seen");
    block_in_place(|| {
        let producer = bench.open();
        let committed = bench.commit(&producer, vec![bench.output("a"), bench.output("b")], 7).unwrap();
        assert!(matches!(committed, Committed::Yes(refused) if refused.is_empty()));
        assert_eq!(bench.outputs(), [b"a", b"b"]);
        assert_eq!(bench.committed(), [(7, "up to 7".to_owned())]);
        bench.commit(&producer, Vec::new(), 8).unwrap();
        assert_eq!(bench.committed(), [(8, "up to 8".to_owned())]);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_opens_the_same_id_fences_the_other_which_writes_nothing_more() {
    let bench = Bench::new("fenced").await;
    block_in_place(|| {
        let old = bench.open();
        bench.commit(&old, vec![bench.output("old")], 1).unwrap();
        let new = bench.open();
        let error = bench.commit(&old, vec![bench.output("too late")], 2).unwrap_err();
        assert!(matches!(&error, Error::Fenced { id } if *id == bench.tag), "{error}");
        bench.commit(&new, vec![bench.output("new")], 3).unwrap();
        assert_eq!(bench.outputs(), [b"old", b"new"]);
        assert_eq!(bench.committed(), [(3, "up to 3".to_owned())]);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_refused_does_not_stop_the_others_of_its_transaction() {
    let bench = Bench::new("refused").await;
    block_in_place(|| {
        let producer = bench.open();
        // Random bytes stay large when they are compressed: more than the topic takes, less than the client does.
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        let large: Vec<u8> = (0..2 << 20).map(|_| random()).collect();
        let records = vec![bench.output("a"), bench.output(large), bench.output("b")];
        let Committed::Yes(refused) = bench.commit(&producer, records, 1).unwrap() else { panic!("stopped") };
        assert_eq!(refused.len(), 1);
        assert!(refused[0].is_refusal(), "{}", refused[0]);
        assert_eq!(bench.outputs(), [b"a", b"b"]);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_topic_is_reached_behind_marks_of_transactions_and_deleted_records() {
    let bench = Bench::new("end").await;
    block_in_place(|| {
        assert!(bench.outputs().is_empty());
        bench.write_without_commit("aborted");
        bench.open();
        assert!(bench.outputs().is_empty(), "the topic holds an aborted record and its mark");
    });
    Producer::new(&bench.config).unwrap().send(bench.output("plain")).await.unwrap();
    block_in_place(|| assert_eq!(bench.outputs(), [b"plain"]));
}
