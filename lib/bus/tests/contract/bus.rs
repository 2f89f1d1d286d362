//! The bus as the services use it: this crate's own producer, consumer and administration.

use crate::target::{Target, options};
use bus::{Config, Consumer, ConsumerBuilder, Offsets, Outgoing, Producer, Record, Start, Topics, admin};
use rdkafka::admin::ResourceSpecifier;
use std::time::{Duration, Instant};
use test_support::client::PATIENCE;

/// A broker with this program's topics, of their own for each test.
struct Bus {
    config: Config,
    target: Target,
}

impl Bus {
    async fn new(tag: &str) -> Bus {
        let target = Target::new(tag).await;
        let topics = Topics {
            logs: target.name("logs"),
            metrics: target.name("metrics"),
            derived: target.name("derived"),
            alerts: target.name("alerts"),
            dead_letter: target.name("dead"),
        };
        let config = Config { brokers: target.addr.clone(), topics, ..Config::default() };
        admin::create_topics(&config).await.unwrap();
        Bus { config, target }
    }

    async fn send(&self, producer: &Producer, key: &str, value: &str) -> (i32, i64) {
        let record = Outgoing {
            topic: self.config.topics.logs.clone(),
            key: key.into(),
            value: value.into(),
            partition: None,
        };
        producer.send(record).await.unwrap()
    }

    fn consumer(&self) -> Consumer {
        let (config, topics) = (&self.config, [self.config.topics.logs.as_str()]);
        Consumer::open(&ConsumerBuilder { config, group: "contract", topics: &topics, queue_kib: 1024 })
            .unwrap()
    }
}

fn read(consumer: &Consumer, count: usize) -> Vec<Record> {
    let (begin, mut records) = (Instant::now(), Vec::new());
    while records.len() < count {
        assert!(begin.elapsed() < PATIENCE, "{} of {count} records", records.len());
        records.extend(consumer.poll(Duration::from_millis(100), 1000).unwrap());
    }
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn creating_topics_twice_is_no_error_and_gives_their_partitions() {
    let bus = Bus::new("create").await;
    admin::create_topics(&bus.config).await.unwrap();
    assert_eq!(bus.consumer().partitions().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_alert_topic_keeps_its_history() {
    let bus = Bus::new("history").await;
    let topic = ResourceSpecifier::Topic(&bus.config.topics.alerts);
    let found = bus.target.admin().describe_configs([&topic], &options()).await.unwrap().remove(0).unwrap();
    let retention = found.entries.iter().find(|entry| entry.name == "retention.ms").unwrap();
    assert_eq!(retention.value.as_deref(), Some("-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_one_key_come_back_in_order_with_key_value_and_offset() {
    let bus = Bus::new("order").await;
    let producer = Producer::new(&bus.config).unwrap();
    for i in 0..50 {
        bus.send(&producer, "web1", &format!("value {i}")).await;
    }
    let consumer = bus.consumer();
    consumer.start(&Offsets::default(), Start::Earliest).unwrap();
    for (i, record) in read(&consumer, 50).iter().enumerate() {
        assert_eq!(record.value, format!("value {i}"));
        assert_eq!((record.key.as_ref(), record.offset), (b"web1".as_slice(), i as i64));
        assert!(record.timestamp_ms > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ends_lie_behind_what_was_acknowledged() {
    let bus = Bus::new("ends").await;
    let (producer, consumer) = (Producer::new(&bus.config).unwrap(), bus.consumer());
    let (partition, offset) = bus.send(&producer, "web1", "a").await;
    let ends = consumer.ends(PATIENCE).unwrap();
    assert_eq!(ends.get(&bus.config.topics.logs, partition), Some(offset + 1));
    assert_eq!(ends.iter().map(|(_, next)| next).sum::<i64>(), 1, "the other partitions are empty");
}

#[tokio::test(flavor = "multi_thread")]
async fn committed_offsets_and_their_text_are_there_for_the_next_reader() {
    let bus = Bus::new("commit").await;
    let producer = Producer::new(&bus.config).unwrap();
    let (partition, _) = bus.send(&producer, "web1", "a").await;
    bus.send(&producer, "web1", "b").await;
    let topic = bus.config.topics.logs.as_str();
    let mut offsets = Offsets::default();
    offsets.set(topic, partition, 1);
    bus.consumer().commit(&offsets, "watermark 17").unwrap();
    let consumer = bus.consumer();
    let committed = consumer.committed().unwrap();
    assert_eq!(committed, [((topic.to_owned(), partition), 1, "watermark 17".to_owned())]);
    consumer.start(&offsets, Start::Earliest).unwrap();
    assert_eq!(read(&consumer, 1)[0].value, "b");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_is_found_by_the_time_of_its_record() {
    let bus = Bus::new("time").await;
    let producer = Producer::new(&bus.config).unwrap();
    let (partition, _) = bus.send(&producer, "web1", "a").await;
    let consumer = bus.consumer();
    consumer.start(&Offsets::default(), Start::Earliest).unwrap();
    let written = read(&consumer, 1)[0].timestamp_ms;
    let at = |time| consumer.offsets_by_time(time).unwrap().get(&bus.config.topics.logs, partition);
    assert_eq!(at(written), Some(0));
    assert_eq!(at(written + 1), Some(1), "nothing that late: the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_waits_is_woken_by_a_record() {
    let bus = Bus::new("wake").await;
    let (producer, consumer) = (Producer::new(&bus.config).unwrap(), bus.consumer());
    consumer.start(&Offsets::default(), Start::Earliest).unwrap();
    let reader = std::thread::spawn(move || read(&consumer, 1));
    bus.send(&producer, "web1", "a").await;
    assert_eq!(reader.join().unwrap()[0].value, "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_there_is_an_error_that_names_it() {
    let config = Config { brokers: "127.0.0.1:1".into(), ..Config::default() };
    let error = admin::create_topics(&config).await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1") && error.contains("bus.brokers"), "{error}");
}
