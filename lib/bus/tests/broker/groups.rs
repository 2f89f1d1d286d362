//! Consumer groups and committed offsets of the embedded broker, with rdkafka as the client.

use crate::support::*;
use crate::wire::Wire;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    DescribeGroupsRequest, GroupId, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest,
};
use kafka_protocol::protocol::StrBytes;
use rdkafka::admin::{
    AdminClient, AdminOptions, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

fn admin(addr: SocketAddr) -> AdminClient<DefaultClientContext> {
    client(addr).create().expect("admin client")
}

async fn create_topic(addr: SocketAddr, name: &str, partitions: i32) {
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    let created = admin(addr).create_topics([&topic], &AdminOptions::new()).await.expect("answered");
    assert_eq!(created, vec![Ok(name.to_owned())]);
}

fn member(addr: SocketAddr, topic: &str) -> BaseConsumer {
    let mut config = client(addr);
    config.set("group.id", "g").set("auto.offset.reset", "earliest").set("enable.auto.commit", "false");
    config.set("session.timeout.ms", "6000").set("heartbeat.interval.ms", "100");
    let consumer: BaseConsumer = config.create().expect("consumer");
    consumer.subscribe(&[topic]).expect("subscribed");
    consumer
}

fn parts(consumer: &BaseConsumer) -> usize {
    consumer.assignment().expect("assignment").count()
}

/// Lets all members poll until they have as many partitions as wanted.
fn poll_until(members: &[&BaseConsumer], wanted: &[usize]) {
    let end = Instant::now() + PATIENCE;
    while members.iter().map(|member| parts(member)).ne(wanted.iter().copied()) {
        assert!(Instant::now() < end, "no such assignment in time");
        members.iter().for_each(|member| drop(member.poll(Duration::from_millis(20))));
    }
}

#[tokio::test]
async fn two_members_share_the_partitions_and_one_inherits_them() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    create_topic(broker.addr(), "t", 4).await;
    let first = member(broker.addr(), "t");
    poll_until(&[&first], &[4]);
    let second = member(broker.addr(), "t");
    poll_until(&[&first, &second], &[2, 2]);
    let listed = first.fetch_group_list(Some("g"), PATIENCE).expect("groups");
    assert_eq!((listed.groups()[0].state(), listed.groups()[0].members().len()), ("Stable", 2));
    drop(second);
    poll_until(&[&first], &[4]);
    broker.stop().await;
}

#[tokio::test]
async fn committed_offsets_and_their_metadata_survive_a_restart() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    send(&producer(broker.addr(), &[]), "t", "v").await;
    let consumer = reader(broker.addr(), "t", Offset::Beginning, &[]);
    take(&consumer, 1);
    let mut offsets = TopicPartitionList::new();
    let mut partition = offsets.add_partition("t", 0);
    partition.set_offset(Offset::Offset(1)).expect("offset");
    partition.set_metadata("kept with it");
    consumer.commit(&offsets, CommitMode::Sync).expect("committed");
    drop(consumer);
    broker.stop().await;

    let broker = start(dir.path()).await;
    let consumer = reader(broker.addr(), "t", Offset::Beginning, &[]);
    let committed = consumer.committed(PATIENCE).expect("committed offsets");
    let committed = committed.find_partition("t", 0).expect("partition");
    assert_eq!((committed.offset(), committed.metadata()), (Offset::Offset(1), "kept with it"));
    broker.stop().await;
}

#[tokio::test]
async fn topics_are_created_extended_described_and_deleted() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    let (admin, options) = (admin(broker.addr()), AdminOptions::new());
    let topic = NewTopic::new("t", 2, TopicReplication::Fixed(1)).set("retention.ms", "60000");
    let bad = NewTopic::new("bad", 1, TopicReplication::Fixed(1)).set("no.such.setting", "1");
    assert_eq!(admin.create_topics([&topic], &options).await.expect("answered"), vec![Ok("t".to_owned())]);
    let again = admin.create_topics([&topic, &bad], &options).await.expect("answered");
    assert!(again.contains(&Err(("t".to_owned(), RDKafkaErrorCode::TopicAlreadyExists))), "{again:?}");
    assert!(again.contains(&Err(("bad".to_owned(), RDKafkaErrorCode::InvalidConfig))), "{again:?}");

    let extended = admin.create_partitions([&NewPartitions::new("t", 5)], &options).await.expect("answered");
    assert_eq!(extended, vec![Ok("t".to_owned())]);
    let metadata = admin.inner().fetch_metadata(Some("t"), PATIENCE).expect("metadata");
    assert_eq!(metadata.topics()[0].partitions().len(), 5);

    let described =
        admin.describe_configs([&ResourceSpecifier::Topic("t")], &options).await.expect("answered");
    let settings = described[0].as_ref().expect("described").entry_map();
    assert_eq!(settings["retention.ms"].value.as_deref(), Some("60000"));

    let deleted = admin.delete_topics(&["t", "never"], &options).await.expect("answered");
    let missing = Err(("never".to_owned(), RDKafkaErrorCode::UnknownTopicOrPartition));
    assert_eq!(deleted, vec![Ok("t".to_owned()), missing]);
    assert!(!dir.path().join("topics/t").exists());
    broker.stop().await;
}

#[tokio::test]
async fn the_group_requests_work_in_every_version() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    let mut wire = Wire::connect(broker.addr());
    for version in 0..=9 {
        let group = GroupId(StrBytes::from_string(format!("g{version}")));
        let member = join_alone(&mut wire, &group, version);
        let part = SyncGroupRequestAssignment::default().with_member_id(member.clone());
        let sync = SyncGroupRequest::default().with_group_id(group.clone()).with_member_id(member.clone());
        let sync = sync.with_generation_id(1).with_assignments(vec![part.with_assignment("part".into())]);
        assert_eq!(wire.ask(&sync, version.min(5)).assignment, "part");
        let beat = HeartbeatRequest::default().with_group_id(group.clone()).with_member_id(member.clone());
        assert_eq!(wire.ask(&beat.with_generation_id(1), version.min(4)).error_code, 0);
        let describe = DescribeGroupsRequest::default().with_groups(vec![group.clone()]);
        assert_eq!(wire.ask(&describe, version.min(5)).groups[0].members[0].member_assignment, "part");
        let leave = LeaveGroupRequest::default().with_group_id(group);
        let leave = match version.min(5) {
            0..=2 => leave.with_member_id(member),
            _ => leave.with_members(vec![MemberIdentity::default().with_member_id(member)]),
        };
        let left = wire.ask(&leave, version.min(5));
        assert!(left.error_code == 0 && left.members.iter().all(|member| member.error_code == 0));
    }
    broker.stop().await;
}

/// The member's id, after it has joined as the group's only member.
fn join_alone(wire: &mut Wire, group: &GroupId, version: i16) -> StrBytes {
    let protocol = JoinGroupRequestProtocol::default().with_name(StrBytes::from_static_str("range"));
    let join = JoinGroupRequest::default().with_group_id(group.clone()).with_session_timeout_ms(10_000);
    let join = join.with_protocol_type(StrBytes::from_static_str("consumer")).with_protocols(vec![protocol]);
    let mut answer = wire.ask(&join, version);
    if answer.error_code == ResponseError::MemberIdRequired.code() {
        answer = wire.ask(&join.with_member_id(answer.member_id), version);
    }
    assert_eq!(
        (answer.error_code, answer.generation_id, answer.members.len()),
        (0, 1, 1),
        "version {version}"
    );
    assert_eq!(answer.leader, answer.member_id);
    answer.member_id
}
