//! Loki's API: bodies as its documentation has them.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};

use crate::site::{FIRST_S, SECOND, Site, uri};

fn ns(second: i64) -> String {
    ((FIRST_S + second) * SECOND).to_string()
}

/// The result of a query, without the statistics.
async fn result(site: &Site, path: &str, parameters: &[(&str, &str)]) -> Value {
    let mut body = site.get_json(path, parameters).await;
    assert_eq!(body["status"], "success");
    assert!(body["data"]["stats"]["summary"]["execTime"].is_number(), "{body}");
    body["data"].as_object_mut().unwrap().remove("stats");
    body["data"].take()
}

#[tokio::test]
async fn a_log_query_answers_streams_newest_line_first() {
    let site = Site::filled();
    let query = [("query", "{job=\"demo\"} |= `e`")];
    let expected = json!({"resultType": "streams", "result": [
        {"stream": {"host": "db1", "job": "demo"}, "values": [
            [ns(3), "{\"level\":\"warn\"}"],
            [ns(1), "ready"],
        ]},
        {"stream": {"host": "web1", "job": "demo"}, "values": [
            [ns(2), "level=error msg=\"it broke\" took=70ms"],
            [ns(0), "level=info msg=start took=5ms"],
        ]},
        {"stream": {"host": "web1", "job": "demo", "trace_id": "abc"}, "values": [
            [ns(4), "level=info msg=done took=7ms"],
        ]},
    ]});
    assert_eq!(result(&site, "/loki/api/v1/query_range", &query).await, expected);
}

#[tokio::test]
async fn direction_limit_and_span_choose_the_lines() {
    let site = Site::filled();
    let lines = async |more: &[(&str, &str)]| {
        let query = [&[("query", "{job=\"demo\"}")][..], more].concat();
        let result = result(&site, "/loki/api/v1/query_range", &query).await;
        let streams = result["result"].as_array().unwrap();
        let values = streams.iter().flat_map(|stream| stream["values"].as_array().unwrap());
        let mut times: Vec<String> = values.map(|v| v[0].as_str().unwrap().to_owned()).collect();
        times.sort();
        times
    };
    assert_eq!(lines(&[("limit", "2")]).await, [ns(3), ns(4)]);
    assert_eq!(lines(&[("limit", "2"), ("direction", "forward")]).await, [ns(0), ns(1)]);
    let [start, end] = [ns(1), ns(3)];
    assert_eq!(lines(&[("start", &start), ("end", &end)]).await, [ns(1), ns(2)], "the end is outside");
    assert_eq!(lines(&[("start", "1700000001"), ("end", "1700000003")]).await, [ns(1), ns(2)]);
    assert_eq!(lines(&[("start", "1700000000.5"), ("end", "1700000001.5")]).await, [ns(1)]);
    assert_eq!(lines(&[("start", "2023-11-14T22:13:21Z"), ("end", "2023-11-14T22:13:22Z")]).await, [ns(1)]);
    assert_eq!(lines(&[("since", "7s")]).await, [ns(3), ns(4)]);
    assert_eq!(lines(&[("interval", "2s"), ("direction", "forward")]).await, [ns(0), ns(2), ns(4)]);
}

#[tokio::test]
async fn categorized_labels_tell_where_each_label_is_from() {
    let site = Site::filled();
    let query = [("query", "{host=\"web1\"} | logfmt | msg=\"done\" | keep trace_id, level, host")];
    let request = Request::get(uri("/loki/api/v1/query_range", &query))
        .header("X-Loki-Response-Encoding-Flags", "categorize-labels")
        .body(Body::empty())
        .unwrap();
    let body = site.send(request).await.json();
    assert_eq!(body["data"]["encodingFlags"], json!(["categorize-labels"]));
    let details = json!({"structuredMetadata": {"trace_id": "abc"}, "parsed": {"level": "info"}});
    let expected = json!([{"stream": {"host": "web1"}, "values": [
        [ns(4), "level=info msg=done took=7ms", details],
    ]}]);
    assert_eq!(body["data"]["result"], expected);
}

#[tokio::test]
async fn a_metric_query_answers_a_matrix_over_a_range_and_a_vector_at_an_instant() {
    let site = Site::filled();
    let query = "sum by (host) (count_over_time({job=\"demo\"}[10s]))";
    let [start, end] = [ns(0), ns(10)];
    let range = [("query", query), ("start", &start), ("end", &end), ("step", "5")];
    let expected = json!({"resultType": "matrix", "result": [
        {"metric": {"host": "db1"}, "values": [[FIRST_S + 5, "2"], [FIRST_S + 10, "2"]]},
        {"metric": {"host": "web1"}, "values": [[FIRST_S, "1"], [FIRST_S + 5, "3"], [FIRST_S + 10, "2"]]},
    ]});
    assert_eq!(result(&site, "/loki/api/v1/query_range", &range).await, expected);

    let instant = [("query", query), ("time", &start)];
    let expected = json!({"resultType": "vector", "result": [
        {"metric": {"host": "web1"}, "value": [FIRST_S, "1"]},
    ]});
    assert_eq!(result(&site, "/loki/api/v1/query", &instant).await, expected);
}

#[tokio::test]
async fn numbers_alone_are_scalars() {
    let query = [("query", "1 + 1"), ("time", "4000000000")];
    let expected = json!({"resultType": "scalar", "result": [4_000_000_000_i64, "2"]});
    assert_eq!(result(&Site::empty(), "/loki/api/v1/query", &query).await, expected);
}

#[tokio::test]
async fn the_statistics_have_lokis_parts() {
    let site = Site::filled();
    let body = site.get_json("/loki/api/v1/query_range", &[("query", "{job=\"demo\"} |= `level`")]).await;
    let stats = &body["data"]["stats"];
    for part in ["summary", "querier", "ingester", "cache", "index"] {
        assert!(stats[part].is_object(), "{part}");
    }
    assert_eq!(stats["summary"]["totalEntriesReturned"], 4);
    assert_eq!(stats["summary"]["totalPostFilterLines"], 4);
    assert!(stats["summary"]["totalLinesProcessed"].as_u64().unwrap() >= 4);
}

#[tokio::test]
async fn labels_values_and_series_are_listed() {
    let site = Site::filled();
    let data = async |path: &str, parameters: &[(&str, &str)]| {
        let body = site.get_json(&format!("/loki/api/v1/{path}"), parameters).await;
        assert_eq!(body["status"], "success");
        body["data"].clone()
    };
    assert_eq!(data("labels", &[]).await, json!(["host", "job"]));
    assert_eq!(data("label", &[("query", "{job=\"demo\"}")]).await, json!(["host", "job"]));
    assert_eq!(data("labels", &[("query", "{job=\"other\"}")]).await, json!([]));
    assert_eq!(data("label/host/values", &[]).await, json!(["db1", "web1"]));
    assert_eq!(data("label/host/values", &[("query", "{host=~\"w.*\"}")]).await, json!(["web1"]));
    assert_eq!(data("label/host/values", &[("start", "1"), ("end", "2")]).await, json!([]));
    assert_eq!(data("label/none/values", &[]).await, json!([]));
    let both = [("match[]", "{host=\"web1\"}"), ("match[]", "{host=\"db1\"}"), ("match[]", "{job=\"demo\"}")];
    let expected = json!([{"host": "db1", "job": "demo"}, {"host": "web1", "job": "demo"}]);
    assert_eq!(data("series", &both).await, expected);
    let posted = site.post("/loki/api/v1/series", &both).await;
    assert_eq!(posted.json()["data"], expected);
}

#[tokio::test]
async fn sizes_of_a_selector_count_its_streams_and_entries() {
    let site = Site::filled();
    let size = site.get_json("/loki/api/v1/index/stats", &[("query", "{host=\"web1\"}")]).await;
    assert_eq!((&size["streams"], &size["entries"]), (&json!(1), &json!(3)));
    assert!(size["bytes"].as_u64().unwrap() > 0 && size["chunks"].as_u64().unwrap() > 0, "{size}");
    let none = site.get_json("/loki/api/v1/index/stats", &[("query", "{job=\"\"}")]).await;
    assert_eq!(none, json!({"streams": 0, "chunks": 0, "entries": 0, "bytes": 0}));
}

#[tokio::test]
async fn queries_are_formatted() {
    let site = Site::empty();
    let body = site.get_json("/loki/api/v1/format_query", &[("query", "{ job = \"a\" }|=\"b\"")]).await;
    assert_eq!(body["status"], "success");
    assert!(body["data"].as_str().unwrap().contains("|= \"b\""), "{body}");
    let wrong = site.get("/loki/api/v1/format_query", &[("query", "{job=")]).await;
    assert_eq!((wrong.status, &wrong.json()["status"]), (StatusCode::BAD_REQUEST, &json!("invalid-query")));
}

#[tokio::test]
async fn forms_may_be_posted() {
    let site = Site::filled();
    let query = [("query", "{host=\"db1\"}"), ("limit", "1"), ("direction", "forward")];
    let answer = site.post("/loki/api/v1/query_range", &query).await;
    assert_eq!(answer.json()["data"]["result"][0]["values"], json!([[ns(1), "ready"]]));
}

#[tokio::test]
async fn answers_are_json_and_compressed_on_demand() {
    let site = Site::filled();
    let request = Request::get(uri("/loki/api/v1/query_range", &[("query", "{job=\"demo\"}")]));
    let answer = site.send(request.header("accept-encoding", "gzip").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header("content-type"), "application/json; charset=UTF-8");
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert_eq!(answer.body[..2], [0x1f, 0x8b]);
    assert_eq!(answer.header("access-control-allow-origin"), "", "no other site may read answers");
    let plain = site.get("/loki/api/v1/query_range", &[("query", "{job=\"demo\"}")]).await;
    assert_eq!(plain.header("content-encoding"), "");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_replaced() {
    let site = Site::empty();
    let entry = event::LogEntry {
        timestamp_ns: FIRST_S * SECOND,
        line: b"a\xff\0b"[..].into(),
        ..event::LogEntry::default()
    };
    site.log_entry(&[("job", "raw")], entry);
    let result = result(&site, "/loki/api/v1/query_range", &[("query", "{job=\"raw\"}")]).await;
    assert_eq!(result["result"][0]["values"], json!([[ns(0), "a\u{fffd}\0b"]]));
}
