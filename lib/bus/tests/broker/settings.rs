//! Settings of topics, and what the broker does by them in the background.

use crate::support::{config, start};
use crate::wire::Wire;
use bus::broker::{Broker, Config};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;
use rdkafka::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::Offset;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use test_support::client::{PATIENCE, ends, next, producer, reader, send};

const TOPIC: i8 = 2;
const SET: i8 = 0;
const RESET: i8 = 1;
const ADD: i8 = 2;
const REMOVE: i8 = 3;

/// Name, operation and value.
type Change<'a> = (&'a str, i8, Option<&'a str>);

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// A broker that looks through its logs all the time.
async fn busy_broker(dir: &Path) -> Broker {
    let settings = Config { check_interval: Duration::from_millis(20), ..config(dir) };
    Broker::start(settings).await.expect("starts")
}

fn create(wire: &mut Wire, settings: &[(&str, &str)]) {
    let setting = |(name, value): &(&str, &str)| {
        CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
    };
    let topic = CreatableTopic::default().with_name(TopicName(text("t"))).with_num_partitions(1);
    let topic = topic.with_replication_factor(1).with_configs(settings.iter().map(setting).collect());
    let answer = wire.ask(&CreateTopicsRequest::default().with_topics(vec![topic]), 5);
    assert_eq!(answer.topics[0].error_code, 0, "{:?}", answer.topics[0].error_message);
}

fn resource(kind: i8, changes: &[Change]) -> AlterConfigsResource {
    let change = |(name, operation, value): &Change| {
        AlterableConfig::default()
            .with_name(text(name))
            .with_config_operation(*operation)
            .with_value(value.map(text))
    };
    let resource = AlterConfigsResource::default().with_resource_type(kind).with_resource_name(text("t"));
    resource.with_configs(changes.iter().map(change).collect())
}

fn alter(wire: &mut Wire, changes: &[Change]) -> Option<ResponseError> {
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource(TOPIC, changes)]);
    ResponseError::try_from_code(wire.ask(&request, 1).responses[0].error_code)
}

/// Value and source of a setting.
fn described(wire: &mut Wire, name: &str) -> (String, i8) {
    let topic = DescribeConfigsResource::default().with_resource_type(TOPIC).with_resource_name(text("t"));
    let topic = topic.with_configuration_keys(Some(vec![text(name)]));
    let answer = wire.ask(&DescribeConfigsRequest::default().with_resources(vec![topic]), 4);
    let found = &answer.results[0].configs[0];
    (found.value.as_ref().expect("a value").to_string(), found.config_source)
}

#[tokio::test]
async fn settings_are_changed_one_by_one_and_survive_a_restart() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    let mut wire = Wire::connect(broker.addr());
    create(&mut wire, &[("retention.ms", "60000")]);
    assert_eq!(alter(&mut wire, &[("retention.bytes", SET, Some("5000"))]), None);
    assert_eq!(alter(&mut wire, &[("retention.ms", RESET, None)]), None);
    assert_eq!(alter(&mut wire, &[("cleanup.policy", ADD, Some("compact"))]), None);
    broker.stop().await;
    let broker = start(dir.path()).await;
    let mut wire = Wire::connect(broker.addr());
    let (of_topic, default) = (1, 5);
    assert_eq!(described(&mut wire, "retention.bytes"), ("5000".to_owned(), of_topic));
    assert_eq!(described(&mut wire, "retention.ms"), ("-1".to_owned(), default));
    assert_eq!(described(&mut wire, "cleanup.policy"), ("delete,compact".to_owned(), of_topic));
    assert_eq!(alter(&mut wire, &[("cleanup.policy", REMOVE, Some("delete"))]), None);
    assert_eq!(described(&mut wire, "cleanup.policy").0, "compact");
    broker.stop().await;
}

#[tokio::test]
async fn bad_changes_change_nothing() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    let mut wire = Wire::connect(broker.addr());
    assert_eq!(alter(&mut wire, &[]), Some(ResponseError::UnknownTopicOrPartition));
    create(&mut wire, &[]);
    let bad: [(&[Change], ResponseError); 7] = [
        (&[("no.such.setting", SET, Some("1"))], ResponseError::InvalidConfig),
        (&[("no.such.setting", RESET, None)], ResponseError::InvalidConfig),
        (&[("retention.ms", SET, Some("soon"))], ResponseError::InvalidConfig),
        (&[("retention.ms", ADD, Some("1"))], ResponseError::InvalidConfig),
        (&[("retention.ms", SET, None)], ResponseError::InvalidRequest),
        (&[("retention.ms", 9, Some("1"))], ResponseError::InvalidRequest),
        (&[("retention.ms", RESET, None), ("retention.ms", RESET, None)], ResponseError::InvalidRequest),
    ];
    for (changes, error) in bad {
        let changes = [&[("retention.bytes", SET, Some("1"))], changes].concat();
        assert_eq!(alter(&mut wire, &changes), Some(error), "{changes:?}");
    }
    let good = [("retention.bytes", SET, Some("1"))];
    let dry = IncrementalAlterConfigsRequest::default().with_resources(vec![resource(TOPIC, &good)]);
    assert_eq!(wire.ask(&dry.with_validate_only(true), 1).responses[0].error_code, 0);
    let broker_wide = IncrementalAlterConfigsRequest::default().with_resources(vec![resource(4, &good)]);
    let refused = wire.ask(&broker_wide, 0).responses.remove(0);
    assert_eq!(refused.error_code, ResponseError::InvalidRequest.code());
    assert_eq!(described(&mut wire, "retention.bytes").0, "-1");
    broker.stop().await;
}

#[tokio::test]
async fn a_limit_in_bytes_that_is_set_later_deletes_the_oldest_records() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = busy_broker(dir.path()).await;
    let mut wire = Wire::connect(broker.addr());
    create(&mut wire, &[("segment.bytes", "1024")]);
    let producer = producer(broker.addr(), &[]);
    for number in 0..20 {
        send(&producer, "t", &format!("{number}{}", "x".repeat(200))).await;
    }
    assert_eq!(ends(broker.addr(), "t", 0), (0, 20));
    assert_eq!(alter(&mut wire, &[("retention.bytes", SET, Some("2000"))]), None);
    let end = Instant::now() + PATIENCE;
    while ends(broker.addr(), "t", 0).0 < 10 {
        assert!(Instant::now() < end, "nothing was deleted in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(ends(broker.addr(), "t", 0).0 < 18, "what fits stays");
    broker.stop().await;
}

async fn send_keyed(producer: &FutureProducer, key: &str, value: Option<&str>) {
    let mut record = FutureRecord::<str, str>::to("t").key(key).partition(0);
    record.payload = value;
    producer.send(record, PATIENCE).await.expect("acknowledged");
}

/// Offset, key and value of all records, as a new reader gets them.
fn all(broker: &Broker) -> BTreeMap<i64, (String, Option<String>)> {
    let (_, end) = ends(broker.addr(), "t", 0);
    let consumer = reader(broker.addr(), "t", Offset::Beginning, &[]);
    let mut found = BTreeMap::new();
    while found.last_key_value().is_none_or(|(offset, _)| *offset < end - 1) {
        let message = next(&consumer);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let record = (text(message.key().expect("a key")), message.payload().map(text));
        found.insert(message.offset(), record);
    }
    found
}

#[tokio::test]
async fn a_compacted_topic_comes_down_to_the_last_record_of_each_key() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = busy_broker(dir.path()).await;
    let compact = [("cleanup.policy", "compact"), ("segment.ms", "1"), ("min.cleanable.dirty.ratio", "0")];
    create(&mut Wire::connect(broker.addr()), &compact);
    let producer = producer(broker.addr(), &[("compression.type", "zstd")]);
    for round in 0..10 {
        for key in ["a", "b", "c"] {
            send_keyed(&producer, key, Some(&round.to_string())).await;
        }
    }
    send_keyed(&producer, "b", None).await;
    let record = |key: &str, value: Option<&str>| (key.to_owned(), value.map(str::to_owned));
    let expected =
        BTreeMap::from([(27, record("a", Some("9"))), (29, record("c", Some("9"))), (30, record("b", None))]);
    let end = Instant::now() + PATIENCE;
    while all(&broker) != expected {
        assert!(Instant::now() < end, "not compacted in time: {:?}", all(&broker));
    }
    assert_eq!(ends(broker.addr(), "t", 0), (0, 31));
    broker.stop().await;
}
