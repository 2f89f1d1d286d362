//! The consumer group requests.

use super::{Client, once, some_text, text};
use crate::broker::group::machine::Group;
use crate::broker::group::member::Member;
use crate::broker::group::messages::{JoinAnswer, Joining, Status, Syncing};
use crate::broker::node::{Node, code};
use crate::broker::state::{Entry, TopicPartition};
use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::*;
use std::time::{Duration, Instant};

/// From this version on a new member gets its id first and joins with it.
const ID_FIRST: i16 = 4;
/// From this version on the protocol's name may be absent.
const ABSENT_PROTOCOL: i16 = 7;
/// From this version on a leader can be told not to hand out parts.
const KNOWS_SKIP_ASSIGNMENT: i16 = 9;
/// From this version on several members leave at once.
const LEAVES_TOGETHER: i16 = 3;

pub async fn join(node: &Node, client: &Client, request: JoinGroupRequest) -> JoinGroupResponse {
    let (group, member_id) = (request.group_id.to_string(), request.member_id.clone());
    let answer = match node.groups.join(&group, joining(client, request)).await {
        Ok(answer) => joined(answer),
        Err(error) => JoinGroupResponse::default()
            .with_error_code(error.code())
            .with_generation_id(-1)
            .with_member_id(member_id)
            .with_protocol_name(None),
    };
    if client.version < ABSENT_PROTOCOL && answer.protocol_name.is_none() {
        return answer.with_protocol_name(Some(text("")));
    }
    answer
}

fn joining(client: &Client, request: JoinGroupRequest) -> Joining {
    let millis = |ms: i32| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    let session_timeout = millis(request.session_timeout_ms);
    // Version 0 has no rebalance time-out; the session's stands for it.
    let rebalance_timeout = Some(millis(request.rebalance_timeout_ms)).filter(|timeout| !timeout.is_zero());
    Joining {
        member_id: request.member_id.to_string(),
        instance_id: some_text(&request.group_instance_id).map(str::to_owned),
        client_id: client.id.clone(),
        client_host: client.host.to_string(),
        session_timeout,
        rebalance_timeout: rebalance_timeout.unwrap_or(session_timeout),
        protocol_type: request.protocol_type.to_string(),
        protocols: request
            .protocols
            .into_iter()
            .map(|protocol| (protocol.name.to_string(), copied(&protocol.metadata)))
            .collect(),
        id_first: client.version >= ID_FIRST,
        may_skip_assignment: client.version >= KNOWS_SKIP_ASSIGNMENT,
    }
}

/// What is kept is copied: it would keep its whole request.
fn copied(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn joined(answer: JoinAnswer) -> JoinGroupResponse {
    match answer {
        JoinAnswer::TakeId(id) => JoinGroupResponse::default()
            .with_error_code(ResponseError::MemberIdRequired.code())
            .with_generation_id(-1)
            .with_member_id(text(id))
            .with_protocol_name(None),
        JoinAnswer::Joined {
            generation,
            protocol_type,
            protocol,
            leader,
            member_id,
            members,
            skip_assignment,
        } => {
            let member = |(id, instance, metadata): (String, Option<String>, _)| {
                let member =
                    JoinGroupResponseMember::default().with_member_id(text(id)).with_metadata(metadata);
                member.with_group_instance_id(instance.map(text))
            };
            JoinGroupResponse::default()
                .with_generation_id(generation)
                .with_protocol_type(Some(text(protocol_type)))
                .with_protocol_name(Some(text(protocol)))
                .with_leader(text(leader))
                .with_member_id(text(member_id))
                .with_skip_assignment(skip_assignment)
                .with_members(members.into_iter().map(member).collect())
        }
    }
}

pub async fn sync(node: &Node, request: SyncGroupRequest) -> SyncGroupResponse {
    let assignments =
        request.assignments.iter().map(|part| (part.member_id.to_string(), copied(&part.assignment)));
    let syncing = Syncing {
        member_id: request.member_id.to_string(),
        instance_id: some_text(&request.group_instance_id).map(str::to_owned),
        generation: request.generation_id,
        assignments: assignments.collect(),
    };
    match node.groups.sync(&request.group_id, syncing).await {
        Err(error) => SyncGroupResponse::default().with_error_code(error.code()),
        Ok(answer) => SyncGroupResponse::default()
            .with_protocol_type(Some(text(answer.protocol_type)))
            .with_protocol_name(Some(text(answer.protocol)))
            .with_assignment(answer.assignment),
    }
}

pub fn heartbeat(node: &Node, request: &HeartbeatRequest) -> HeartbeatResponse {
    let instance = some_text(&request.group_instance_id);
    let beat = |group: &mut Group| {
        group.heartbeat(&request.member_id, instance, request.generation_id, Instant::now())
    };
    let result = node.groups.with(&request.group_id, beat).flatten();
    HeartbeatResponse::default().with_error_code(code(&result))
}

pub fn leave(node: &Node, request: LeaveGroupRequest, version: i16) -> LeaveGroupResponse {
    let leave = |member: &str, instance: Option<&str>| {
        node.groups.with(&request.group_id, |group| group.leave(member, instance, Instant::now())).flatten()
    };
    if version < LEAVES_TOGETHER {
        return LeaveGroupResponse::default().with_error_code(code(&leave(&request.member_id, None)));
    }
    let members = request.members.iter().map(|member: &MemberIdentity| {
        let result = leave(&member.member_id, some_text(&member.group_instance_id));
        MemberResponse::default()
            .with_member_id(member.member_id.clone())
            .with_group_instance_id(member.group_instance_id.clone())
            .with_error_code(code(&result))
    });
    LeaveGroupResponse::default().with_members(members.collect())
}

pub fn list(node: &Node, request: &ListGroupsRequest) -> ListGroupsResponse {
    let mut groups = node.groups.list();
    for id in node.store.lock().state().offsets.keys() {
        if !groups.iter().any(|(known, ..)| known == id) {
            groups.push((id.clone(), String::new(), Status::Empty));
        }
    }
    let wanted = |status: Status| {
        request.states_filter.is_empty() || request.states_filter.iter().any(|name| **name == *status.name())
    };
    let listed =
        groups.into_iter().filter(|(.., status)| wanted(*status)).map(|(id, protocol_type, status)| {
            let group = ListedGroup::default().with_group_id(GroupId(text(id)));
            group.with_protocol_type(text(protocol_type)).with_group_state(text(status.name()))
        });
    ListGroupsResponse::default().with_groups(listed.collect())
}

pub fn describe(node: &Node, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
    let groups = once(request.groups, Clone::clone).map(|id| {
        let described = node.groups.with(&id, |group| describe_group(group));
        described.unwrap_or_else(|_| absent(node, &id)).with_group_id(id)
    });
    DescribeGroupsResponse::default().with_groups(groups.collect())
}

/// A group without members is empty while it has offsets, and dead without.
fn absent(node: &Node, id: &str) -> DescribedGroup {
    let has_offsets = node.store.lock().state().offsets.contains_key(id);
    DescribedGroup::default().with_group_state(text(if has_offsets { "Empty" } else { "Dead" }))
}

fn describe_group(group: &Group) -> DescribedGroup {
    let stable = group.status() == Status::Stable;
    let member = |(id, member): (&String, &Member)| {
        let data = member.protocol_data(group.protocol()).filter(|_| stable).cloned();
        DescribedGroupMember::default()
            .with_member_id(text(id))
            .with_group_instance_id(member.joining.instance_id.clone().map(text))
            .with_client_id(text(&member.joining.client_id))
            .with_client_host(text(format!("/{}", member.joining.client_host)))
            .with_member_metadata(data.unwrap_or_default())
            .with_member_assignment(member.assignment.clone())
    };
    DescribedGroup::default()
        .with_group_state(text(group.status().name()))
        .with_protocol_type(text(group.protocol_type()))
        .with_protocol_data(text(if stable { group.protocol() } else { "" }))
        .with_members(group.members().iter().map(member).collect())
}

pub fn delete(node: &Node, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let results = request.groups_names.into_iter().map(|id| {
        let result = delete_group(node, &id);
        DeletableGroupResult::default().with_error_code(code(&result)).with_group_id(id)
    });
    DeleteGroupsResponse::default().with_results(results.collect())
}

fn delete_group(node: &Node, id: &str) -> Result<(), ResponseError> {
    if node.groups.with(id, |group| !group.is_abandoned()).unwrap_or(false) {
        return Err(ResponseError::NonEmptyGroup);
    }
    let mut store = node.store.lock();
    let offsets = store.state().offsets.get(id).ok_or(ResponseError::GroupIdNotFound)?;
    let partitions: Vec<TopicPartition> = offsets.by_partition.keys().cloned().collect();
    store.commit(Entry::OffsetsGone { group: id.to_owned(), partitions })
}
