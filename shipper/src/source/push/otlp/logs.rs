//! `POST /otlp/v1/logs`: OpenTelemetry's logs, in the shape that Loki gives them. Of a resource's attributes those
//! that tell where something runs become labels; everything else is metadata of the entry.

use axum::http::HeaderMap;
use event::{Event, Labels, LogBatch, LogEntry};
use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs},
};

use super::{
    super::{
        Refusal,
        budget::Budget,
        decode::{Limits, checked},
        records,
        selector::label_name,
    },
    attributes::{MAX_DEPTH, hex, text},
    message,
};
use crate::timestamp::now_ns;

/// The attributes of a resource that become labels.
const LABELS: [&str; 18] = [
    "service.name",
    "service.namespace",
    "service.instance.id",
    "deployment.environment",
    "deployment.environment.name",
    "cloud.region",
    "cloud.availability_zone",
    "k8s.cluster.name",
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.container.name",
    "container.name",
    "k8s.replicaset.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.cronjob.name",
    "k8s.job.name",
];
const SERVICE: (&str, &str) = ("service_name", "unknown_service");
type Metadata = Vec<(String, String)>;

/// # Errors
/// What is wrong with the request.
pub fn read(headers: &HeaderMap, body: &[u8], limits: &Limits) -> Result<Vec<Event>, Refusal> {
    let request: ExportLogsServiceRequest = message(headers, body, limits)?;
    let mut budget = Budget::new(limits);
    let read = |logs| checked(batch(logs, &mut budget)?, limits, &mut budget);
    let batches: Result<Vec<LogBatch>, String> = request.resource_logs.into_iter().map(read).collect();
    Ok(batches?.into_iter().flat_map(records).map(Event::Logs).collect())
}

fn batch(logs: ResourceLogs, budget: &mut Budget) -> Result<LogBatch, String> {
    let attributes = logs.resource.map(|resource| resource.attributes).unwrap_or_default();
    let (of_labels, others): (Vec<KeyValue>, Vec<KeyValue>) =
        attributes.into_iter().partition(|attribute| LABELS.contains(&attribute.key.as_str()));
    let mut labels: Labels = metadata(&of_labels, budget)?.into_iter().collect();
    if labels.get(SERVICE.0).is_none() {
        labels = labels.with(SERVICE.0, SERVICE.1);
    }
    let of_resource = metadata(&others, budget)?;
    let mut entries = Vec::new();
    for scope in logs.scope_logs {
        let of_scope = scope.scope.map(|scope| of_scope(&scope, budget)).transpose()?;
        let shared = [copied(&of_resource, budget)?, of_scope.unwrap_or_default()].concat();
        for record in scope.log_records {
            entries.push(entry(record, &shared, budget)?);
        }
    }
    Ok(LogBatch { source: String::new(), labels, entries })
}

fn copied(shared: &Metadata, budget: &mut Budget) -> Result<Metadata, String> {
    budget.take_pairs(shared.iter().map(|(name, value)| (name, value)))?;
    Ok(shared.clone())
}

fn of_scope(scope: &InstrumentationScope, budget: &mut Budget) -> Result<Metadata, String> {
    let named = [("scope_name", &scope.name), ("scope_version", &scope.version)];
    let named = named.into_iter().filter(|(_, value)| !value.is_empty());
    let named = named.map(|(name, value)| (name.to_owned(), value.clone()));
    Ok(named.chain(metadata(&scope.attributes, budget)?).collect())
}

fn entry(record: LogRecord, shared: &Metadata, budget: &mut Budget) -> Result<LogEntry, String> {
    budget.take(size_of::<LogEntry>())?;
    let times = [record.time_unix_nano, record.observed_time_unix_nano];
    let time = times.into_iter().find(|time| *time > 0);
    let mut own = metadata(&record.attributes, budget)?;
    let mut add = |name: &str, value: String| own.push((name.to_owned(), value));
    if record.observed_time_unix_nano > 0 {
        add("observed_timestamp", record.observed_time_unix_nano.to_string());
    }
    if record.severity_number != 0 {
        add("severity_number", record.severity_number.to_string());
    }
    for (name, value) in [
        ("severity_text", record.severity_text),
        ("trace_id", hex(&record.trace_id)),
        ("span_id", hex(&record.span_id)),
    ] {
        if !value.is_empty() {
            add(name, value);
        }
    }
    if record.flags != 0 {
        add("flags", record.flags.to_string());
    }
    own.extend(copied(shared, budget)?);
    Ok(LogEntry {
        timestamp_ns: time.map_or_else(now_ns, |time| i64::try_from(time).unwrap_or(i64::MAX)),
        line: record.body.as_ref().map(text).unwrap_or_default().into(),
        metadata: own,
        position: 0,
    })
}

fn metadata(attributes: &[KeyValue], budget: &mut Budget) -> Result<Metadata, String> {
    let mut found = Vec::new();
    attributes.iter().try_for_each(|attribute| flatten("", attribute, 0, &mut found, budget))?;
    Ok(found)
}

/// Nested attributes become several, their names joined by `_`.
fn flatten(
    prefix: &str,
    attribute: &KeyValue,
    depth: usize,
    found: &mut Metadata,
    budget: &mut Budget,
) -> Result<(), String> {
    budget.take_pairs([(prefix, &attribute.key)])?;
    let name = if prefix.is_empty() {
        label_name(&attribute.key)
    } else {
        format!("{prefix}_{}", label_name(&attribute.key))
    };
    match &attribute.value {
        Some(AnyValue { value: Some(Value::KvlistValue(list)) }) if depth < MAX_DEPTH => {
            list.values.iter().try_for_each(|nested| flatten(&name, nested, depth + 1, found, budget))?;
        }
        Some(value) => found.push((name, text(value))),
        None => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::{logs::v1::ScopeLogs, resource::v1::Resource};
    use prost::Message;

    use super::*;

    const LIMITS: Limits = Limits { request: 100_000, labels: 15, line: 1000 };
    const BODY: &str = r#"{"resourceLogs": [{
        "resource": {"attributes": [
            {"key": "service.name", "value": {"stringValue": "shop"}},
            {"key": "process.pid", "value": {"intValue": "17"}}]},
        "scopeLogs": [{"scope": {"name": "lib"}, "logRecords": [
            {"timeUnixNano": "1700000000000000001", "severityNumber": 17, "severityText": "ERROR",
             "traceId": "5b8efff798038103d269b633813fc60c", "body": {"stringValue": "it broke"},
             "attributes": [{"key": "http", "value": {"kvlistValue": {"values": [
                {"key": "status.code", "value": {"intValue": "500"}}]}}}]},
            {"observedTimeUnixNano": "5", "body": {"kvlistValue": {"values": [
                {"key": "a", "value": {"boolValue": true}}]}}}]}]}]}"#;

    fn headers(kind: &'static str) -> HeaderMap {
        let value = axum::http::HeaderValue::from_static(kind);
        [(axum::http::header::CONTENT_TYPE, value)].into_iter().collect()
    }

    fn logs(kind: &'static str, body: &[u8]) -> Result<Vec<LogBatch>, String> {
        let events = read(&headers(kind), body, &LIMITS).map_err(|Refusal(_, reason)| reason)?;
        let logs = |event| if let Event::Logs(batch) = event { batch } else { panic!("no logs") };
        Ok(events.into_iter().map(logs).collect())
    }

    #[test]
    fn resources_become_labels_and_the_rest_metadata() {
        let batch = logs("application/json", BODY.as_bytes()).unwrap().remove(0);
        assert_eq!(batch.labels, Labels::from([("service_name", "shop")]));
        let [first, second] = &batch.entries[..] else { panic!("{batch:?}") };
        assert_eq!((first.timestamp_ns, &first.line[..]), (1_700_000_000_000_000_001, &b"it broke"[..]));
        for (name, value) in [
            ("http_status_code", "500"),
            ("severity_text", "ERROR"),
            ("severity_number", "17"),
            ("trace_id", "5b8efff798038103d269b633813fc60c"),
            ("process_pid", "17"),
            ("scope_name", "lib"),
        ] {
            assert!(first.metadata.contains(&(name.into(), value.into())), "{name}: {:?}", first.metadata);
        }
        assert_eq!((second.timestamp_ns, &second.line[..]), (5, &br#"{"a":true}"#[..]));
    }

    #[test]
    fn json_and_protobuf_give_the_same_entries() {
        let request: ExportLogsServiceRequest = serde_json::from_str(BODY).unwrap();
        let of_protobuf = logs("application/x-protobuf", &request.encode_to_vec());
        assert_eq!(of_protobuf, logs("application/json", BODY.as_bytes()));
    }

    #[test]
    fn logs_of_nobody_have_a_label_all_the_same() {
        let body = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1"}]}]}]}"#;
        let batches = logs("application/json", body).unwrap();
        assert_eq!(batches[0].labels, Labels::from([("service_name", "unknown_service")]));
    }

    #[test]
    fn an_entry_without_a_time_has_that_of_its_arrival() {
        let before = now_ns();
        let body = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#;
        let batches = logs("application/json", body).unwrap();
        assert!((before..=now_ns()).contains(&batches[0].entries[0].timestamp_ns), "{batches:?}");
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert!(logs("application/json", b"{\"resourceLogs\":[").unwrap_err().contains("line 1"));
        assert!(logs("application/x-protobuf", b"\xff\xff").unwrap_err().starts_with("otlp request"));
        assert!(logs("text/plain", b"").unwrap_err().contains("Content-Type"));
    }

    /// Why logs with a long attribute are refused; it stands in the resource, or in the scope.
    fn refusal(of_resource: bool, scopes: usize, records: usize) -> String {
        let value = AnyValue { value: Some(Value::StringValue("x".repeat(LIMITS.request / 2))) };
        let long = KeyValue { key: "long".into(), value: Some(value), ..KeyValue::default() };
        let (resource, scope) = if of_resource { (vec![long], vec![]) } else { (vec![], vec![long]) };
        let scope = ScopeLogs {
            scope: Some(InstrumentationScope { attributes: scope, ..Default::default() }),
            log_records: vec![LogRecord::default(); records],
            ..Default::default()
        };
        let resource = Some(Resource { attributes: resource, ..Default::default() });
        let logs = ResourceLogs { resource, scope_logs: vec![scope; scopes], ..Default::default() };
        let request = ExportLogsServiceRequest { resource_logs: vec![logs] };
        logs_of(&request).err().unwrap_or_default()
    }

    fn logs_of(request: &ExportLogsServiceRequest) -> Result<Vec<LogBatch>, String> {
        logs("application/x-protobuf", &request.encode_to_vec())
    }

    #[test]
    fn what_entries_have_of_resource_and_scope_is_bounded() {
        for of_resource in [true, false] {
            assert_eq!(refusal(of_resource, 1, 5), "");
            assert!(refusal(of_resource, 1, 10).contains("more than 400000 bytes"));
        }
        assert!(refusal(true, 10, 0).contains("more than 400000 bytes"));
    }
}
