//! CreateTopics, DeleteTopics, CreatePartitions and DeleteRecords.

use super::{Refusal, text};
use crate::broker::node::{Node, code};
use crate::broker::topic_config::{self, TopicConfig};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::*;

pub fn create(node: &Node, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let answer = CreatableTopicResult::default().with_name(topic.name.clone());
        match create_one(node, &topic, request.validate_only) {
            Ok(partitions) => {
                answer.with_num_partitions(partitions).with_replication_factor(1).with_configs(Some(vec![]))
            }
            Err(Refusal(error, message)) => answer
                .with_error_code(error.code())
                .with_error_message(message.map(text))
                .with_configs(Some(vec![])),
        }
    });
    CreateTopicsResponse::default().with_topics(topics.collect())
}

fn create_one(node: &Node, topic: &CreatableTopic, dry_run: bool) -> Result<i32, Refusal> {
    let partitions = match (topic.num_partitions, topic.assignments.len()) {
        (-1, 0) => node.config.partitions,
        (-1, assigned) => i32::try_from(assigned).unwrap_or(i32::MAX),
        (asked, _) => asked,
    };
    if !matches!(topic.replication_factor, -1 | 1) {
        let message =
            format!("replication factor: {} larger than available brokers: 1", topic.replication_factor);
        return Err(Refusal::new(ResponseError::InvalidReplicationFactor, message));
    }
    let value = |config: &create_topics_request::CreatableTopicConfig| {
        config.value.as_ref().map(|value| (config.name.to_string(), value.to_string()))
    };
    let config: TopicConfig = topic.configs.iter().filter_map(value).collect();
    topic_config::check(&config).map_err(|message| Refusal::new(ResponseError::InvalidConfig, message))?;
    let created = match dry_run {
        true => node.topics.check(&topic.name, partitions),
        false => node.topics.create(&topic.name, partitions, config).map(|_| ()),
    };
    created.map_err(|error| Refusal::new(error, refusal(&topic.name, error)))?;
    Ok(partitions)
}

fn refusal(topic: &str, error: ResponseError) -> String {
    match error {
        ResponseError::TopicAlreadyExists => format!("Topic '{topic}' already exists."),
        ResponseError::InvalidTopicException => format!("topic name {topic:?} is not legal"),
        ResponseError::InvalidPartitions => {
            "number of partitions is not positive, or beyond the limit".to_owned()
        }
        _ => "the topic cannot be written; see the broker's log".to_owned(),
    }
}

pub fn delete(node: &Node, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let topics = request.topic_names.into_iter().map(|name| {
        let deleted = node.topics.delete(&name).and_then(|()| node.store.lock().forget_topic(&name));
        DeletableTopicResult::default().with_error_code(code(&deleted)).with_name(Some(name))
    });
    DeleteTopicsResponse::default().with_responses(topics.collect())
}

pub fn create_partitions(node: &Node, request: CreatePartitionsRequest) -> CreatePartitionsResponse {
    let results = request.topics.into_iter().map(|topic: CreatePartitionsTopic| {
        let extended = node.topics.extend(&topic.name, topic.count, request.validate_only);
        CreatePartitionsTopicResult::default().with_error_code(code(&extended)).with_name(topic.name)
    });
    CreatePartitionsResponse::default().with_results(results.collect())
}

pub fn delete_records(node: &Node, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let partition = node.topics.partition(&topic.name, wanted.partition_index);
            let low =
                partition.and_then(|partition| partition.change(|log| log.delete_before(wanted.offset)));
            DeleteRecordsPartitionResult::default()
                .with_partition_index(wanted.partition_index)
                .with_error_code(code(&low))
                .with_low_watermark(low.unwrap_or(-1))
        });
        DeleteRecordsTopicResult::default()
            .with_partitions(partitions.collect())
            .with_name(topic.name.clone())
    });
    DeleteRecordsResponse::default().with_topics(topics.collect())
}
