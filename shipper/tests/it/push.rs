//! The push endpoint: 204 means that the broker has it.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use event::{
    Event, METRIC_NAME,
    labels::MAX_LABEL_BYTES,
    proto::remote_write::{Label, Sample, TimeSeries, WriteRequest},
};
use proptest::prelude::*;
use prost::Message;
use shipper::{Config, push_router};
use tower::ServiceExt;

use crate::support::MemoryBroker;

const BODY: &str = r#"{"streams":[{"stream":{"job":"app"},"values":[["1700000000000000000","a"],["1700000000000000001","b",{"id":"7"}]]}]}"#;

async fn push(broker: &MemoryBroker, kind: &str, body: &str) -> (StatusCode, String) {
    let request = Request::post("/loki/api/v1/push").header("content-type", kind);
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response =
        push_router(broker.publisher(), &Config::default(), false, None).oneshot(request).await.unwrap();
    let code = response.status();
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    (code, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_push_is_with_the_broker_when_it_is_answered() {
    let broker = MemoryBroker::new();
    let (code, body) = push(&broker, "application/json; charset=utf-8", BODY).await;
    assert_eq!((code, body.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(broker.lines(), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_not_answered_before_the_broker_is_back() {
    let broker = MemoryBroker::new();
    broker.go_away();
    let pushed = tokio::spawn({
        let broker = broker.clone();
        async move { push(&broker, "application/json", BODY).await }
    });
    broker.wait_for_held(2).await;
    assert!(!pushed.is_finished());
    broker.come_back();
    assert_eq!(pushed.await.unwrap().0, StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_push_is_refused_whole_and_says_why() {
    let broker = MemoryBroker::new();
    let (code, body) = push(&broker, "application/json", &BODY.replace("0001\"", "x\"")).await;
    assert_eq!(code, StatusCode::BAD_REQUEST);
    assert!(body.contains("is no number of nanoseconds"), "{body}");
    let (code, _) = push(&broker, "text/csv", BODY).await;
    assert_eq!(code, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let (code, body) = push(&broker, "application/x-protobuf", BODY).await;
    assert_eq!(code, StatusCode::BAD_REQUEST);
    assert!(body.contains("snappy"), "{body}");
    assert_eq!(broker.records().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_the_index_keeps_it_is_refused_and_the_rest_is_taken() {
    let broker = MemoryBroker::new();
    let router = push_router(broker.publisher(), &Config::default(), false, Some(Duration::from_secs(3600)));
    let now = jiff::Timestamp::now().as_nanosecond();
    let loki = BODY.replace("1700000000000000001", &now.to_string());
    let otlp = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"timeUnixNano":"5","body":{{"stringValue":"a"}}}},
           {{"timeUnixNano":"6","body":{{"stringValue":"a"}}}},{{"timeUnixNano":"{now}","body":{{"stringValue":"b"}}}}]}}]}}]}}"#
    );
    let of_loki = r#"entry for stream '{job="app"}' has timestamp too old: 2023-11-14T22:13:20Z, oldest acceptable timestamp is: 2"#;
    let of_otlp =
        r#"2 errors like: entry for stream '{service_name="unknown_service"}' has timestamp too old: 1970"#;
    for (path, body, said) in [("/loki/api/v1/push", loki, of_loki), ("/otlp/v1/logs", otlp, of_otlp)] {
        let request = Request::post(path).header("content-type", "application/json");
        let response = router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        assert!(body.starts_with(said.as_bytes()), "{body:?}");
    }
    assert_eq!(broker.lines(), ["b", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_far_in_the_future_is_refused_and_the_rest_is_taken() {
    let broker = MemoryBroker::new();
    let now = jiff::Timestamp::now();
    let ahead = |minutes: i64| (now + jiff::SignedDuration::from_mins(minutes)).as_nanosecond().to_string();
    let loki = BODY.replace("1700000000000000000", &ahead(11)).replace("1700000000000000001", &ahead(9));
    let otlp = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"timeUnixNano":"4102444800000000000","body":{{"stringValue":"a"}}}},
           {{"timeUnixNano":"4102444800000000000","body":{{"stringValue":"a"}}}},{{"timeUnixNano":"{}","body":{{"stringValue":"b"}}}}]}}]}}]}}"#,
        ahead(9)
    );
    let of_loki = r#"entry for stream '{job="app"}' has timestamp too new: 20"#;
    let of_otlp = r#"2 errors like: entry for stream '{service_name="unknown_service"}' has timestamp too new: 2100-01-01T00:00:00Z"#;
    for (path, body, said) in [("/loki/api/v1/push", loki, of_loki), ("/otlp/v1/logs", otlp, of_otlp)] {
        let request = Request::post(path).header("content-type", "application/json");
        let router = push_router(broker.publisher(), &Config::default(), false, None);
        let response = router.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        assert!(body.starts_with(said.as_bytes()), "{body:?}");
    }
    assert_eq!(broker.lines(), ["b", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_told_the_setting_whatever_it_is() {
    let mut config = Config::default();
    config.push.request_limit.0 = 10;
    let router = push_router(MemoryBroker::new().publisher(), &config, false, None);
    for path in ["/loki/api/v1/push", "/otlp/v1/logs", "/otlp/v1/metrics", "/api/v1/write", "/metrics/job/a"]
    {
        let response =
            router.clone().oneshot(Request::post(path).body(Body::from(BODY)).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        let said = b"request body: length limit exceeded (limit: shipper.push.request_limit, 10 bytes)\n";
        assert_eq!(&body[..], said, "{path}: {body:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_that_the_index_does_not_take_are_refused_with_all_that_comes_with_them() {
    let broker = MemoryBroker::new();
    let long = BODY.replace("\"app\"", &format!("{:?}", "x".repeat(MAX_LABEL_BYTES)));
    let both = format!("{}, {}", &BODY[..BODY.len() - 2], &long[r#"{"streams":["#.len()..]);
    let (code, body) = push(&broker, "application/json", &both).await;
    assert_eq!((code, broker.records().len()), (StatusCode::BAD_REQUEST, 0));
    assert!(body.contains(r#"the labels {job="xxx"#) && body.contains("take 32771 bytes"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn written_samples_are_with_the_broker_when_it_is_answered() {
    let broker = MemoryBroker::new();
    let name = Label { name: METRIC_NAME.into(), value: "up".into() };
    let samples = vec![Sample { value: 1.0, timestamp: 1_700_000_000_000 }];
    let request = WriteRequest {
        timeseries: vec![TimeSeries { labels: vec![name], samples, histograms: vec![] }],
        metadata: vec![],
    };
    let body = snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).unwrap();
    let send = |encoding: &'static str| {
        let request = Request::post("/api/v1/write").header("content-type", "application/x-protobuf");
        let request = request.header("content-encoding", encoding).body(Body::from(body.clone())).unwrap();
        push_router(broker.publisher(), &Config::default(), false, None).oneshot(request)
    };
    assert_eq!(send("gzip").await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let answer = send("snappy").await.unwrap();
    assert_eq!((answer.status(), broker.records().len()), (StatusCode::NO_CONTENT, 1));
    let written = ["samples", "histograms", "exemplars"]
        .map(|kind| answer.headers()[format!("x-prometheus-remote-write-{kind}-written")].clone());
    assert_eq!(written, ["1", "0", "0"]);
}

async fn push_for(broker: &MemoryBroker, tenant: Option<&str>, required: bool) -> StatusCode {
    let mut request = Request::post("/loki/api/v1/push").header("content-type", "application/json");
    if let Some(tenant) = tenant {
        request = request.header("X-Scope-OrgID", tenant);
    }
    let router = push_router(broker.publisher(), &Config::default(), required, None);
    router.oneshot(request.body(Body::from(BODY)).unwrap()).await.unwrap().status()
}

fn owners(broker: &MemoryBroker) -> Vec<Option<String>> {
    let owner = |value: &[u8]| match event::decode(value).unwrap() {
        Event::Logs(batch) => batch.labels.get("__tenant_id__").map(str::to_owned),
        other => panic!("no logs: {other:?}"),
    };
    broker.records().iter().map(|record| owner(&record.value)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tenants_a_push_says_for_whom_it_is() {
    let broker = MemoryBroker::new();
    assert_eq!(push_for(&broker, None, true).await, StatusCode::UNAUTHORIZED);
    assert_eq!(push_for(&broker, Some("a|b"), true).await, StatusCode::BAD_REQUEST);
    assert_eq!(push_for(&broker, Some("a b"), true).await, StatusCode::BAD_REQUEST);
    assert_eq!(broker.records().len(), 0);
    assert_eq!(push_for(&broker, Some("team-a"), true).await, StatusCode::NO_CONTENT);
    assert_eq!(push_for(&broker, Some("fake"), true).await, StatusCode::NO_CONTENT);
    assert_eq!(owners(&broker), [Some("team-a".to_owned()), None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_a_push_may_say_for_whom_it_is() {
    let broker = MemoryBroker::new();
    assert_eq!(push_for(&broker, Some("team-a"), false).await, StatusCode::NO_CONTENT);
    assert_eq!(push_for(&broker, None, false).await, StatusCode::NO_CONTENT);
    assert_eq!(owners(&broker), [Some("team-a".to_owned()), None]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_body_breaks_the_push_endpoints(
        path in prop::sample::select(vec!["/loki/api/v1/push", "/otlp/v1/logs", "/otlp/v1/metrics", "/api/v1/write", "/metrics/job/a"]),
        kind in prop::sample::select(vec!["application/json", "application/x-protobuf", "text/plain"]),
        encoding in prop::sample::select(vec!["", "gzip", "snappy"]),
        body in arbitrary_body(),
    ) {
        let request = Request::post(path).header("content-type", kind).header("content-encoding", encoding);
        let request = request.body(Body::from(body)).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let status = runtime.block_on(async {
            let router = push_router(MemoryBroker::new().publisher(), &Config::default(), false, None);
            router.oneshot(request).await.unwrap().status()
        });
        prop_assert!(status.is_success() || status.is_client_error(), "{}", status);
    }
}

/// Bytes of any kind, texts near to JSON, and snappy blocks of any content.
fn arbitrary_body() -> impl Strategy<Value = Vec<u8>> {
    let json = "[{}\\[\\]:,\"0-9a-z ]{0,60}|\\{\"streams\":\\[\\{\"stream\":\\{[a-z\":,]{0,20}\\},\"values\":[\\[\\],\"0-9a-z]{0,30}\\}\\]\\}";
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    let packed = bytes.clone().prop_map(|plain| snap::raw::Encoder::new().compress_vec(&plain).unwrap());
    prop_oneof![bytes, packed, json.prop_map(String::into_bytes)]
}
