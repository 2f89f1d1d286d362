//! DescribeConfigs and IncrementalAlterConfigs: the settings of topics and of the broker.

use super::{Refusal, text};
use crate::broker::node::{NODE_ID, Node};
use crate::broker::topic_config::{self, Change, Kind, SETTINGS, Setting, TopicConfig};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{
    DescribeConfigsRequest, DescribeConfigsResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};
use std::collections::BTreeSet;

// Kafka's numbers.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const FROM_TOPIC: i8 = 1;
const FROM_BROKER_FILE: i8 = 4;
const FROM_DEFAULT: i8 = 5;
const STRING: i8 = 2;
const LONG: i8 = 5;
const DOUBLE: i8 = 6;
const LIST: i8 = 7;

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
    let row = |setting: &Setting| {
        let (value, own) = setting.value(topic, &node.config);
        let kind = match setting.kind {
            Kind::Word(_) => STRING,
            Kind::Words(_) => LIST,
            Kind::Number(_) => LONG,
            Kind::Ratio => DOUBLE,
        };
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

pub fn alter(node: &Node, request: IncrementalAlterConfigsRequest) -> IncrementalAlterConfigsResponse {
    let responses = request.resources.into_iter().map(|resource| {
        let altered = alter_one(node, &resource, request.validate_only);
        let answer = AlterConfigsResourceResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name);
        match altered {
            Ok(()) => answer,
            Err(Refusal(error, message)) => {
                answer.with_error_code(error.code()).with_error_message(message.map(text))
            }
        }
    });
    IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
}

fn alter_one(node: &Node, resource: &AlterConfigsResource, dry_run: bool) -> Result<(), Refusal> {
    if resource.resource_type != TOPIC {
        return Err(Refusal::new(
            ResponseError::InvalidRequest,
            "only the settings of topics can be changed",
        ));
    }
    let names: BTreeSet<&str> = resource.configs.iter().map(|config| &*config.name).collect();
    if names.len() < resource.configs.len() {
        return Err(Refusal::new(ResponseError::InvalidRequest, "a setting is there twice"));
    }
    node.topics.configure(&resource.resource_name, dry_run, |settings| {
        for wanted in &resource.configs {
            let change = topic_config::change(settings, &wanted.name, change(wanted)?, &node.config);
            change.map_err(|message| Refusal::new(ResponseError::InvalidConfig, message))?;
        }
        topic_config::check(settings).map_err(|message| Refusal::new(ResponseError::InvalidConfig, message))
    })
}

fn change(wanted: &AlterableConfig) -> Result<Change, Refusal> {
    let value = wanted.value.as_ref().map(ToString::to_string);
    let value = || {
        let missing = || format!("no value for {}", wanted.name.as_str());
        value.ok_or_else(|| Refusal::new(ResponseError::InvalidRequest, missing()))
    };
    match wanted.config_operation {
        0 => value().map(Change::Set),
        1 => Ok(Change::Reset),
        2 => value().map(Change::Add),
        3 => value().map(Change::Remove),
        other => Err(Refusal::new(ResponseError::InvalidRequest, format!("unknown operation {other}"))),
    }
}
