//! Requests of every kind, with something in every array: their shapes are what the codec writes, and their answers can
//! be written in every version.

use super::{Client, Outcome, SHAPES, SUPPORTED, answer, elements};
use crate::broker::Config;
use crate::broker::data_dir::DataDir;
use crate::broker::node::Node;
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{StrBytes, encode_request_header_into_buffer};
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

fn text() -> StrBytes {
    StrBytes::from_static_str("text")
}

fn name() -> TopicName {
    TopicName(text())
}

/// A batch of one empty record.
fn data() -> Bytes {
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: -1,
        timestamp: 1,
        key: None,
        value: None,
        headers: Default::default(),
    };
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    let mut bytes = BytesMut::new();
    RecordBatchEncoder::encode(&mut bytes, [&record], &options).expect("batch");
    bytes.freeze()
}

/// Every request, with something in every array; where versions differ in their arrays, one for each form.
fn samples() -> Vec<RequestKind> {
    vec![
        RequestKind::Produce(ProduceRequest::default().with_acks(1).with_topic_data(vec![
            TopicProduceData::default().with_name(name()).with_partition_data(vec![
                PartitionProduceData::default().with_records(Some(data())),
                PartitionProduceData::default(),
            ]),
        ])),
        RequestKind::Fetch(fetch()),
        RequestKind::Fetch(fetch().with_forgotten_topics_data(vec![
            ForgottenTopic::default().with_topic(name()).with_partitions(vec![1, 2]),
        ])),
        RequestKind::ListOffsets(ListOffsetsRequest::default().with_topics(vec![
                ListOffsetsTopic::default()
                    .with_name(name())
                    .with_partitions(vec![ListOffsetsPartition::default()]),
            ])),
        RequestKind::Metadata(
            MetadataRequest::default()
                .with_topics(Some(vec![MetadataRequestTopic::default().with_name(Some(name()))])),
        ),
        RequestKind::Metadata(MetadataRequest::default().with_topics(None)),
        RequestKind::OffsetCommit(OffsetCommitRequest::default().with_topics(vec![
            OffsetCommitRequestTopic::default().with_name(name()).with_partitions(vec![
                OffsetCommitRequestPartition::default().with_committed_metadata(Some(text())),
            ]),
        ])),
        RequestKind::OffsetFetch(OffsetFetchRequest::default().with_topics(Some(vec![
            OffsetFetchRequestTopic::default().with_name(name()).with_partition_indexes(vec![1]),
        ]))),
        RequestKind::OffsetFetch(OffsetFetchRequest::default().with_topics(None)),
        RequestKind::OffsetFetch(OffsetFetchRequest::default().with_groups(vec![
            OffsetFetchRequestGroup::default().with_topics(Some(vec![
                OffsetFetchRequestTopics::default().with_name(name()).with_partition_indexes(vec![1]),
            ])),
        ])),
        RequestKind::FindCoordinator(FindCoordinatorRequest::default().with_key(text())),
        RequestKind::FindCoordinator(FindCoordinatorRequest::default().with_coordinator_keys(vec![text()])),
        RequestKind::JoinGroup(JoinGroupRequest::default().with_protocols(vec![
            JoinGroupRequestProtocol::default().with_name(text()).with_metadata(data()),
        ])),
        RequestKind::Heartbeat(HeartbeatRequest::default()),
        RequestKind::LeaveGroup(LeaveGroupRequest::default().with_member_id(text())),
        RequestKind::LeaveGroup(LeaveGroupRequest::default().with_members(vec![MemberIdentity::default()])),
        RequestKind::SyncGroup(SyncGroupRequest::default().with_assignments(vec![
            SyncGroupRequestAssignment::default().with_member_id(text()).with_assignment(data()),
        ])),
        RequestKind::DescribeGroups(DescribeGroupsRequest::default().with_groups(vec![GroupId(text())])),
        RequestKind::ListGroups(ListGroupsRequest::default()),
        RequestKind::ListGroups(ListGroupsRequest::default().with_states_filter(vec![text()])),
        RequestKind::ApiVersions(ApiVersionsRequest::default()),
        RequestKind::CreateTopics(CreateTopicsRequest::default().with_topics(vec![
                CreatableTopic::default()
                    .with_assignments(vec![
                        CreatableReplicaAssignment::default().with_broker_ids(vec![BrokerId(1)]),
                    ])
                    .with_configs(vec![
                        CreatableTopicConfig::default().with_name(text()).with_value(Some(text())),
                    ]),
            ])),
        RequestKind::DeleteTopics(DeleteTopicsRequest::default().with_topic_names(vec![name()])),
        RequestKind::DeleteRecords(DeleteRecordsRequest::default().with_topics(vec![
                DeleteRecordsTopic::default()
                    .with_name(name())
                    .with_partitions(vec![DeleteRecordsPartition::default()]),
            ])),
        RequestKind::InitProducerId(InitProducerIdRequest::default()),
        RequestKind::OffsetForLeaderEpoch(OffsetForLeaderEpochRequest::default().with_topics(vec![
                OffsetForLeaderTopic::default()
                    .with_topic(name())
                    .with_partitions(vec![OffsetForLeaderPartition::default()]),
            ])),
        RequestKind::AddPartitionsToTxn(AddPartitionsToTxnRequest::default().with_v3_and_below_topics(vec![
            AddPartitionsToTxnTopic::default().with_name(name()).with_partitions(vec![1]),
        ])),
        RequestKind::AddOffsetsToTxn(AddOffsetsToTxnRequest::default()),
        RequestKind::EndTxn(EndTxnRequest::default()),
        RequestKind::TxnOffsetCommit(TxnOffsetCommitRequest::default().with_topics(vec![
            TxnOffsetCommitRequestTopic::default()
                .with_name(name())
                .with_partitions(vec![TxnOffsetCommitRequestPartition::default()]),
        ])),
        RequestKind::DescribeConfigs(DescribeConfigsRequest::default().with_resources(vec![
            DescribeConfigsResource::default().with_configuration_keys(Some(vec![text()])),
            DescribeConfigsResource::default().with_configuration_keys(None),
        ])),
        RequestKind::IncrementalAlterConfigs(IncrementalAlterConfigsRequest::default().with_resources(vec![
            AlterConfigsResource::default().with_configs(vec![
                AlterableConfig::default().with_name(text()).with_value(Some(text())),
            ]),
        ])),
        RequestKind::CreatePartitions(CreatePartitionsRequest::default().with_topics(vec![
            CreatePartitionsTopic::default().with_assignments(Some(vec![
                CreatePartitionsAssignment::default().with_broker_ids(vec![BrokerId(1)]),
            ])),
        ])),
        RequestKind::DeleteGroups(DeleteGroupsRequest::default().with_groups_names(vec![GroupId(text())])),
        RequestKind::OffsetDelete(OffsetDeleteRequest::default().with_topics(vec![
            OffsetDeleteRequestTopic::default()
                .with_name(name())
                .with_partitions(vec![OffsetDeleteRequestPartition::default()]),
        ])),
    ]
}

fn fetch() -> FetchRequest {
    let partitions = vec![FetchPartition::default()];
    FetchRequest::default()
        .with_topics(vec![FetchTopic::default().with_topic(name()).with_partitions(partitions)])
}

/// The frame of a request; `None` when it has what this version does not know.
fn frame(api: ApiKey, version: i16, request: &RequestKind) -> Option<BytesMut> {
    let header = RequestHeader::default().with_request_api_key(api as i16).with_request_api_version(version);
    let mut frame = BytesMut::new();
    encode_request_header_into_buffer(&mut frame, &header.with_client_id(Some(text()))).ok()?;
    request.encode(&mut frame, version).ok()?;
    Some(frame)
}

/// The samples that this version of a request can express.
fn samples_of(api: ApiKey, version: i16) -> Vec<RequestKind> {
    let samples: Vec<_> = samples()
        .into_iter()
        .filter(|request| api_of(request) == api && frame(api, version, request).is_some())
        .collect();
    assert!(!samples.is_empty(), "no sample of {api:?} {version}");
    samples
}

fn api_of(request: &RequestKind) -> ApiKey {
    let name = format!("{request:?}");
    let name = name.split('(').next().unwrap_or_default().to_owned();
    ApiKey::iter().find(|api| format!("{api:?}") == name).expect("a request has a key")
}

fn versions() -> impl Iterator<Item = (ApiKey, i16)> {
    SUPPORTED.iter().flat_map(|(api, from, to, _)| (*from..=*to).map(|version| (*api, version)))
}

#[test]
fn every_shape_is_what_the_codec_writes() {
    assert!(SHAPES.values().all(Option::is_some));
    for (api, version) in versions() {
        for sample in samples_of(api, version) {
            let frame = frame(api, version, &sample).unwrap_or_default();
            assert!(elements(api, version, &frame).is_some(), "{api:?} {version}: {sample:?}");
            assert!(elements(api, version, &frame[..frame.len() - 1]).is_none(), "{api:?} {version}, cut");
        }
    }
}

#[tokio::test]
async fn every_answer_can_be_written_in_every_version() {
    let dir = tempfile::tempdir().expect("dir");
    let data_dir = DataDir::open(dir.path()).expect("data dir");
    let bound = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let node = Node::open(Config::default(), data_dir, bound).expect("node");
    let mut failures = Vec::new();
    for (api, version) in versions() {
        for sample in samples_of(api, version) {
            let _ = node.topics.create(&name(), 1, Default::default());
            let client = Client { id: String::new(), host: IpAddr::V4(Ipv4Addr::LOCALHOST), version };
            let answer = tokio::time::timeout(Duration::from_secs(60), answer(&node, &client, sample)).await;
            let Ok(Outcome::Answer(answer, _)) = answer else { panic!("no answer to {api:?} {version}") };
            if answer.encode(&mut BytesMut::new(), version).is_err() {
                failures.push(format!("{api:?} {version}: {answer:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}
