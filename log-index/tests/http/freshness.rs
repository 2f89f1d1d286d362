//! Read your writes: what was acknowledged before a query is in its answer, or the answer says that it may not.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use log_index::http::Limits;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::site::{EndsAt, Site};

const QUERY: [(&str, &str); 1] = [("query", "{job=\"demo\"}")];

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(60);

/// Queries wait for `wait`, a flush waits for `timeout`.
fn site(ends: Result<i64, String>, wait: Duration, timeout: Duration) -> (Site, Arc<EndsAt>) {
    let limits = Limits { max_freshness_wait: wait, timeout, ..Limits::default() };
    let ends = Arc::new(EndsAt { ends, asked: Notify::new() });
    (Site::with(Some(ends.clone()), limits), ends)
}

#[tokio::test]
async fn a_query_waits_for_what_was_acknowledged_before_it() {
    let (site, ends) = site(Ok(1), LONG, LONG);
    let write = async {
        ends.asked.notified().await;
        site.log(&[("job", "demo")], &[(0, "just written")]);
    };
    let (body, ()) = tokio::join!(site.get_json("/loki/api/v1/query_range", &QUERY), write);
    assert_eq!(body["data"]["result"][0]["values"][0][1], "just written");
    assert_eq!(body["warnings"], Value::Null);
}

#[tokio::test]
async fn an_answer_that_may_miss_something_says_how_much() {
    let (site, _) = site(Ok(3), SHORT, LONG);
    site.log(&[("job", "demo")], &[(0, "old")]);
    let notice = json!(["the answer may miss the newest data: 2 records are not indexed yet"]);
    let logs = site.get_json("/loki/api/v1/query_range", &QUERY).await;
    assert_eq!(logs["warnings"], notice);
    assert_eq!(logs["data"]["result"][0]["values"][0][1], "old");
    assert_eq!(site.get_json("/loki/api/v1/labels", &[]).await["warnings"], notice);
    assert_eq!(site.get_json("/api/v1/query", &[("query", "up")]).await["warnings"], notice);
    assert_eq!(site.get_json("/api/v1/labels", &[]).await["warnings"], notice);
}

#[tokio::test]
async fn an_answer_says_when_the_ends_of_the_topics_are_unknown() {
    let (site, _) = site(Err("no broker".into()), LONG, LONG);
    let body = site.get_json("/api/v1/query", &[("query", "1+1")]).await;
    let notice = "the answer may miss the newest data: the ends of the topics are not known (no broker)";
    assert_eq!(body["warnings"], json!([notice]));
}

#[tokio::test]
async fn a_flush_that_cannot_have_everything_fails() {
    let (site, _) = site(Ok(3), SHORT, SHORT);
    let answer = site.post("/flush", &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text().contains("3 records are not indexed yet"), "{}", answer.text());
}
