//! Produce: batches into logs.

use super::Outcome;
use crate::broker::log::batch::Header;
use crate::broker::node::Node;
use crate::broker::txn::Producer;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use std::sync::atomic::Ordering;

pub fn produce<'a>(node: &Node, request: &ProduceRequest) -> Outcome<'a> {
    let topics: Vec<_> = request.topic_data.iter().map(|topic| produce_topic(node, request, topic)).collect();
    if request.acks != 0 {
        return ProduceResponse::default().with_responses(topics).into();
    }
    let mut partitions = topics.iter().flat_map(|topic| &topic.partition_responses);
    if partitions.any(|partition| partition.error_code != 0) { Outcome::Close } else { Outcome::Silence }
}

fn produce_topic(node: &Node, request: &ProduceRequest, topic: &TopicProduceData) -> TopicProduceResponse {
    let partitions = topic.partition_data.iter().map(|data| {
        let answer = PartitionProduceResponse::default().with_index(data.index);
        match append(node, request, topic, data) {
            Ok((offset, start)) => {
                answer.with_base_offset(offset).with_log_append_time_ms(-1).with_log_start_offset(start)
            }
            Err(error) => {
                answer.with_error_code(error.code()).with_base_offset(-1).with_log_append_time_ms(-1)
            }
        }
    });
    TopicProduceResponse::default()
        .with_name(topic.name.clone())
        .with_partition_responses(partitions.collect())
}

/// Offset of the first record and the log's start.
fn append(
    node: &Node,
    request: &ProduceRequest,
    topic: &TopicProduceData,
    data: &PartitionProduceData,
) -> Result<(i64, i64), ResponseError> {
    if !(-1..=1).contains(&request.acks) {
        return Err(ResponseError::InvalidRequiredAcks);
    }
    let partition = node.topics.partition(&topic.name, data.index)?;
    let records = data.records.as_deref().unwrap_or_default();
    let append = || {
        let appended = partition.change(|log| Ok((log.append(records)?, log.start_offset())));
        let is_refused = appended == Err(ResponseError::KafkaStorageError);
        node.disk_refuses.store(is_refused, Ordering::Relaxed);
        appended
    };
    let header = Header::parse(records).ok_or(ResponseError::CorruptMessage)?;
    if !header.is_transactional() {
        return append();
    }
    let id = request.transactional_id.as_deref().ok_or(ResponseError::InvalidTxnState)?;
    let who = Producer { transactional_id: id, id: header.producer_id, epoch: header.producer_epoch };
    node.in_transaction(who, &(topic.name.to_string(), data.index), append)
}
