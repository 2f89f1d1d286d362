//! Tenants see their own streams and nobody else's.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};

use crate::site::{Answer, Site, uri};

/// Streams of the tenants a and b, and one of nobody in particular.
fn site() -> Site {
    let site = Site::with_tenants();
    site.log(&[("job", "demo"), ("__tenant_id__", "a")], &[(0, "of a")]);
    site.log(&[("job", "demo"), ("only", "b"), ("__tenant_id__", "b")], &[(1, "of b")]);
    site.log(&[("job", "demo")], &[(2, "of nobody")]);
    site
}

async fn ask(site: &Site, tenant: &str, path: &str, parameters: &[(&str, &str)]) -> Answer {
    let request = Request::get(uri(&format!("/loki/api/v1/{path}"), parameters));
    site.send(request.header("X-Scope-OrgID", tenant).body(Body::empty()).unwrap()).await
}

async fn data(site: &Site, tenant: &str, path: &str, parameters: &[(&str, &str)]) -> Value {
    let answer = ask(site, tenant, path, parameters).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()["data"].clone()
}

const QUERY: [(&str, &str); 1] = [("query", "{job=\"demo\"}")];

#[tokio::test]
async fn a_tenant_gets_its_own_lines_without_a_trace_of_others() {
    let site = site();
    let streams = data(&site, "a", "query_range", &QUERY).await["result"].clone();
    assert_eq!(streams.as_array().unwrap().len(), 1, "{streams}");
    assert_eq!(
        (&streams[0]["stream"], &streams[0]["values"][0][1]),
        (&json!({"job": "demo"}), &json!("of a"))
    );
    assert_eq!(data(&site, "a", "labels", &[]).await, json!(["job"]));
    assert_eq!(data(&site, "a", "label/only/values", &[]).await, json!([]));
    assert_eq!(data(&site, "a", "label/__tenant_id__/values", &[]).await, json!([]));
    assert_eq!(data(&site, "a", "series", &[("match[]", "{job=\"demo\"}")]).await, json!([{"job": "demo"}]));
    let sum = [("query", "count_over_time({__tenant_id__=~\".*\", job=\"demo\"}[1m])")];
    assert_eq!(data(&site, "a", "query", &sum).await["result"][0]["value"][1], "1");
    let stats = ask(&site, "nobody-knows", "index/stats", &QUERY).await.json();
    assert_eq!(stats["streams"], 0);
}

#[tokio::test]
async fn streams_without_a_tenant_belong_to_the_default_one() {
    let site = site();
    let streams = data(&site, "fake", "query_range", &QUERY).await["result"].clone();
    assert_eq!(streams.as_array().unwrap().len(), 1, "{streams}");
    assert_eq!(streams[0]["values"][0][1], "of nobody");
}

#[tokio::test]
async fn a_query_for_several_tenants_says_whose_each_stream_is() {
    let site = site();
    let streams = data(&site, "b|a", "query_range", &QUERY).await["result"].clone();
    let expected = [
        json!({"__tenant_id__": "a", "job": "demo"}),
        json!({"__tenant_id__": "b", "job": "demo", "only": "b"}),
    ];
    let found: Vec<&Value> = streams.as_array().unwrap().iter().map(|s| &s["stream"]).collect();
    assert_eq!(found, [&expected[0], &expected[1]]);
}

#[tokio::test]
async fn a_request_for_nobody_is_refused() {
    let site = site();
    let answer = site.get("/loki/api/v1/labels", &[]).await;
    assert_eq!(
        (answer.status, answer.text().trim()),
        (StatusCode::UNAUTHORIZED, "no org id: send the header X-Scope-OrgID")
    );
    assert_eq!(ask(&site, "a b", "labels", &[]).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.get("/loki/api/v1/status/buildinfo", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_the_setting_who_names_a_tenant_sees_its_streams_and_who_names_none_sees_all() {
    let site = Site::filled();
    site.log(&[("job", "demo"), ("__tenant_id__", "a")], &[(0, "of a")]);
    let streams = async |tenant: &str| {
        data(&site, tenant, "query_range", &QUERY).await["result"].as_array().unwrap().len()
    };
    assert_eq!((streams("a").await, streams("fake").await, streams("").await), (1, 3, 4));
}

#[tokio::test]
async fn a_tenant_deletes_its_own_lines_alone() {
    let site = site();
    let delete = async |method: &str, tenant: &str, parameters: &[(&str, &str)]| {
        let request = Request::builder().method(method).uri(uri("/loki/api/v1/delete", parameters));
        site.send(request.header("X-Scope-OrgID", tenant).body(Body::empty()).unwrap()).await
    };
    let all = [QUERY[0], ("start", "1")];
    assert_eq!(delete("POST", "a", &all).await.status, StatusCode::NO_CONTENT);
    let lines = async |tenant: &str| {
        data(&site, tenant, "query_range", &QUERY).await["result"].as_array().unwrap().len()
    };
    assert_eq!((lines("a").await, lines("b").await, lines("fake").await), (0, 1, 1));
    let others = ("query", r#"{job="demo", __tenant_id__="b"}"#);
    assert_eq!(delete("POST", "a", &[others, ("start", "1")]).await.status, StatusCode::NO_CONTENT);
    let receipts = delete("GET", "a", &[]).await.json();
    assert_eq!([&receipts[0]["query"], &receipts[1]["query"]], [QUERY[0].1, others.1], "as they were sent");
    assert_eq!((delete("GET", "b", &[]).await.json(), lines("b").await), (json!([]), 1));
    let receipt = [("request_id", "00000001")];
    assert_eq!(delete("DELETE", "b", &receipt).await.status, StatusCode::NOT_FOUND);
    assert_eq!(lines("a").await, 0);
}
