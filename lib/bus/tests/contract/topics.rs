//! Topics: created, extended, described, deleted.

use crate::target::{Target, options};
use rdkafka::admin::{NewPartitions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::types::RDKafkaErrorCode as Code;
use test_support::client::PATIENCE;

#[tokio::test]
async fn what_cannot_be_created_is_refused() {
    let target = Target::new("refused").await;
    let topic = target.topic("t", 1, &[]).await;
    let bad = target.name("bad");
    let new = |name, partitions| NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    let create = async |topic: NewTopic<'_>| {
        let created = target.admin().create_topics([&topic], &options()).await.expect("answered");
        created[0].as_ref().expect_err("refused").1
    };
    assert_eq!(create(new(&topic, 1)).await, Code::TopicAlreadyExists);
    assert_eq!(create(new("no such/name", 1)).await, Code::InvalidTopic);
    assert_eq!(create(new(&bad, 0)).await, Code::InvalidPartitions);
    assert_eq!(create(new(&bad, 1).set("no.such.setting", "1")).await, Code::InvalidConfig);
    assert_eq!(create(new(&bad, 1).set("retention.ms", "soon")).await, Code::InvalidConfig);
    let copies = NewTopic::new(&bad, 1, TopicReplication::Fixed(3));
    assert_eq!(create(copies).await, Code::InvalidReplicationFactor);
}

#[tokio::test]
async fn a_topic_can_be_extended_but_not_shrunk() {
    let target = Target::new("extend").await;
    let (topic, admin) = (target.topic("t", 2, &[]).await, target.admin());
    let extend = async |count| {
        admin.create_partitions([&NewPartitions::new(&topic, count)], &options()).await.expect("answered")
    };
    assert_eq!(extend(5).await, [Ok(topic.clone())]);
    let metadata = admin.inner().fetch_metadata(Some(&topic), PATIENCE).expect("metadata");
    assert_eq!(metadata.topics()[0].partitions().len(), 5);
    assert_eq!(extend(3).await, [Err((topic.clone(), Code::InvalidPartitions))]);
}

#[tokio::test]
async fn a_topic_says_its_settings() {
    let target = Target::new("describe").await;
    let topic = target.topic("t", 1, &[("retention.ms", "60000"), ("cleanup.policy", "compact")]).await;
    let resources = [&ResourceSpecifier::Topic(&topic)];
    let described = target.admin().describe_configs(resources, &options()).await.expect("answered");
    let settings = described[0].as_ref().expect("described").entry_map();
    assert_eq!(settings["retention.ms"].value.as_deref(), Some("60000"));
    assert_eq!(settings["cleanup.policy"].value.as_deref(), Some("compact"));
    assert!(settings["segment.bytes"].is_default && !settings["retention.ms"].is_default);
}

#[tokio::test]
async fn a_deleted_topic_is_gone() {
    let target = Target::new("delete-topic").await;
    let (topic, other) = (target.topic("t", 1, &[]).await, target.topic("other", 1, &[]).await);
    let (never, admin) = (target.name("never"), target.admin());
    let deleted = admin.delete_topics(&[&topic, &never], &options()).await.expect("answered");
    assert!(deleted.contains(&Ok(topic.clone())), "{deleted:?}");
    assert!(deleted.contains(&Err((never, Code::UnknownTopicOrPartition))), "{deleted:?}");
    let metadata = admin.inner().fetch_metadata(None, PATIENCE).expect("metadata");
    assert!(metadata.topics().iter().any(|known| known.name() == other));
    assert!(metadata.topics().iter().all(|known| known.name() != topic));
}
