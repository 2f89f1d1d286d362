//! Consumer groups of the embedded broker: over its restarts, and in every version of their requests.

use crate::support::start;
use crate::wire::Wire;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    DescribeGroupsRequest, GroupId, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest,
    OffsetDeleteRequest, SyncGroupRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use test_support::client::*;

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

/// Error of the whole request and of its only partition, if there is one.
fn delete_offset(wire: &mut Wire, group: &str, topic: &'static str) -> (i16, Option<i16>) {
    let partition = OffsetDeleteRequestPartition::default().with_partition_index(0);
    let topic = OffsetDeleteRequestTopic::default()
        .with_name(TopicName(StrBytes::from_static_str(topic)))
        .with_partitions(vec![partition]);
    let request = OffsetDeleteRequest::default()
        .with_group_id(GroupId(StrBytes::from_string(group.to_owned())))
        .with_topics(vec![topic]);
    let answer = wire.ask(&request, 0);
    let of_partition = answer.topics.first().map(|topic| topic.partitions[0].error_code);
    (answer.error_code, of_partition)
}

#[tokio::test]
async fn offsets_are_deleted_unless_members_may_want_them() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path()).await;
    send(&producer(broker.addr(), &[]), "t", "v").await;
    let consumer = reader(broker.addr(), "t", Offset::Beginning, &[]);
    take(&consumer, 1);
    consumer.commit_consumer_state(CommitMode::Sync).expect("committed");
    let mut wire = Wire::connect(broker.addr());
    assert_eq!(delete_offset(&mut wire, "nobody", "t"), (ResponseError::GroupIdNotFound.code(), None));
    let unknown = ResponseError::UnknownTopicOrPartition.code();
    assert_eq!(delete_offset(&mut wire, "reader", "never"), (0, Some(unknown)));
    let group = GroupId(StrBytes::from_static_str("reader"));
    let member = join_alone(&mut wire, &group, 5);
    let subscribed = ResponseError::GroupSubscribedToTopic.code();
    assert_eq!(delete_offset(&mut wire, "reader", "t"), (0, Some(subscribed)));
    let committed = || consumer.committed(PATIENCE).expect("offsets").elements()[0].offset();
    assert_eq!(committed(), Offset::Offset(1));
    let leave = MemberIdentity::default().with_member_id(member);
    wire.ask(&LeaveGroupRequest::default().with_group_id(group).with_members(vec![leave]), 4);
    assert_eq!(delete_offset(&mut wire, "reader", "t"), (0, Some(0)));
    assert_eq!(committed(), Offset::Invalid);
    broker.stop().await;
}
