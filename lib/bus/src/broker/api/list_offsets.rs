//! ListOffsets and OffsetForLeaderEpoch: where a log begins and ends, and where a time is in it.

use crate::broker::log::Log;
use crate::broker::node::{LEADER_EPOCH, Node, code};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_offsets_request::ListOffsetsTopic;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{
    ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const NEWEST: i64 = -3;
/// From this version on answers name the leader's epoch.
const HAS_EPOCH: i16 = 4;
/// Offset and timestamp when there is no such record.
const NONE: (i64, i64) = (-1, -1);

pub fn list_offsets(node: &Node, request: &ListOffsetsRequest, version: i16) -> ListOffsetsResponse {
    let committed = request.isolation_level == 1;
    let epoch = if version >= HAS_EPOCH { LEADER_EPOCH } else { -1 };
    let topics = request.topics.iter().map(|topic| list_topic(node, topic, committed, epoch));
    ListOffsetsResponse::default().with_topics(topics.collect())
}

fn list_topic(
    node: &Node,
    topic: &ListOffsetsTopic,
    committed: bool,
    epoch: i32,
) -> ListOffsetsTopicResponse {
    let partitions = topic.partitions.iter().map(|wanted| {
        let partition = node.topics.partition(&topic.name, wanted.partition_index);
        let found =
            partition.and_then(|partition| partition.with(|log| find(log, wanted.timestamp, committed)));
        let (offset, timestamp) = found.unwrap_or(NONE);
        ListOffsetsPartitionResponse::default()
            .with_partition_index(wanted.partition_index)
            .with_error_code(code(&found))
            .with_offset(offset)
            .with_timestamp(timestamp)
            .with_leader_epoch(if found.is_ok() { epoch } else { -1 })
    });
    ListOffsetsTopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
}

fn find(log: &mut Log, timestamp: i64, committed: bool) -> Result<(i64, i64), ResponseError> {
    let end = if committed { log.stable_offset() } else { log.end_offset() };
    let found = match timestamp {
        LATEST => return Ok((end, -1)),
        EARLIEST => return Ok((log.start_offset(), -1)),
        NEWEST => log.newest()?,
        0.. => log.offset_at(timestamp)?,
        _ => return Err(ResponseError::UnsupportedVersion),
    };
    Ok(found.filter(|(offset, _)| *offset < end).unwrap_or(NONE))
}

pub fn for_leader_epoch(node: &Node, request: &OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let end = epoch_end(node, &topic.topic, wanted.partition, wanted.leader_epoch);
            let (epoch, offset) = end.unwrap_or((-1, -1));
            let answer =
                EpochEndOffset::default().with_partition(wanted.partition).with_error_code(code(&end));
            answer.with_leader_epoch(epoch).with_end_offset(offset)
        });
        OffsetForLeaderTopicResult::default()
            .with_topic(topic.topic.clone())
            .with_partitions(partitions.collect())
    });
    OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
}

/// There has only ever been one epoch, which ends where the log does.
fn epoch_end(node: &Node, topic: &str, partition: i32, epoch: i32) -> Result<(i32, i64), ResponseError> {
    let partition = node.topics.partition(topic, partition)?;
    let end = partition.with(|log| log.end_offset());
    Ok(if epoch == LEADER_EPOCH { (LEADER_EPOCH, end) } else { (-1, -1) })
}
