//! Clients that want too much, or take too long over it: the broker holds so many bytes for all of them together, and one
//! who behaves is served meanwhile.

use crate::support::{config, start};
use crate::wire::{Wire, frame};
use bus::broker::Broker;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;
use rdkafka::topic_partition_list::Offset;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use test_support::client::{PATIENCE, producer, reader, send, take};

const MEMORY: usize = 64 << 20;

/// A broker with little memory for its clients, who may take longer for a transfer than a test has.
async fn small_broker(dir: &Path) -> Broker {
    let mut settings = config(dir);
    settings.limits.in_flight_bytes = MEMORY;
    settings.limits.transfer = PATIENCE * 4;
    Broker::start(settings).await.expect("starts")
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn topic(name: &str) -> TopicName {
    TopicName(text(name))
}

/// Each announces a produce request of 16 MiB, sends so many bytes of it, and no more.
fn slow_senders(addr: SocketAddr, bytes: usize) -> Vec<Wire> {
    let mut slow: Vec<Wire> = (0..16).map(|_| Wire::connect(addr)).collect();
    let part = [&[1, 0, 0, 0, 0, 0, 0, 9][..], &vec![0; bytes]].concat();
    slow.iter_mut().for_each(|wire| wire.send_bytes(&part));
    slow
}

async fn assert_serves(broker: &Broker) {
    let producer = producer(broker.addr(), &[]);
    let sent = tokio::time::timeout(PATIENCE, send(&producer, "quick", "v")).await;
    let offset = sent.expect("acknowledged in time");
    let consumer = reader(broker.addr(), "quick", Offset::Offset(offset), &[]);
    assert_eq!(take(&consumer, 1), vec![(offset, "v".to_owned())]);
}

#[tokio::test]
async fn senders_that_stop_at_the_beginning_hold_up_nobody() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = small_broker(dir.path()).await;
    let slow = slow_senders(broker.addr(), 0);
    assert_serves(&broker).await;
    drop(slow);
    broker.stop().await;
}

#[tokio::test]
async fn senders_that_stop_in_the_middle_hold_up_nobody() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = small_broker(dir.path()).await;
    let addr = broker.addr();
    // Together they send twice the memory; sending ends when the broker has taken or closed all.
    let sending = std::thread::spawn(move || slow_senders(addr, 8 << 20));
    assert_serves(&broker).await;
    let slow = sending.join().expect("sent");
    assert_serves(&broker).await;
    drop(slow);
    broker.stop().await;
}

#[tokio::test]
async fn readers_that_do_not_read_hold_up_nobody() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = small_broker(dir.path()).await;
    let producer = producer(broker.addr(), &[("message.max.bytes", "10000000")]);
    let value = "x".repeat(8_000_000);
    for _ in 0..3 {
        send(&producer, "t", &value).await;
    }
    let all = fetch("t", 1).with_max_bytes(24 << 20).with_min_bytes(1);
    let mut slow: Vec<Wire> = (0..8).map(|_| Wire::connect(broker.addr())).collect();
    slow.iter_mut().for_each(|wire| wire.send_frame(&frame(&all, 11)));
    assert_serves(&broker).await;
    drop(slow);
    broker.stop().await;
}

/// A request that names partition 0 so many times, and waits for a minute.
fn fetch(name: &str, partitions: usize) -> FetchRequest {
    let partition = FetchPartition::default().with_partition_max_bytes(24 << 20);
    let topic = FetchTopic::default().with_topic(topic(name)).with_partitions(vec![partition; partitions]);
    FetchRequest::default().with_max_wait_ms(60_000).with_min_bytes(1 << 30).with_topics(vec![topic])
}

#[tokio::test]
async fn readers_that_wait_with_long_requests_hold_up_nobody() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = small_broker(dir.path()).await;
    send(&producer(broker.addr(), &[]), "t", "v").await;
    let waiting = frame(&fetch("t", 19_000).with_max_bytes(1000), 11);
    let mut slow: Vec<Wire> = (0..16).map(|_| Wire::connect(broker.addr())).collect();
    slow.iter_mut().for_each(|wire| wire.send_frame(&waiting));
    assert_serves(&broker).await;
    drop(slow);
    broker.stop().await;
}

#[tokio::test]
async fn slow_clients_are_cut_off() {
    let dir = tempfile::tempdir().expect("dir");
    let mut settings = config(dir.path());
    settings.limits.transfer = Duration::from_millis(50);
    let broker = Broker::start(settings).await.expect("starts");
    assert!(slow_senders(broker.addr(), 0).iter_mut().all(Wire::is_closed));
    broker.stop().await;
}

#[tokio::test]
async fn requests_with_too_many_elements_are_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    let mut wire = Wire::connect(broker.addr());
    wire.send_frame(&frame(&fetch("t", 20_001), 11));
    assert!(wire.is_closed());
    broker.stop().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed() {
    let dir = tempfile::tempdir().expect("dir");
    let mut settings = config(dir.path());
    settings.limits.connections = 2;
    let broker = Broker::start(settings).await.expect("starts");
    let mut within: Vec<Wire> = (0..2).map(|_| Wire::connect(broker.addr())).collect();
    for wire in &mut within {
        assert_eq!(wire.ask(&ApiVersionsRequest::default(), 0).error_code, 0);
    }
    assert!(Wire::connect(broker.addr()).is_closed());
    broker.stop().await;
}

#[tokio::test]
async fn topics_and_partitions_beyond_the_limit_are_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let mut settings = config(dir.path());
    settings.limits.partitions = 3;
    let broker = Broker::start(settings).await.expect("starts");
    let mut wire = Wire::connect(broker.addr());
    let mut create = |name: &str, partitions| {
        let wanted = CreatableTopic::default().with_name(topic(name)).with_num_partitions(partitions);
        let request = CreateTopicsRequest::default().with_topics(vec![wanted.with_replication_factor(1)]);
        ResponseError::try_from_code(wire.ask(&request, 5).topics[0].error_code)
    };
    assert_eq!(create("two", 2), None);
    assert_eq!(create("two more", 2), Some(ResponseError::InvalidTopicException));
    assert_eq!(create("two-more", 2), Some(ResponseError::InvalidPartitions));
    assert_eq!(create("one", 1), None);
    let asked = MetadataRequestTopic::default().with_name(Some(topic("by-use")));
    let request = MetadataRequest::default().with_topics(Some(vec![asked]));
    let answer = wire.ask(&request.with_allow_auto_topic_creation(true), 9);
    assert_eq!(answer.topics[0].error_code, ResponseError::InvalidPartitions.code());
    broker.stop().await;
}

fn join(group: &str) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default().with_name(text("range"));
    JoinGroupRequest::default()
        .with_group_id(GroupId(text(group)))
        .with_session_timeout_ms(30_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol])
}

#[tokio::test]
async fn groups_beyond_the_limit_are_refused_and_the_others_go_on() {
    let dir = tempfile::tempdir().expect("dir");
    let mut settings = config(dir.path());
    settings.limits.coordinated = 3;
    let broker = Broker::start(settings).await.expect("starts");
    let mut wire = Wire::connect(broker.addr());
    let joined: Vec<_> = (0..3).map(|number| wire.ask(&join(&number.to_string()), 3)).collect();
    assert!(joined.iter().all(|answer| answer.error_code == 0));
    assert_eq!(wire.ask(&join("one more"), 3).error_code, ResponseError::GroupMaxSizeReached.code());
    let beat = HeartbeatRequest::default().with_group_id(GroupId(text("0"))).with_generation_id(1);
    let beat = beat.with_member_id(joined[0].member_id.clone());
    assert_eq!(wire.ask(&beat, 3).error_code, 0);
    broker.stop().await;
}

#[tokio::test]
async fn what_is_named_a_thousand_times_is_answered_once() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    send(&producer(broker.addr(), &[]), "t", "v").await;
    let mut wire = Wire::connect(broker.addr());
    let groups = vec![GroupId(text("g")); 1000];
    let described = wire.ask(&DescribeGroupsRequest::default().with_groups(groups), 5);
    assert_eq!(described.groups.len(), 1);
    let topics = vec![MetadataRequestTopic::default().with_name(Some(topic("t"))); 1000];
    assert_eq!(wire.ask(&MetadataRequest::default().with_topics(Some(topics)), 9).topics.len(), 1);
    broker.stop().await;
}
