//! OffsetCommit, OffsetFetch and OffsetDelete: how far groups have read.

use super::{once, some_text, text};
use crate::broker::node::{Node, code, now_ms};
use crate::broker::state::{Committed, Entry, GroupOffsets, Offsets, Store, TopicPartition};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestPartition;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::offset_fetch_response::*;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

/// Longest text that is kept with an offset, as in Kafka.
const MAX_METADATA: usize = 4096;
/// From this version on a client asks for several groups at once.
const SEVERAL_GROUPS: i16 = 8;

pub fn commit(node: &Node, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let instance = some_text(&request.group_instance_id);
    let generation = request.generation_id_or_member_epoch;
    let allowed = node.groups.check_commit(&request.group_id, &request.member_id, instance, generation);
    let mut offsets = Offsets::new();
    let mut topics = Vec::new();
    for topic in &request.topics {
        let take = |partition: &OffsetCommitRequestPartition| {
            let taken = allowed.and_then(|()| committed(node, &topic.name, partition));
            let answer =
                OffsetCommitResponsePartition::default().with_partition_index(partition.partition_index);
            let answer = answer.with_error_code(code(&taken));
            offsets.extend(taken);
            answer
        };
        let partitions = topic.partitions.iter().map(take).collect();
        topics.push(
            OffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions),
        );
    }
    if let Err(error) = store(node, request.group_id.to_string(), offsets) {
        let partitions = topics.iter_mut().flat_map(|topic| &mut topic.partitions);
        partitions.for_each(|partition| partition.error_code = error.code());
    }
    OffsetCommitResponse::default().with_topics(topics)
}

fn committed(
    node: &Node,
    topic: &str,
    partition: &OffsetCommitRequestPartition,
) -> Result<(TopicPartition, Committed), ResponseError> {
    let (offset, leader_epoch) = (partition.committed_offset, partition.committed_leader_epoch);
    check(node, topic, partition.partition_index, offset, &partition.committed_metadata, leader_epoch)
}

/// What is kept of a committed offset, or why it is not.
pub fn check(
    node: &Node,
    topic: &str,
    partition: i32,
    offset: i64,
    metadata: &Option<StrBytes>,
    leader_epoch: i32,
) -> Result<(TopicPartition, Committed), ResponseError> {
    let metadata = metadata.as_deref().unwrap_or_default().to_owned();
    if metadata.len() > MAX_METADATA {
        return Err(ResponseError::OffsetMetadataTooLarge);
    }
    node.topics.partition(topic, partition)?;
    Ok(((topic.to_owned(), partition), Committed { offset, leader_epoch, metadata }))
}

fn store(node: &Node, group: String, offsets: Offsets) -> Result<(), ResponseError> {
    if offsets.is_empty() {
        return Ok(());
    }
    let mut store = node.store.lock();
    let groups = &store.state().offsets;
    if !groups.contains_key(&group) && groups.len() >= node.config.limits.coordinated {
        return Err(ResponseError::PolicyViolation);
    }
    if !replaces(groups.get(&group), &offsets) {
        store.check_room()?;
    }
    store.commit(Entry::Offsets { group, offsets, at_ms: now_ms() })
}

/// Whether these offsets only take the place of others that were as large.
fn replaces(known: Option<&GroupOffsets>, offsets: &Offsets) -> bool {
    offsets.iter().all(|(partition, new)| {
        let old = known.and_then(|known| known.by_partition.get(partition));
        old.is_some_and(|old| new.metadata.len() <= old.metadata.len())
    })
}

pub fn fetch(node: &Node, request: OffsetFetchRequest, version: i16) -> OffsetFetchResponse {
    let store = node.store.lock();
    if version >= SEVERAL_GROUPS {
        let groups = once(request.groups, |group| group.group_id.clone());
        let groups = groups.map(|group| fetch_group(&store, group, request.require_stable));
        return OffsetFetchResponse::default().with_groups(groups.collect());
    }
    let topics = request.topics.map(|topics| {
        let wanted = |topic: offset_fetch_request::OffsetFetchRequestTopic| {
            let wanted = OffsetFetchRequestTopics::default().with_name(topic.name);
            wanted.with_partition_indexes(topic.partition_indexes)
        };
        topics.into_iter().map(wanted).collect()
    });
    let group = OffsetFetchRequestGroup::default().with_group_id(request.group_id).with_topics(topics);
    let answer = fetch_group(&store, group, request.require_stable);
    OffsetFetchResponse::default().with_topics(answer.topics.into_iter().map(older_form).collect())
}

/// The same in the words of the versions for one group.
fn older_form(topic: OffsetFetchResponseTopics) -> OffsetFetchResponseTopic {
    let partitions = topic.partitions.into_iter().map(|partition| {
        OffsetFetchResponsePartition::default()
            .with_partition_index(partition.partition_index)
            .with_committed_offset(partition.committed_offset)
            .with_committed_leader_epoch(partition.committed_leader_epoch)
            .with_metadata(partition.metadata)
            .with_error_code(partition.error_code)
    });
    OffsetFetchResponseTopic::default().with_name(topic.name).with_partitions(partitions.collect())
}

fn fetch_group(store: &Store, group: OffsetFetchRequestGroup, stable: bool) -> OffsetFetchResponseGroup {
    let known = store.state().offsets.get(group.group_id.as_str()).map(|known| &known.by_partition);
    let topics = group.topics.unwrap_or_else(|| all_topics(known.into_iter().flat_map(BTreeMap::keys)));
    let topics = topics.into_iter().map(|topic| {
        let one = |number: &i32| {
            let partition = (topic.name.to_string(), *number);
            let pending = stable && Node::has_pending_offset(store, &group.group_id, &partition);
            fetched(*number, known.and_then(|offsets| offsets.get(&partition)), pending)
        };
        let partitions = topic.partition_indexes.iter().map(one).collect();
        OffsetFetchResponseTopics::default().with_partitions(partitions).with_name(topic.name.clone())
    });
    OffsetFetchResponseGroup::default().with_topics(topics.collect()).with_group_id(group.group_id)
}

fn all_topics<'a>(partitions: impl Iterator<Item = &'a TopicPartition>) -> Vec<OffsetFetchRequestTopics> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in partitions {
        topics.entry(topic).or_default().push(*partition);
    }
    let topic = |(name, partitions): (&str, Vec<i32>)| {
        OffsetFetchRequestTopics::default()
            .with_name(TopicName(text(name)))
            .with_partition_indexes(partitions)
    };
    topics.into_iter().map(topic).collect()
}

fn fetched(number: i32, committed: Option<&Committed>, pending: bool) -> OffsetFetchResponsePartitions {
    let answer = OffsetFetchResponsePartitions::default().with_partition_index(number);
    match committed {
        _ if pending => {
            let error = ResponseError::UnstableOffsetCommit.code();
            answer.with_committed_offset(-1).with_committed_leader_epoch(-1).with_error_code(error)
        }
        None => {
            answer.with_committed_offset(-1).with_committed_leader_epoch(-1).with_metadata(Some(text("")))
        }
        Some(committed) => answer
            .with_committed_offset(committed.offset)
            .with_committed_leader_epoch(committed.leader_epoch)
            .with_metadata(Some(text(&committed.metadata))),
    }
}

pub fn delete(node: &Node, request: OffsetDeleteRequest) -> OffsetDeleteResponse {
    let group = request.group_id.to_string();
    let has_members = node.groups.with(&group, |group| !group.is_abandoned()).unwrap_or(false);
    let mut gone = Vec::new();
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let number = partition.partition_index;
            let result = check_delete(node, has_members, &topic.name, number);
            gone.extend(result.map(|()| (topic.name.to_string(), number)));
            OffsetDeleteResponsePartition::default()
                .with_partition_index(number)
                .with_error_code(code(&result))
        });
        let partitions = partitions.collect();
        OffsetDeleteResponseTopic::default().with_partitions(partitions).with_name(topic.name)
    });
    let topics = topics.collect();
    match forget(node, group, gone, has_members) {
        Ok(()) => OffsetDeleteResponse::default().with_topics(topics),
        Err(error) => OffsetDeleteResponse::default().with_error_code(error.code()),
    }
}

/// Members may have subscribed to any topic: what they say of it is between them, and not looked into.
fn check_delete(node: &Node, has_members: bool, topic: &str, partition: i32) -> Result<(), ResponseError> {
    node.topics.partition(topic, partition)?;
    if has_members { Err(ResponseError::GroupSubscribedToTopic) } else { Ok(()) }
}

fn forget(
    node: &Node,
    group: String,
    partitions: Vec<TopicPartition>,
    has_members: bool,
) -> Result<(), ResponseError> {
    let mut store = node.store.lock();
    if !has_members && !store.state().offsets.contains_key(&group) {
        return Err(ResponseError::GroupIdNotFound);
    }
    if partitions.is_empty() { Ok(()) } else { store.commit(Entry::OffsetsGone { group, partitions }) }
}
