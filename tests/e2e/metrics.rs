//! Metrics that are pushed, and what is answered of them.

use event::proto::remote_write::{BucketSpan, Histogram, Label, TimeSeries, WriteRequest, histogram::Count};
use prost::Message;
use serde_json::{Value, json};

use crate::{
    answers::{caught_up, get},
    basics::{client, now_ns},
    harness::Pipeline,
};

const NOTHING: &str = "{host_name: e2e}";

/// Posts a body, which must be taken.
async fn post(url: &str, path: &str, headers: [(&str, &str); 2], body: Vec<u8>) -> String {
    let mut request = client().post(format!("{url}{path}")).body(body);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response = request.send().await.unwrap();
    let (status, text) = (response.status(), response.text().await.unwrap());
    assert!(status.is_success(), "{path}: {status} {text}");
    text
}

async fn query(pipeline: &Pipeline, query: &str) -> Value {
    let answer = get(&format!("{}/api/v1/query", pipeline.url()), &[("query", query)]).await;
    answer["data"]["result"].clone()
}

/// Seven observations of `latency` of now, by remote write.
pub async fn write_histogram(url: &str) {
    let label = |name: &str, value: &str| Label { name: name.into(), value: value.into() };
    let histogram = Histogram {
        count: Some(Count::CountInt(7)),
        sum: 12.5,
        positive_spans: vec![BucketSpan { offset: 1, length: 2 }],
        positive_deltas: vec![3, 1],
        timestamp: now_ns() / 1_000_000,
        ..Histogram::default()
    };
    let labels = vec![label("__name__", "latency"), label("job", "e2e")];
    let series = TimeSeries { labels, samples: Vec::new(), histograms: vec![histogram] };
    let request = WriteRequest { timeseries: vec![series], metadata: Vec::new() };
    let body = snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).unwrap();
    let headers = [("content-type", "application/x-protobuf"), ("content-encoding", "snappy")];
    post(url, "/api/v1/write", headers, body).await;
}

#[tokio::test]
async fn a_native_histogram_is_answered_as_it_was_written() {
    let pipeline = Pipeline::new(NOTHING);
    write_histogram(&pipeline.push_url()).await;
    let buckets = json!([[0, "1", "2", "3"], [0, "2", "4", "4"]]);
    let expected = json!({"count": "7", "sum": "12.5", "buckets": buckets});
    assert_eq!(query(&pipeline, "latency").await[0]["histogram"][1], expected);
    assert_eq!(query(&pipeline, "histogram_count(latency)").await[0]["value"][1], "7");
}

#[tokio::test]
async fn metrics_of_opentelemetry_are_found_under_prometheus_names() {
    let pipeline = Pipeline::new(NOTHING);
    let service = json!({"key": "service.name", "value": {"stringValue": "shop"}});
    let point = json!({"timeUnixNano": now_ns().to_string(), "asInt": "7"});
    let sum = json!({"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [point]});
    let metrics = json!([{"name": "orders.sent", "unit": "By", "sum": sum}]);
    let body = json!({"resourceMetrics": [{
        "resource": {"attributes": [service]}, "scopeMetrics": [{"metrics": metrics}]}]});
    let headers = [("content-type", "application/json"), ("accept", "*/*")];
    post(&pipeline.push_url(), "/otlp/v1/metrics", headers, body.to_string().into_bytes()).await;
    let found = query(&pipeline, "orders_sent_bytes_total").await;
    assert_eq!((&found[0]["value"][1], &found[0]["metric"]["job"]), (&json!("7"), &json!("shop")));
}

#[tokio::test]
async fn what_a_job_has_pushed_is_federated_until_it_is_deleted() {
    let pipeline = Pipeline::new(NOTHING);
    let path = "/metrics/job/backup/host/web1";
    let headers = [("content-type", "text/plain"), ("accept", "*/*")];
    post(&pipeline.push_url(), path, headers, b"# TYPE size gauge\nsize{disk=\"a\"} 12e9\n".to_vec()).await;
    let federated = async || {
        caught_up(&pipeline.url()).await;
        let url = format!("{}/federate?match[]=size", pipeline.url());
        client().get(url).send().await.unwrap().text().await.unwrap()
    };
    let text = federated().await;
    let line = "size{disk=\"a\",host=\"web1\",job=\"backup\",instance=\"\"} 1.2e+10 ";
    assert!(text.starts_with(&format!("# TYPE size untyped\n{line}")), "{text}");
    let deleted = client().delete(format!("{}{path}", pipeline.push_url())).send().await.unwrap();
    assert_eq!((deleted.status().as_u16(), federated().await), (202, String::new()));
}
