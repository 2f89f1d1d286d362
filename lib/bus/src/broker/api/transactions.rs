//! InitProducerId and the transaction requests.

use super::offsets;
use crate::broker::node::{Node, code, now_ms};
use crate::broker::state::{Offsets, TopicPartition};
use crate::broker::txn::Producer;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::*;

/// Older versions know no "producer fenced" and are told of an invalid epoch: from here on, by request.
const INIT_KNOWS_FENCED: i16 = 4;
const OTHERS_KNOW_FENCED: i16 = 2;

fn fenced_in_words_of<T>(result: Result<T, ResponseError>, knows: bool) -> Result<T, ResponseError> {
    result.map_err(|error| match error {
        ResponseError::ProducerFenced if !knows => ResponseError::InvalidProducerEpoch,
        other => other,
    })
}

pub fn init(node: &Node, request: &InitProducerIdRequest, version: i16) -> InitProducerIdResponse {
    let given = match &request.transactional_id {
        None => node.init_idempotent(),
        Some(id) => {
            let who =
                Producer { transactional_id: id, id: request.producer_id.0, epoch: request.producer_epoch };
            node.init_transactional(who, request.transaction_timeout_ms, now_ms())
        }
    };
    let given = fenced_in_words_of(given, version >= INIT_KNOWS_FENCED);
    let (id, epoch) = given.unwrap_or((-1, -1));
    let answer =
        InitProducerIdResponse::default().with_producer_id(ProducerId(id)).with_producer_epoch(epoch);
    answer.with_error_code(code(&given))
}

pub fn add_partitions(
    node: &Node,
    request: AddPartitionsToTxnRequest,
    version: i16,
) -> AddPartitionsToTxnResponse {
    let who = Producer {
        transactional_id: &request.v3_and_below_transactional_id,
        id: request.v3_and_below_producer_id.0,
        epoch: request.v3_and_below_producer_epoch,
    };
    let mut partitions: Vec<TopicPartition> = Vec::new();
    for topic in &request.v3_and_below_topics {
        partitions.extend(topic.partitions.iter().map(|number| (topic.name.to_string(), *number)));
    }
    let missing = |partition: &TopicPartition| node.topics.partition(&partition.0, partition.1).is_err();
    let unknown: Vec<_> = partitions.iter().filter(|partition| missing(partition)).cloned().collect();
    let added = match unknown.is_empty() {
        true => node.add_partitions(who, partitions, now_ms()),
        // All or none: those that exist are told that they were not tried.
        false => Err(ResponseError::OperationNotAttempted),
    };
    let added = fenced_in_words_of(added, version >= OTHERS_KNOW_FENCED);
    let topics = request.v3_and_below_topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|number| {
            let is_unknown = unknown.contains(&(topic.name.to_string(), *number));
            let result = if is_unknown { Err(ResponseError::UnknownTopicOrPartition) } else { added };
            let answer = AddPartitionsToTxnPartitionResult::default().with_partition_index(*number);
            answer.with_partition_error_code(code(&result))
        });
        let answer = AddPartitionsToTxnTopicResult::default().with_name(topic.name.clone());
        answer.with_results_by_partition(partitions.collect())
    });
    AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(topics.collect())
}

pub fn add_group(node: &Node, request: &AddOffsetsToTxnRequest, version: i16) -> AddOffsetsToTxnResponse {
    let who = Producer {
        transactional_id: &request.transactional_id,
        id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    let added = node.add_group(who, &request.group_id, now_ms());
    let added = fenced_in_words_of(added, version >= OTHERS_KNOW_FENCED);
    AddOffsetsToTxnResponse::default().with_error_code(code(&added))
}

pub fn commit_offsets(node: &Node, request: TxnOffsetCommitRequest) -> TxnOffsetCommitResponse {
    let result = take_offsets(node, &request);
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let answer =
                TxnOffsetCommitResponsePartition::default().with_partition_index(partition.partition_index);
            answer.with_error_code(code(&result))
        });
        TxnOffsetCommitResponseTopic::default().with_partitions(partitions.collect()).with_name(topic.name)
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}

fn take_offsets(node: &Node, request: &TxnOffsetCommitRequest) -> Result<(), ResponseError> {
    // Versions before 3 name no member; the transaction alone fences those off.
    if request.generation_id >= 0 || !request.member_id.is_empty() {
        let instance = super::some_text(&request.group_instance_id);
        node.groups.check_commit(&request.group_id, &request.member_id, instance, request.generation_id)?;
    }
    let mut taken = Offsets::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            let (offset, epoch) = (partition.committed_offset, partition.committed_leader_epoch);
            let metadata = &partition.committed_metadata;
            taken.push(offsets::check(
                node,
                &topic.name,
                partition.partition_index,
                offset,
                metadata,
                epoch,
            )?);
        }
    }
    let who = Producer {
        transactional_id: &request.transactional_id,
        id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    fenced_in_words_of(node.add_offsets(who, &request.group_id, taken), false)
}

pub fn end(node: &Node, request: &EndTxnRequest, version: i16) -> EndTxnResponse {
    let who = Producer {
        transactional_id: &request.transactional_id,
        id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    let ended = node.end_transaction(who, request.committed, now_ms());
    let ended = fenced_in_words_of(ended, version >= OTHERS_KNOW_FENCED);
    EndTxnResponse::default().with_error_code(code(&ended))
}
