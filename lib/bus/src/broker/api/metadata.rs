//! Metadata: the broker, the topics and their partitions; asking for a topic can create it.

use super::{once, text};
use crate::broker::node::{LEADER_EPOCH, NODE_ID, Node};
use crate::broker::topics::Topic;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};
use std::sync::Arc;

/// From this version on a client says whether a topic may be created.
const SAYS_WHETHER_TO_CREATE: i16 = 4;

pub fn metadata(node: &Node, request: MetadataRequest, version: i16) -> MetadataResponse {
    let may_create = request.allow_auto_topic_creation || version < SAYS_WHETHER_TO_CREATE;
    let topics = match request.topics {
        None => all(node),
        // Version 0 says "all" by an empty list.
        Some(topics) if topics.is_empty() && version == 0 => all(node),
        Some(topics) => {
            once(topics, |topic| topic.name.clone()).map(|topic| one(node, &topic, may_create)).collect()
        }
    };
    let (host, port) = &node.advertised;
    let broker = MetadataResponseBroker::default().with_node_id(NODE_ID);
    let broker = broker.with_host(text(host)).with_port(i32::from(*port));
    MetadataResponse::default()
        .with_brokers(vec![broker])
        .with_cluster_id(Some(text(&node.dir.cluster_id)))
        .with_controller_id(NODE_ID)
        .with_topics(topics)
}

fn all(node: &Node) -> Vec<MetadataResponseTopic> {
    node.topics.all().into_iter().map(|(name, topic)| describe(TopicName(text(name)), Ok(topic))).collect()
}

fn one(node: &Node, topic: &MetadataRequestTopic, may_create: bool) -> MetadataResponseTopic {
    let name = topic.name.clone().unwrap_or_default();
    let found = match node.topics.get(&name) {
        Some(topic) => Ok(topic),
        None if may_create && node.config.auto_create_topics => create(node, &name),
        None => Err(ResponseError::UnknownTopicOrPartition),
    };
    describe(name, found)
}

fn create(node: &Node, name: &str) -> Result<Arc<Topic>, ResponseError> {
    match node.topics.create(name, node.config.partitions, Default::default()) {
        // Another client was faster.
        Err(ResponseError::TopicAlreadyExists) => {
            node.topics.get(name).ok_or(ResponseError::LeaderNotAvailable)
        }
        other => other,
    }
}

fn describe(name: TopicName, topic: Result<Arc<Topic>, ResponseError>) -> MetadataResponseTopic {
    let answer = MetadataResponseTopic::default().with_name(Some(name));
    match topic {
        Err(error) => answer.with_error_code(error.code()),
        Ok(topic) => answer.with_partitions((0..topic.partitions.len() as i32).map(partition).collect()),
    }
}

fn partition(number: i32) -> MetadataResponsePartition {
    MetadataResponsePartition::default()
        .with_partition_index(number)
        .with_leader_id(NODE_ID)
        .with_leader_epoch(LEADER_EPOCH)
        .with_replica_nodes(vec![NODE_ID])
        .with_isr_nodes(vec![NODE_ID])
}
