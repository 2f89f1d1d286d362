//! Requests as Grafana's own data sources send them: every one gets an answer that they understand.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::site::{Site, form, uri};

/// One request for each line: when it is sent, and what its answer must have.
const REQUESTS: &str = include_str!("grafana/requests.jsonl");

/// The hour before the site's clock, in all forms in which Grafana writes times.
const TIMES: [(&str, &str); 8] = [
    ("$start_ns", "1699996410000000000"),
    ("$end_ns", "1700000010000000000"),
    ("$start_ms", "1699996410000"),
    ("$end_ms", "1700000010000"),
    ("$start_rfc3339", "2023-11-14T21:13:30.000Z"),
    ("$end_rfc3339", "2023-11-14T22:13:30.000Z"),
    ("$start", "1699996410"),
    ("$end", "1700000010"),
];

#[derive(Deserialize)]
struct Recorded {
    when: String,
    method: String,
    path: String,
    parameters: Vec<(String, String)>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Places in the answer, and what is there: a value, or `<type>`.
    expect: BTreeMap<String, Value>,
}

impl Recorded {
    fn request(&self) -> Request<Body> {
        let at_our_time = |value: &str| {
            let time = TIMES.iter().find(|(name, _)| *name == value);
            time.map_or_else(|| value.to_owned(), |(_, time)| (*time).to_owned())
        };
        let values: Vec<(String, String)> =
            self.parameters.iter().map(|(name, value)| (name.clone(), at_our_time(value))).collect();
        let pairs: Vec<(&str, &str)> = values.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let (uri, body) = match self.method.as_str() {
            "POST" => (self.path.clone(), form(&pairs)),
            _ => (uri(&self.path, &pairs), String::new()),
        };
        let request = Request::builder().method(self.method.as_str()).uri(uri);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let headers = self.headers.iter();
        headers.fold(request, |request, (name, value)| request.header(name, value)).body(body.into()).unwrap()
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "<null>",
        Value::Bool(_) => "<boolean>",
        Value::Number(_) => "<number>",
        Value::String(_) => "<string>",
        Value::Array(_) => "<array>",
        Value::Object(_) => "<object>",
    }
}

#[tokio::test]
async fn every_recorded_request_gets_an_answer_of_the_form_that_grafana_reads() {
    let site = Site::with_service_names();
    site.fill();
    for line in REQUESTS.lines() {
        let recorded: Recorded = serde_json::from_str(line).unwrap();
        let name = format!("{}: {} {:?}", recorded.when, recorded.path, recorded.parameters);
        let answer = site.send(recorded.request()).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.text());
        let body = answer.json();
        for (place, expected) in &recorded.expect {
            let found = body.pointer(place).unwrap_or_else(|| panic!("{name}: no {place} in {body}"));
            assert!(found == expected || type_of(found) == expected, "{name}: {place} is {found}");
        }
    }
}

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
