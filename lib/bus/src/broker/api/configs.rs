//! DescribeConfigs: the settings of topics and of the broker.

use super::text;
use crate::broker::node::{NODE_ID, Node};
use crate::broker::topic_config::{Kind, SETTINGS, TopicConfig};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};

// Kafka's numbers.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const FROM_TOPIC: i8 = 1;
const FROM_BROKER_FILE: i8 = 4;
const FROM_DEFAULT: i8 = 5;
const STRING: i8 = 2;
const LONG: i8 = 5;

/// A setting's name, value, type and source.
type Row = (&'static str, String, i8, i8);

pub fn describe(node: &Node, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
    let results = request.resources.into_iter().map(|resource| {
        let rows = match resource.resource_type {
            TOPIC => node.topics.get(&resource.resource_name).map(|topic| topic_rows(node, &topic.config)),
            BROKER => Some(broker_rows(node)).filter(|_| *resource.resource_name == *NODE_ID.0.to_string()),
            _ => None,
        };
        result(resource, rows)
    });
    DescribeConfigsResponse::default().with_results(results.collect())
}

fn result(resource: DescribeConfigsResource, rows: Option<Vec<Row>>) -> DescribeConfigsResult {
    let missing = match resource.resource_type {
        TOPIC => ResponseError::UnknownTopicOrPartition,
        _ => ResponseError::InvalidRequest,
    };
    let error = if rows.is_some() { 0 } else { missing.code() };
    let keys = resource.configuration_keys;
    let wanted = |name: &str| keys.as_ref().is_none_or(|keys| keys.iter().any(|key| **key == *name));
    let rows = rows.unwrap_or_default().into_iter().filter(|(name, ..)| wanted(name));
    DescribeConfigsResult::default()
        .with_error_code(error)
        .with_configs(rows.map(describe_row).collect())
        .with_resource_type(resource.resource_type)
        .with_resource_name(resource.resource_name)
}

fn describe_row((name, value, kind, source): Row) -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult::default()
        .with_name(text(name))
        .with_value(Some(text(value)))
        .with_read_only(source == FROM_BROKER_FILE)
        .with_config_source(source)
        .with_config_type(kind)
}

fn topic_rows(node: &Node, topic: &TopicConfig) -> Vec<Row> {
    let row = |setting: &crate::broker::topic_config::Setting| {
        let (value, own) = setting.value(topic, &node.config);
        let kind = if matches!(setting.kind, Kind::Number(_)) { LONG } else { STRING };
        (setting.name, value, kind, if own { FROM_TOPIC } else { FROM_DEFAULT })
    };
    SETTINGS.iter().map(row).collect()
}

fn broker_rows(node: &Node) -> Vec<Row> {
    let config = &node.config;
    let row = |name, value: String, kind| (name, value, kind, FROM_BROKER_FILE);
    vec![
        row("auto.create.topics.enable", config.auto_create_topics.to_string(), STRING),
        row("broker.id", NODE_ID.0.to_string(), LONG),
        row("log.dirs", config.data_dir.display().to_string(), STRING),
        row("log.segment.bytes", config.segment_bytes.to_string(), LONG),
        row("num.partitions", config.partitions.to_string(), LONG),
        row("socket.request.max.bytes", config.limits.frame_bytes.to_string(), LONG),
    ]
}
