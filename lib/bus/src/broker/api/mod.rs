//! The requests that are answered: one file for each family, one row in the table for each request.

#[cfg(test)]
mod samples;

mod configs;
mod coordination;
mod fetch;
mod groups;
mod list_offsets;
mod metadata;
mod offsets;
mod produce;
mod topics;
mod transactions;
pub mod versions;

use super::node::Node;
use super::shape::{Shape, behind_header};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{ApiKey, RequestKind, ResponseKind};
use kafka_protocol::protocol::StrBytes;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::LazyLock;
use tokio::sync::SemaphorePermit;

/// The requests, the versions of them that are answered, and their [`shape`](super::shape). The upper ends stop where
/// a version would need what one node does not have: topic ids (Fetch 13, Metadata 10, CreateTopics 7,
/// DeleteTopics 6), the newer group protocol (OffsetCommit and OffsetFetch 9) or the second form of transactions
/// (Produce 12, EndTxn 5 and their like).
pub const SUPPORTED: &[(ApiKey, i16, i16, &str)] = &[
    (ApiKey::Produce, 3, 10, "s 2 4 { s { 4 b } }"),
    (ApiKey::Fetch, 4, 12, "4 4 4 4 1 4@7+ 4@7+ { s { 4 4@9+ 8 4@12+ 8@5+ 4 } } { s [ 4 ] }@7+ s@11+"),
    (ApiKey::ListOffsets, 1, 7, "4 1@2+ { s { 4 4@4+ 8 } }"),
    (ApiKey::Metadata, 0, 9, "{ s } 1@4+ 1@8+ 1@8+"),
    (ApiKey::OffsetCommit, 2, 8, "s 4 s s@7+ 8@2-4 { s { 4 8 4@6+ s } }"),
    (ApiKey::OffsetFetch, 1, 8, "s@1-7 { s [ 4 ] }@1-7 { s { s [ 4 ] } }@8+ 1@7+"),
    (ApiKey::FindCoordinator, 0, 4, "s@0-3 1@1+ [ s ]@4+"),
    (ApiKey::JoinGroup, 0, 9, "s 4 4@1+ s s@5+ s { s b } s@8+"),
    (ApiKey::Heartbeat, 0, 4, "s 4 s s@3+"),
    (ApiKey::LeaveGroup, 0, 5, "s s@0-2 { s s s@5+ }@3+"),
    (ApiKey::SyncGroup, 0, 5, "s 4 s s@3+ s@5+ s@5+ { s b }"),
    (ApiKey::DescribeGroups, 0, 5, "[ s ] 1@3+"),
    (ApiKey::ListGroups, 0, 4, "[ s ]@4+"),
    (ApiKey::ApiVersions, 0, 3, "s@3+ s@3+"),
    (ApiKey::CreateTopics, 2, 6, "{ s 4 2 { 4 [ 4 ] } { s s } } 4 1"),
    (ApiKey::DeleteTopics, 1, 5, "[ s ] 4"),
    (ApiKey::DeleteRecords, 0, 2, "{ s { 4 8 } } 4"),
    (ApiKey::InitProducerId, 0, 4, "s 4 8@3+ 2@3+"),
    (ApiKey::OffsetForLeaderEpoch, 2, 4, "4@3+ { s { 4 4 4 } }"),
    (ApiKey::AddPartitionsToTxn, 0, 3, "s 8 2 { s [ 4 ] }"),
    (ApiKey::AddOffsetsToTxn, 0, 3, "s 8 2 s"),
    (ApiKey::EndTxn, 0, 3, "s 8 2 1"),
    (ApiKey::TxnOffsetCommit, 0, 3, "s s 8 2 4@3+ s@3+ s@3+ { s { 4 8 4@2+ s } }"),
    (ApiKey::DescribeConfigs, 1, 4, "{ 1 s [ s ] } 1 1@3+"),
    (ApiKey::IncrementalAlterConfigs, 0, 1, "{ 1 s { s 1 s } } 1"),
    (ApiKey::CreatePartitions, 0, 3, "{ s 4 { [ 4 ] } } 4 1"),
    (ApiKey::DeleteGroups, 0, 2, "[ s ]"),
    (ApiKey::OffsetDelete, 0, 0, "s { s { 4 } }"),
];

static SHAPES: LazyLock<HashMap<ApiKey, Option<Shape>>> =
    LazyLock::new(|| SUPPORTED.iter().map(|(api, _, _, shape)| (*api, Shape::parse(shape))).collect());

/// Whether this version of a request is answered.
pub fn is_supported(api: ApiKey, version: i16) -> bool {
    SUPPORTED.iter().any(|(key, from, to, _)| *key == api && (*from..=*to).contains(&version))
}

/// The number of elements in a frame that looks like this request, so that it can be decoded; `None` for others.
pub fn elements(api: ApiKey, version: i16, frame: &[u8]) -> Option<usize> {
    let flexible = api.request_header_version(version) >= 2;
    let shape = SHAPES.get(&api).and_then(Option::as_ref)?;
    shape.elements(behind_header(frame, flexible)?, version, flexible)
}

/// Who asks.
#[derive(Debug)]
pub struct Client {
    /// What it calls itself.
    pub id: String,
    /// Where it comes from.
    pub host: IpAddr,
    /// The version of its request.
    pub version: i16,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// This is sent; until then it keeps its share of the memory that all connections have together, if it has one
    /// already.
    Answer(Box<ResponseKind>, Option<SemaphorePermit<'a>>),
    /// Nothing is sent; the producer asked for no acknowledgement.
    Silence,
    /// The connection is closed: the only way to tell a producer that wants no acknowledgement of an error.
    Close,
}

impl<T: Into<ResponseKind>> From<T> for Outcome<'_> {
    fn from(answer: T) -> Self {
        Outcome::Answer(Box::new(answer.into()), None)
    }
}

/// Answers one request.
pub async fn answer<'a>(node: &'a Node, client: &Client, request: RequestKind) -> Outcome<'a> {
    match request {
        RequestKind::Produce(request) => produce::produce(node, &request),
        RequestKind::Fetch(request) => fetch::fetch(node, &request).await,
        RequestKind::ListOffsets(request) => {
            list_offsets::list_offsets(node, &request, client.version).into()
        }
        RequestKind::OffsetForLeaderEpoch(request) => list_offsets::for_leader_epoch(node, &request).into(),
        RequestKind::Metadata(request) => metadata::metadata(node, request, client.version).into(),
        RequestKind::ApiVersions(_) => versions::supported().into(),
        RequestKind::FindCoordinator(request) => coordination::find(node, &request, client.version).into(),
        RequestKind::JoinGroup(request) => groups::join(node, client, request).await.into(),
        RequestKind::SyncGroup(request) => groups::sync(node, request).await.into(),
        RequestKind::Heartbeat(request) => groups::heartbeat(node, &request).into(),
        RequestKind::LeaveGroup(request) => groups::leave(node, request, client.version).into(),
        RequestKind::DescribeGroups(request) => groups::describe(node, request).into(),
        RequestKind::ListGroups(request) => groups::list(node, &request).into(),
        RequestKind::DeleteGroups(request) => groups::delete(node, request).into(),
        RequestKind::OffsetCommit(request) => offsets::commit(node, request).into(),
        RequestKind::OffsetFetch(request) => offsets::fetch(node, request, client.version).into(),
        RequestKind::OffsetDelete(request) => offsets::delete(node, request).into(),
        RequestKind::CreateTopics(request) => topics::create(node, request).into(),
        RequestKind::DeleteTopics(request) => topics::delete(node, request).into(),
        RequestKind::CreatePartitions(request) => topics::create_partitions(node, request).into(),
        RequestKind::DeleteRecords(request) => topics::delete_records(node, request).into(),
        RequestKind::DescribeConfigs(request) => configs::describe(node, request).into(),
        RequestKind::IncrementalAlterConfigs(request) => configs::alter(node, request).into(),
        RequestKind::InitProducerId(request) => transactions::init(node, &request, client.version).into(),
        RequestKind::AddPartitionsToTxn(request) => {
            transactions::add_partitions(node, request, client.version).into()
        }
        RequestKind::AddOffsetsToTxn(request) => {
            transactions::add_group(node, &request, client.version).into()
        }
        RequestKind::TxnOffsetCommit(request) => transactions::commit_offsets(node, request).into(),
        RequestKind::EndTxn(request) => transactions::end(node, &request, client.version).into(),
        // Not in the table, so never decoded.
        _ => Outcome::Close,
    }
}

/// An error, and what there is to say about it.
struct Refusal(ResponseError, Option<String>);

impl Refusal {
    fn new(error: ResponseError, message: impl Into<String>) -> Refusal {
        Refusal(error, Some(message.into()))
    }
}

impl From<ResponseError> for Refusal {
    fn from(error: ResponseError) -> Refusal {
        Refusal(error, None)
    }
}

/// Each once, in order: a request that names a thing a thousand times would get a thousand answers.
fn once<T, K: Eq + Hash>(named: Vec<T>, name: impl Fn(&T) -> K) -> impl Iterator<Item = T> {
    let mut seen = HashSet::new();
    named.into_iter().filter(move |item| seen.insert(name(item)))
}

fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}

/// `None` stands for a text that is not there, which Kafka writes as empty in places.
fn some_text(text: &Option<StrBytes>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}
