use axum::http::HeaderValue;
use event::METRIC_NAME;

use super::*;

const LIMITS: Limits = Limits { request: 100_000, labels: 15, line: 1000 };

fn headers(kind: &'static str) -> HeaderMap {
    [(CONTENT_TYPE, HeaderValue::from_static(kind))].into_iter().collect()
}

/// A request with these metrics of one resource, as JSON.
fn body(metrics: &str) -> String {
    let attribute =
        |key: &str, value: &str| format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#);
    let resource = [
        ("service.namespace", "eu"),
        ("service.name", "shop"),
        ("service.instance.id", "a1"),
        ("host.name", "web1"),
    ];
    let resource = resource.map(|(key, value)| attribute(key, value)).join(",");
    format!(
        r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{resource}]}},"scopeMetrics":[{{"metrics":[{metrics}]}}]}}]}}"#
    )
}

fn translated(metrics: &str) -> Translated {
    let read = read(&headers("application/json"), body(metrics).as_bytes(), &LIMITS);
    read.unwrap_or_else(|Refusal(_, reason)| panic!("{reason}"))
}

/// Series and values of one time, without `job` and `instance`.
fn lines(metrics: &str) -> Vec<String> {
    let translated = translated(metrics);
    assert_eq!(translated.dropped.points, 0, "{}", translated.dropped.reason);
    let line = |series: &Series| {
        assert_eq!((series.labels.get("job"), series.labels.get("instance")), (Some("eu/shop"), Some("a1")));
        let labels = series.labels.filtered(|name| !["job", "instance", METRIC_NAME].contains(&name));
        format!("{}{labels} {}", series.labels.metric_name(), series.samples[0].value)
    };
    translated.batch.series.iter().map(line).collect()
}

const INFO: &str = r#"target_info{host_name="web1"} 1"#;

#[test]
fn sums_and_gauges_become_counters_and_gauges() {
    let metrics = r#"
        {"name":"http.requests","unit":"{request}","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
            {"timeUnixNano":"1700000000123456789","asInt":"7","attributes":[
                {"key":"http.method","value":{"stringValue":"GET"}},{"key":"http_method","value":{"stringValue":"get"}}]}]}},
        {"name":"queue.length","sum":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1700000000000000000","asInt":"-3"}]}},
        {"name":"cpu.utilization","unit":"1","gauge":{"dataPoints":[{"timeUnixNano":"1700000000000000000","asDouble":0.25}]}}"#;
    let expected = [
        r#"http_requests_total{http_method="GET;get"} 7"#,
        "queue_length{} -3",
        "cpu_utilization_ratio{} 0.25",
        INFO,
    ];
    assert_eq!(lines(metrics), expected);
    let batch = translated(metrics).batch;
    assert_eq!(batch.series[0].samples[0].timestamp_ms, 1_700_000_000_123);
    let kinds: Vec<&str> = batch.families.iter().map(|family| family.kind.as_str()).collect();
    assert_eq!(kinds, ["counter", "gauge", "gauge"]);
}

#[test]
fn what_has_no_number_is_left_out_and_told() {
    let point = |value: &str| format!(r#"{{"timeUnixNano":"1700000000000000000"{value}}}"#);
    let points =
        ["", r#","asDouble":"NaN""#, r#","asInt":"x""#, r#","asInt":"7""#, r#","flags":1"#].map(point);
    let metrics = format!(r#"{{"name":"a","gauge":{{"dataPoints":[{}]}}}}"#, points.join(","));
    let found = translated(&metrics);
    let values: Vec<f64> = found.batch.series.iter().map(|series| series.samples[0].value).collect();
    assert_eq!((values[0], values[1].is_nan(), found.dropped.points), (7.0, true, 3));
    assert!(found.dropped.reason.contains(r#"metric "a": a point has no value"#), "{}", found.dropped.reason);
    let sum = r#"{"name":"b","sum":{"aggregationTemporality":"CUMULATIVE","dataPoints":[]}}"#;
    assert_eq!(translated(sum).dropped.points, 1);
}

#[test]
fn histograms_and_summaries_become_the_series_that_they_stand_for() {
    let metrics = r#"
        {"name":"latency","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[
            {"timeUnixNano":"1700000000000000000","count":"6","sum":1.5,"bucketCounts":["1","2","3"],"explicitBounds":[0.1,2]}]}},
        {"name":"wait","summary":{"dataPoints":[
            {"timeUnixNano":"1700000000000000000","count":"2","sum":3,"quantileValues":[{"quantile":0.5,"value":1}]}]}}"#;
    let expected = [
        "latency_seconds_count{} 6",
        "latency_seconds_sum{} 1.5",
        r#"latency_seconds_bucket{le="0.1"} 1"#,
        r#"latency_seconds_bucket{le="2"} 3"#,
        r#"latency_seconds_bucket{le="+Inf"} 6"#,
        "wait_sum{} 3",
        "wait_count{} 2",
        r#"wait{quantile="0.5"} 1"#,
        INFO,
    ];
    assert_eq!(lines(metrics), expected);
}

const EXPONENTIAL: &str = r#"{"name":"latency","unit":"s","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[
    {"timeUnixNano":"1700000000000000000","count":"3","sum":1.5,"scale":1,"zeroCount":"1","positive":{"offset":-1,"bucketCounts":["2"]}}]}}"#;

#[test]
fn exponential_histograms_become_native_ones() {
    let batch = translated(EXPONENTIAL).batch;
    let [series] = &batch.histograms[..] else { panic!("{batch:?}") };
    assert_eq!(series.labels.metric_name(), "latency_seconds");
    let histogram = &series.samples[0].histogram;
    assert_eq!((histogram.count, histogram.zero_count, histogram.positive[0].index), (3.0, 1.0, 0));
    assert_eq!(batch.series[0].labels.metric_name(), "target_info");
}

#[test]
fn what_cannot_be_translated_is_counted_and_the_rest_is_taken() {
    let metrics = r#"
        {"name":"a","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{"asInt":"7"},{"asInt":"8"}]}},
        {"name":"b","gauge":{"dataPoints":[{"asInt":"7"}]}},
        {"name":"c","histogram":{"dataPoints":[{"count":"1"}]}}"#;
    let Translated { batch, dropped, .. } = translated(metrics);
    assert_eq!(batch.series[0].labels.metric_name(), "b");
    assert_eq!(dropped.points, 3);
    assert!(dropped.reason.starts_with("metric \"a\": its temporality is delta"), "{}", dropped.reason);
}

#[test]
fn a_point_without_a_value_ends_its_series() {
    let point = r#"{"name":"a","gauge":{"dataPoints":[{"timeUnixNano":"1700000000000000000","flags":1}]}}"#;
    assert!(translated(point).batch.series[0].samples[0].is_stale());
}

#[test]
fn a_point_without_a_time_has_that_of_its_arrival() {
    let metrics = r#"
        {"name":"a","gauge":{"dataPoints":[{"asInt":"7"}]}},
        {"name":"b","sum":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"0","asInt":"7"}]}},
        {"name":"c","histogram":{"aggregationTemporality":2,"dataPoints":[{"count":"1"}]}},
        {"name":"d","summary":{"dataPoints":[{"count":"1"}]}},
        {"name":"e","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"count":"1","zeroCount":"1"}]}}"#;
    let now_ms = || now_ns() / 1_000_000;
    let before_ms = now_ms();
    let batch = translated(metrics).batch;
    let numbers = batch.series.iter().flat_map(|series| &series.samples).map(|sample| sample.timestamp_ms);
    let histograms = batch.histograms.iter().flat_map(|series| &series.samples);
    let times: Vec<i64> = numbers.chain(histograms.map(|sample| sample.timestamp_ms)).collect();
    assert!(times.iter().all(|time| *time == times[0]) && times.len() == 8, "{times:?}");
    assert!((before_ms..=now_ms()).contains(&times[0]), "{times:?}");
}

#[test]
fn the_target_is_told_all_along_a_long_request() {
    let points =
        [1000, 1400].map(|second| format!(r#"{{"timeUnixNano":"{second}000000000","asInt":"1"}}"#)).join(",");
    let batch = translated(&format!(r#"{{"name":"a","gauge":{{"dataPoints":[{points}]}}}}"#)).batch;
    let times: Vec<i64> = batch.series.last().unwrap().samples.iter().map(|s| s.timestamp_ms).collect();
    assert_eq!(times, [1_100_000, 1_250_000, 1_400_000]);
}

#[test]
fn json_and_protobuf_give_the_same() {
    let request: ExportMetricsServiceRequest = serde_json::from_str(&body(EXPONENTIAL)).unwrap();
    let read = read(&headers("application/x-protobuf"), &request.encode_to_vec(), &LIMITS);
    let of_protobuf = read.unwrap_or_else(|Refusal(_, reason)| panic!("{reason}"));
    assert_eq!(of_protobuf.batch, translated(EXPONENTIAL).batch);
}

#[test]
fn what_the_series_of_a_request_take_is_bounded() {
    let refusal = |buckets: usize| {
        let [bounds, counts] = [vec!["1"; buckets], vec!["\"1\""; buckets + 1]].map(|texts| texts.join(","));
        let value = "x".repeat(20_000);
        let metrics = format!(
            r#"{{"name":"a","histogram":{{"aggregationTemporality":2,"dataPoints":[{{
                "attributes":[{{"key":"long","value":{{"stringValue":"{value}"}}}}],
                "explicitBounds":[{bounds}],"bucketCounts":[{counts}]}}]}}}}"#
        );
        let read = read(&headers("application/json"), body(&metrics).as_bytes(), &LIMITS);
        read.err().map(|Refusal(_, reason)| reason).unwrap_or_default()
    };
    assert_eq!(refusal(10), "");
    assert!(refusal(30).contains("more than 400000 bytes"), "{}", refusal(30));
}
