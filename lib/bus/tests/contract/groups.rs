//! Consumer groups: members share partitions, come and go.

use crate::target::{Target, options};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::topic_partition_list::Offset;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use test_support::client::*;

/// A member of the test's group that reads this topic.
pub fn member(target: &Target, topic: &str, settings: Settings) -> BaseConsumer {
    let group = target.name("g");
    let standard: Settings = &[
        ("group.id", &group),
        ("auto.offset.reset", "earliest"),
        ("enable.auto.commit", "false"),
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "100"),
    ];
    let consumer: BaseConsumer =
        client(&target.addr, &[standard, settings].concat()).create().expect("consumer");
    consumer.subscribe(&[topic]).expect("subscribed");
    consumer
}

/// The numbers of the partitions that a member has.
pub fn parts(member: &BaseConsumer) -> BTreeSet<i32> {
    let assigned = member.assignment().expect("assignment");
    assigned.elements().iter().map(|element| element.partition()).collect()
}

/// Lets all members poll until they have as many partitions as wanted.
pub fn poll_until(members: &[&BaseConsumer], wanted: &[usize]) {
    let end = Instant::now() + PATIENCE;
    while members.iter().map(|member| parts(member).len()).ne(wanted.iter().copied()) {
        assert!(Instant::now() < end, "no such assignment in time");
        members.iter().for_each(|member| drop(member.poll(Duration::from_millis(20))));
    }
}

fn two_members_share(target: &Target, topic: &str, strategy: &str) {
    let settings = [("partition.assignment.strategy", strategy)];
    let first = member(target, topic, &settings);
    poll_until(&[&first], &[4]);
    let second = member(target, topic, &settings);
    poll_until(&[&first, &second], &[2, 2]);
    assert!(parts(&first).is_disjoint(&parts(&second)));
    let listed = first.fetch_group_list(Some(&target.name("g")), PATIENCE).expect("groups");
    assert_eq!((listed.groups()[0].state(), listed.groups()[0].members().len()), ("Stable", 2));
    drop(second);
    poll_until(&[&first], &[4]);
}

#[tokio::test]
async fn two_members_share_the_partitions_and_one_inherits_them() {
    let target = Target::new("range").await;
    let topic = target.topic("t", 4, &[]).await;
    two_members_share(&target, &topic, "range");
}

#[tokio::test]
async fn members_that_keep_what_they_have_share_the_partitions_too() {
    let target = Target::new("sticky").await;
    let topic = target.topic("t", 4, &[]).await;
    two_members_share(&target, &topic, "cooperative-sticky");
}

#[tokio::test]
async fn a_member_goes_on_where_the_one_before_it_has_committed() {
    let target = Target::new("go-on").await;
    let topic = target.topic("t", 1, &[]).await;
    let producer = producer(&target.addr, &[]);
    for value in ["a", "b", "c"] {
        send(&producer, &topic, value).await;
    }
    let first = member(&target, &topic, &[]);
    assert_eq!(take(&first, 2).len(), 2);
    first.commit(&place(&topic, 0, Offset::Offset(2)), CommitMode::Sync).expect("committed");
    drop(first);
    assert_eq!(take(&member(&target, &topic, &[]), 1), [(2, "c".to_owned())]);
}

#[tokio::test]
async fn a_stranger_cannot_commit_for_a_group_that_has_members() {
    let target = Target::new("stranger").await;
    let topic = target.topic("t", 1, &[]).await;
    let first = member(&target, &topic, &[]);
    poll_until(&[&first], &[1]);
    let stranger = reader(&target.addr, &topic, Offset::Beginning, &[("group.id", &target.name("g"))]);
    let refused = stranger.commit(&place(&topic, 0, Offset::Offset(1)), CommitMode::Sync);
    let code = refused.expect_err("refused").rdkafka_error_code();
    assert_eq!(code, Some(RDKafkaErrorCode::UnknownMemberId));
}

#[tokio::test]
async fn a_group_is_deleted_when_nobody_is_in_it() {
    let target = Target::new("delete-group").await;
    let (topic, group) = (target.topic("t", 1, &[]).await, target.name("g"));
    let only = member(&target, &topic, &[]);
    poll_until(&[&only], &[1]);
    only.commit(&place(&topic, 0, Offset::Offset(0)), CommitMode::Sync).expect("committed");
    let admin = target.admin();
    let delete = || async { admin.delete_groups(&[&group], &options()).await.expect("answered") };
    assert_eq!(delete().await, [Err((group.clone(), RDKafkaErrorCode::NonEmptyGroup))]);
    drop(only);
    assert_eq!(delete().await, [Ok(group.clone())]);
    assert_eq!(delete().await, [Err((group.clone(), RDKafkaErrorCode::GroupIdNotFound))]);
}
