//! Requests as Grafana's own data sources send them: every one gets an answer that they understand.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::json;

use crate::site::{Site, uri};

const START: &str = "1699996410000000000";
const END: &str = "1700000010000000000";

#[tokio::test]
async fn health_checks_succeed() {
    let site = Site::empty();
    let loki = [("direction", "backward"), ("query", "vector(1)+vector(1)"), ("time", "4000000000")];
    let body = site.get_json("/loki/api/v1/query", &loki).await;
    let expected = json!([{"metric": {}, "value": [4_000_000_000_i64, "2"]}]);
    assert_eq!((&body["data"]["resultType"], &body["data"]["result"]), (&json!("vector"), &expected));

    let answer = site.post("/api/v1/query", &[("query", "1+1"), ("time", "4")]).await;
    let expected = json!({"status": "success", "data": {"resultType": "scalar", "result": [4, "2"]}});
    assert_eq!(answer.json(), expected);

    let info = site.get_json("/api/v1/status/buildinfo", &[]).await;
    assert_eq!(info["status"], "success");
    assert!(info["data"]["version"].is_string());
    assert!(site.get_json("/loki/api/v1/status/buildinfo", &[]).await["version"].is_string());
}

#[tokio::test]
async fn the_loki_data_source_is_answered() {
    let site = Site::filled();
    let volume =
        "sum by (level, detected_level) (count_over_time({job=\"demo\"} |= `` | drop __error__[1m]))";
    let span = [("start", START), ("end", END)];
    let demo = "{job=\"demo\"}";
    let requests: [(&str, &[(&str, &str)]); 14] = [
        ("query_range", &[("query", "{job=\"demo\"} |= ``"), ("limit", "1000"), ("step", "2000ms")]),
        ("query_range", &[("query", demo), ("limit", "100"), ("direction", "forward"), ("step", "15000ms")]),
        ("query_range", &[("query", volume), ("direction", "backward"), ("step", "60000ms")]),
        ("query_range", &[("query", demo), ("limit", "10"), ("step", "3600000ms")]),
        (
            "query_range",
            &[("query", "rate({job=\"demo\"} | json | logfmt | drop __error__ [5s])"), ("step", "15s")],
        ),
        ("query", &[("query", "sum(rate({job=\"demo\"}[5m]))"), ("time", END), ("limit", "1000")]),
        ("index/stats", &[("query", demo)]),
        ("index/stats", &[("query", "{job=\"\"}")]),
        ("labels", &[]),
        ("labels", &[("query", demo)]),
        ("label/job/values", &[("query", demo)]),
        ("series", &[("match[]", demo)]),
        ("format_query", &[("query", demo)]),
        ("labels", &[("start", "1"), ("end", "2")]),
    ];
    for (path, parameters) in requests {
        let path = format!("/loki/api/v1/{path}");
        let parameters = [parameters, &span].concat();
        let request = Request::get(uri(&path, &parameters))
            .header("X-Loki-Response-Encoding-Flags", "categorize-labels")
            .header("X-Query-Tags", "Source=logvolhist")
            .header("Content-Type", "application/json")
            .body(Body::empty())
            .unwrap();
        let answer = site.send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {parameters:?}: {}", answer.text());
        assert!(answer.json().is_object());
    }
}

#[tokio::test]
async fn the_prometheus_data_source_is_answered() {
    let site = Site::filled();
    let span = [("start", "1699996410"), ("end", "1700000010")];
    let posted: [(&str, &[(&str, &str)]); 7] = [
        ("query_range", &[("query", "up"), ("step", "15")]),
        ("query", &[("query", "up"), ("time", "1700000010.022")]),
        ("query_exemplars", &[("query", "up")]),
        ("query_exemplars", &[("query", "test"), ("start", "1699996410000"), ("end", "1700000010000")]),
        ("labels", &[("limit", "40000"), ("match[]", "{__name__=\"up\"}")]),
        ("labels", &[("limit", "1000")]),
        ("series", &[("match[]", "up")]),
    ];
    for (path, parameters) in posted {
        let answer = site.post(&format!("/api/v1/{path}"), &[parameters, &span].concat()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {parameters:?}: {}", answer.text());
        assert_eq!(answer.json()["status"], "success");
    }
    let values = [("limit", "40000"), ("match[]", "{__name__=\"up\"}")];
    let body = site.get_json("/api/v1/label/job/values", &[&values[..], &span].concat()).await;
    assert_eq!(body["data"], json!(["a"]));
    site.get_json("/api/v1/metadata", &[("limit", "1000")]).await;
}

#[tokio::test]
async fn parameters_of_the_url_count_beside_those_of_a_form() {
    let site = Site::filled();
    let request = Request::post("/api/v1/series?match[]=up")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("%7B%7D="))
        .unwrap();
    let answer = site.send(request).await;
    assert_eq!(answer.json()["data"], json!([{"__name__": "up", "job": "a"}]), "{}", answer.text());
}
