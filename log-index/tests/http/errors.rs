//! What clients see when a request is wrong or asks for too much.

use std::time::Duration;

use axum::http::{Request, StatusCode};
use log_index::http::Limits;
use serde_json::{Value, json};

use crate::site::Site;

type Parameters<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn loki_errors_are_plain_text_with_the_place_in_the_query() {
    let site = Site::empty();
    let answer = site.get("/loki/api/v1/query_range", &[("query", "{job=\"a\"} |= ")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.text().starts_with("parse error at line 1, col 14: syntax error"), "{}", answer.text());
}

#[tokio::test]
async fn wrong_requests_to_loki_name_what_is_wrong() {
    let site = Site::empty();
    let selector = ("query", "{job=\"a\"}");
    let metric = ("query", "rate({job=\"a\"}[5m])");
    let cases: [(&str, Parameters, &str); 12] = [
        ("query_range", &[selector, ("start", "soon")], "invalid parameter \"start\""),
        ("query_range", &[selector, ("start", "20"), ("end", "10")], "end timestamp must not be before"),
        ("query_range", &[selector, ("limit", "0")], "limit must be a positive value"),
        ("query_range", &[selector, ("limit", "5001")], "max_entries_limit_per_query (5001 > 5000)"),
        ("query_range", &[selector, ("direction", "up")], "neither forward nor backward"),
        ("query_range", &[selector, ("step", "-1")], "zero or negative query resolution"),
        ("query_range", &[metric, ("step", "300ms")], "exceeded maximum resolution of 11000 points"),
        ("query_range", &[("query", "{}")], "at least one regexp or equality matcher"),
        ("query", &[selector], "log queries are not supported as an instant query type"),
        ("series", &[], "0 matcher groups supplied"),
        ("series", &[("match[]", "{job=")], "parse error"),
        ("tail", &[selector], "Connection"),
    ];
    for (path, parameters, expected) in cases {
        let answer = site.get(&format!("/loki/api/v1/{path}"), parameters).await;
        assert!(answer.text().contains(expected), "{path} {parameters:?}: {}", answer.text());
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {parameters:?}");
    }
}

#[tokio::test]
async fn wrong_requests_to_prometheus_have_a_type_of_error() {
    let site = Site::filled();
    let range = |step| [("query", "up"), ("start", "0"), ("end", "1e9"), ("step", step)];
    let twice = "up + on() (up or requests_total)";
    let cases: [(&str, Parameters, u16, &str, &str); 10] = [
        ("query", &[("query", "sum(")], 400, "bad_data", "invalid parameter \"query\": 1:"),
        ("query", &[("query", "up"), ("time", "soon")], 400, "bad_data", "invalid parameter \"time\""),
        ("query", &[("query", "up"), ("timeout", "x")], 400, "bad_data", "invalid parameter \"timeout\""),
        ("query", &[("query", twice)], 422, "execution", "many-to-many"),
        ("query_range", &range("1"), 400, "bad_data", "exceeded maximum resolution of 11000 points"),
        ("query_range", &range("0"), 400, "bad_data", "zero or negative query resolution step widths"),
        ("query_range", &range("1e6")[..3], 400, "bad_data", "invalid parameter \"step\""),
        ("series", &[], 400, "bad_data", "no match[] parameter provided"),
        ("series", &[("match[]", "sum(up)")], 400, "bad_data", "invalid parameter \"match[]\""),
        ("labels", &[("match[]", "{job=~\".*\"}")], 400, "bad_data", "at least one non-empty matcher"),
    ];
    for (path, parameters, status, kind, expected) in cases {
        let answer = site.get(&format!("/api/v1/{path}"), parameters).await;
        let body = answer.json();
        assert_eq!((answer.status.as_u16(), &body["errorType"]), (status, &json!(kind)), "{body}");
        assert_eq!(body["status"], "error");
        assert!(body["error"].as_str().unwrap().contains(expected), "{path} {parameters:?}: {body}");
    }
}

#[tokio::test]
async fn long_queries_and_large_forms_are_refused() {
    let limits = Limits { max_query_bytes: 20, max_body_bytes: 100, ..Limits::default() };
    let site = Site::with(None, limits);
    let long = "a".repeat(21);
    let answer = site.get("/api/v1/query", &[("query", &long)]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().contains("query too long (21 > 20 bytes)"), "{}", answer.text());
    let larger = "a".repeat(200);
    let answer = site.post("/loki/api/v1/query_range", &[("query", &larger)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_query_over_too_many_samples_names_the_limit() {
    let site = Site::with(None, Limits { max_samples: 5, ..Limits::default() });
    site.fill();
    let answer = site.get("/api/v1/query", &[("query", "sum(rate(requests_total[1m]))")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    assert_eq!(answer.json()["errorType"], "execution");
    assert!(answer.text().contains("limit: 5 samples"), "{}", answer.text());
}

#[tokio::test]
async fn a_query_that_needs_too_much_memory_names_the_setting() {
    let site = Site::with(None, Limits { max_bytes: 100, ..Limits::default() });
    site.fill();
    for query in ["{job=\"demo\"}", "count_over_time({job=\"demo\"}[1m])"] {
        let answer = site.get("/loki/api/v1/query_range", &[("query", query)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
        assert!(answer.text().contains("more than 100 bytes of memory"), "{}", answer.text());
        assert!(answer.text().contains("http.query_memory"), "{}", answer.text());
    }
    let answer = site.get("/api/v1/query", &[("query", "sum(rate(requests_total[1m]))")]).await;
    assert!(answer.text().contains("limit: 6 samples"), "{}", answer.text());
    assert!(answer.text().contains("http.query_memory"), "{}", answer.text());
}

#[tokio::test]
async fn an_answer_with_too_many_series_has_the_largest_and_the_sum_of_the_others() {
    let site = Site::with(None, Limits { max_answer_series: 1, ..Limits::default() });
    site.fill();
    let query = [("query", "sum by (host) (count_over_time({job=\"demo\"}[1m]))")];
    let body = site.get_json("/loki/api/v1/query", &query).await;
    let values: Vec<(&Value, &Value)> = body["data"]["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|element| (&element["metric"], &element["value"][1]))
        .collect();
    let (largest, others) = (json!({"host": "web1"}), json!({"__name__": "other"}));
    assert_eq!(values, [(&others, &json!("2")), (&largest, &json!("3"))]);
    assert!(body["warnings"][0].as_str().unwrap().contains("the answer has 2 series"), "{body}");
}

#[tokio::test]
async fn a_query_without_time_times_out() {
    let site = Site::with(None, Limits { timeout: Duration::ZERO, ..Limits::default() });
    let answer = site.get("/api/v1/query", &[("query", "1+1")]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["errorType"], "timeout");
    assert!(answer.text().contains("narrow its selector or its time range"), "{}", answer.text());
    let answer = site.get("/loki/api/v1/query", &[("query", "vector(1)")]).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
}

#[tokio::test]
async fn a_query_without_a_place_is_told_to_come_again() {
    let limits = Limits { max_queries: 0, timeout: Duration::from_millis(1), ..Limits::default() };
    let site = Site::with(None, limits);
    let answer = site.get("/api/v1/query", &[("query", "1+1")]).await;
    assert_eq!(
        (answer.status, answer.json()["errorType"].clone()),
        (StatusCode::SERVICE_UNAVAILABLE, json!("unavailable"))
    );
    let answer = site.get("/loki/api/v1/query", &[("query", "vector(1)")]).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.text().contains("too many queries at once (limit: 0)"), "{}", answer.text());
}

#[tokio::test]
async fn unknown_paths_and_methods_are_not_ours() {
    let site = Site::empty();
    assert_eq!(site.get("/loki/api/v1/nothing", &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get("/flush", &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let request = Request::delete("/api/v1/series").body(Default::default()).unwrap();
    assert_eq!(site.send(request).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn requests_are_counted_by_endpoint_and_status() {
    let site = Site::empty();
    site.get("/loki/api/v1/label/job/values", &[]).await;
    site.get("/api/v1/query", &[("query", "(")]).await;
    let families = prometheus::gather();
    let family = families.iter().find(|f| f.name() == "tailrace_query_requests_total").unwrap();
    let counted = |endpoint: &str, status: &str| {
        family.get_metric().iter().any(|metric| {
            let has = |name, value| metric.get_label().iter().any(|l| l.name() == name && l.value() == value);
            has("endpoint", endpoint) && has("status", status) && metric.get_counter().get_value() > 0.0
        })
    };
    assert!(counted("/loki/api/v1/label/{name}/values", "200"));
    assert!(counted("/api/v1/query", "400"));
    assert!(families.iter().any(|f| f.name() == "tailrace_query_seconds"));
}
