//! Deletes over both APIs.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};

use crate::site::{Answer, Site, uri};

const DELETE: &str = "/loki/api/v1/delete";

async fn ask(site: &Site, method: &str, parameters: &[(&str, &str)]) -> Answer {
    let request = Request::builder().method(method).uri(uri(DELETE, parameters));
    site.send(request.body(Body::empty()).unwrap()).await
}

async fn lines(site: &Site, query: &str) -> usize {
    let answer = site.get_json("/loki/api/v1/query_range", &[("query", query)]).await;
    let streams = answer["data"]["result"].as_array().unwrap();
    streams.iter().map(|stream| stream["values"].as_array().unwrap().len()).sum()
}

async fn receipts(site: &Site) -> Value {
    site.get_json(DELETE, &[]).await
}

#[tokio::test]
async fn what_is_deleted_is_hidden_at_once_and_the_receipt_counts_it() {
    let site = Site::filled();
    let query = [("query", r#"{job="demo"} |= "level""#), ("start", "1700000000"), ("end", "1700000003")];
    let answer = ask(&site, "POST", &query).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(lines(&site, r#"{job="demo"}"#).await, 2);
    let mut expected = json!([{
        "request_id": "00000001",
        "start_time": 1700000000.0,
        "end_time": 1700000003.0,
        "query": r#"{job="demo"} |= "level""#,
        "status": "received",
        "created_at": 1700000010.0,
        "matched_entries": 3,
        "removed_entries": 0,
    }]);
    assert_eq!(receipts(&site).await, expected);
    assert_eq!(answer.header("location"), uri(DELETE, &[("request_id", "00000001")]).replace("%5F", "_"));
    assert_eq!(ask(&site, "GET", &[("request_id", "00000001")]).await.json(), expected);
    assert_eq!(ask(&site, "GET", &[("request_id", "00000002")]).await.json(), json!([]));
    let merged = Request::post("/flush?merge=true").body(Body::empty()).unwrap();
    assert_eq!(site.send(merged).await.status, StatusCode::NO_CONTENT);
    expected[0]["status"] = "processed".into();
    expected[0]["removed_entries"] = 3.into();
    assert_eq!(receipts(&site).await, expected);
    assert_eq!(lines(&site, r#"{job="demo"}"#).await, 2);
}

#[tokio::test]
async fn a_delete_can_be_taken_back_until_its_lines_are_gone() {
    let site = Site::filled();
    let query = [("query", r#"{host="web1"}"#), ("start", "1")];
    assert_eq!(ask(&site, "PUT", &query).await.status, StatusCode::NO_CONTENT);
    assert_eq!(lines(&site, r#"{job="demo"}"#).await, 2);
    let cancelled = ask(&site, "DELETE", &[("request_id", "00000001")]).await;
    assert_eq!(cancelled.status, StatusCode::NO_CONTENT);
    assert_eq!(lines(&site, r#"{job="demo"}"#).await, 5);
    assert_eq!(receipts(&site).await, json!([]));
    assert_eq!(ask(&site, "DELETE", &[("request_id", "00000001")]).await.status, StatusCode::NOT_FOUND);
    ask(&site, "PUT", &query).await;
    site.index.merge(&|| false).unwrap();
    let late = ask(&site, "DELETE", &[("request_id", "00000002")]).await;
    assert_eq!(late.status, StatusCode::BAD_REQUEST);
    assert!(late.text().contains("already processed"), "{}", late.text());
}

#[tokio::test]
async fn a_request_that_cannot_delete_says_why() {
    let site = Site::filled();
    for (query, reason) in [
        ("", "query not set"),
        ("{", "parse error"),
        (r#"{job="demo"} | json"#, "no other stages"),
        (r#"rate({job="demo"}[1m])"#, "not a metric query"),
    ] {
        let answer = ask(&site, "POST", &[("query", query), ("start", "1")]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.text().contains(reason), "{query}: {}", answer.text());
    }
    let open = ask(&site, "POST", &[("query", r#"{job="demo"}"#)]).await;
    assert_eq!((open.status, open.text().trim()), (StatusCode::BAD_REQUEST, "start time not set"));
    assert_eq!(lines(&site, r#"{job="demo"}"#).await, 5);
}

#[tokio::test]
async fn series_are_deleted_by_prometheus_admin_api() {
    let site = Site::filled();
    let path = "/api/v1/admin/tsdb/delete_series";
    let some = [("match[]", r#"requests_total{code="500"}"#), ("end", "1700000005")];
    assert_eq!(site.post(path, &some).await.status, StatusCode::NO_CONTENT);
    let all = [("match[]", "up")];
    assert_eq!(site.post(path, &all).await.status, StatusCode::NO_CONTENT);
    assert_eq!(site.post(path, &[]).await.status, StatusCode::BAD_REQUEST);
    let count = |query| {
        let site = &site;
        async move { site.get_json("/api/v1/query", &[("query", query)]).await["data"]["result"].take() }
    };
    assert_eq!(count("count_over_time(up[1m])").await, json!([]));
    assert_eq!(count("sum(count_over_time(requests_total[1m]))").await[0]["value"][1], "4");
    let names = site.get_json("/api/v1/label/__name__/values", &[]).await;
    assert_eq!(names["data"], json!(["requests_total"]));
    assert_eq!(receipts(&site).await, json!([]), "those are receipts for logs");
}
