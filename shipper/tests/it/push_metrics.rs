//! Metrics that are pushed: OpenTelemetry's, and as to a Pushgateway.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode},
};
use event::{Event, Labels, METRIC_NAME, labels::MAX_LABEL_BYTES};
use shipper::{Config, push_router};
use tower::ServiceExt;

use crate::support::MemoryBroker;

async fn send(router: &Router, method: Method, path: &str, kind: &str, body: &str) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri(path).header("content-type", kind);
    let response = router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let code = response.status();
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    (code, String::from_utf8_lossy(&body).into_owned())
}

/// Label sets and values of all samples, as text.
fn samples(broker: &MemoryBroker) -> Vec<(Labels, f64)> {
    let decoded =
        broker.records().iter().map(|record| event::decode(&record.value).unwrap()).collect::<Vec<_>>();
    let series = decoded.into_iter().flat_map(|event| match event {
        Event::Samples(batch) => batch.series,
        other => panic!("no samples: {other:?}"),
    });
    series.map(|series| (series.labels, series.samples[0].value)).collect()
}

fn names(broker: &MemoryBroker) -> Vec<String> {
    samples(broker).iter().map(|(labels, _)| labels.metric_name().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_pushed_refused_and_deleted() {
    let broker = MemoryBroker::new();
    let router = push_router(broker.publisher(), &Config::default(), false, None);
    let path = "/metrics/job@base64/YS9i/host/web1";
    let (code, _) =
        send(&router, Method::PUT, path, "text/plain", "# TYPE done gauge\ndone{x=\"1\"} 5\n").await;
    assert_eq!(code, StatusCode::OK);
    let (labels, value) = samples(&broker).remove(0);
    assert_eq!(labels, Labels::from([(METRIC_NAME, "done"), ("host", "web1"), ("job", "a/b"), ("x", "1")]));
    assert_eq!(
        (value, names(&broker)[1..].join(" ")),
        (5.0, "push_time_seconds push_failure_time_seconds".into())
    );

    let (code, reason) = send(&router, Method::POST, path, "text/plain", "done{x=} 5\n").await;
    assert_eq!(code, StatusCode::BAD_REQUEST);
    assert!(reason.starts_with("text format, line 1:"), "{reason}");
    let told = samples(&broker)[3..].iter().map(|(_, seconds)| *seconds > 1e9).collect::<Vec<_>>();
    assert_eq!(told, [true, true], "the last success and the failure");

    assert_eq!(send(&router, Method::DELETE, path, "", "").await.0, StatusCode::ACCEPTED);
    assert!(samples(&broker)[5..].iter().all(|(_, value)| value.is_nan()));
    assert_eq!(names(&broker).len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_group_or_no_text_is_refused() {
    let broker = MemoryBroker::new();
    let router = push_router(broker.publisher(), &Config::default(), false, None);
    let code = async |path, kind| send(&router, Method::POST, path, kind, "up 1\n").await.0;
    assert_eq!(code("/metrics/host/a", "text/plain").await, StatusCode::BAD_REQUEST);
    assert_eq!(code("/metrics/job/a/host", "text/plain").await, StatusCode::BAD_REQUEST);
    assert_eq!(broker.records().len(), 0);
    let protobuf = "application/vnd.google.protobuf; encoding=delimited";
    assert_eq!(code("/metrics/job/a", protobuf).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_does_not_keep_what_is_refused_for_its_long_labels() {
    let broker = MemoryBroker::new();
    let router = push_router(broker.publisher(), &Config::default(), false, None);
    let push = async |text: String| send(&router, Method::PUT, "/metrics/job/a", "text/plain", &text).await;
    let (code, reason) = push(format!("up{{a={:?}}} 1\n", "x".repeat(MAX_LABEL_BYTES))).await;
    assert_eq!(code, StatusCode::BAD_REQUEST);
    assert!(reason.contains("at most 32768"), "{reason}");
    assert_eq!(push("down 1\n".to_owned()).await.0, StatusCode::OK);
    assert!(!names(&broker).contains(&"up".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn points_that_were_left_out_are_told() {
    let broker = MemoryBroker::new();
    let router = push_router(broker.publisher(), &Config::default(), false, None);
    let point =
        r#"{"dataPoints":[{"timeUnixNano":"1700000000000000000","asInt":"7"}],"aggregationTemporality":"#;
    let body = |temporality: u8| {
        let metric = format!(r#"{{"name":"orders","sum":{point}{temporality}}}}}"#);
        format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{metric}]}}]}}]}}"#)
    };
    let push =
        async |body: String| send(&router, Method::POST, "/otlp/v1/metrics", "application/json", &body).await;
    let (code, _) = push(body(2)).await;
    assert_eq!((code, names(&broker).join(" ")), (StatusCode::OK, "orders".into()));
    let (code, answer) = push(body(1)).await;
    assert_eq!((code, broker.records().len()), (StatusCode::OK, 1));
    assert!(
        answer.contains(r#""rejectedDataPoints":"1""#) || answer.contains(r#""rejectedDataPoints":1"#),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_too_far_in_the_future_are_refused_and_the_rest_is_taken() {
    let broker = MemoryBroker::new();
    let router = push_router(broker.publisher(), &Config::default(), false, None);
    let point = |time: i128| format!(r#"{{"dataPoints":[{{"timeUnixNano":"{time}","asInt":"7"}}]}}"#);
    let far = 4_102_444_800_000_000_000;
    let near = jiff::Timestamp::now().as_nanosecond() + 9 * 60_000_000_000;
    let native = format!(
        r#"{{"aggregationTemporality":2,"dataPoints":[{{"timeUnixNano":"{far}","count":"1","zeroCount":"1"}}]}}"#
    );
    let [far, near] = [far, near].map(point);
    let body = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"far","gauge":{far}}},
           {{"name":"native","exponentialHistogram":{native}}},{{"name":"near","gauge":{near}}}]}}]}}]}}"#
    );
    let (code, said) = send(&router, Method::POST, "/otlp/v1/metrics", "application/json", &body).await;
    assert_eq!(code, StatusCode::BAD_REQUEST);
    assert_eq!(said, "2 errors like: out of bounds: timestamp is too far in the future\n");
    assert_eq!(names(&broker), ["near"]);
}
