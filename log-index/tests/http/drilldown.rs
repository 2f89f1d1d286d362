//! What Grafana's Logs Drilldown asks before it shows a line.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};

use crate::site::{Site, uri};

/// Two services, one with logfmt lines, the other with JSON.
fn site() -> Site {
    let site = Site::with_service_names();
    let web = [("app", "web"), ("pid", "17")];
    site.log(
        &web,
        &[(0, "level=info took=5ms size=3KB n=1"), (2, "level=error took=70ms size=9MB n=2 msg=broken")],
    );
    site.log_with(&[("job", "db")], 4, r#"{"severity":"WARN","rows":7,"ok":true}"#, &[("trace_id", "abc")]);
    site
}

async fn get(site: &Site, path: &str, parameters: &[(&str, &str)]) -> Value {
    site.get_json(&format!("/loki/api/v1/{path}"), parameters).await
}

#[tokio::test]
async fn streams_get_the_name_of_their_service() {
    let site = site();
    assert_eq!(get(&site, "label/service_name/values", &[]).await["data"], json!(["db", "web"]));
}

#[tokio::test]
async fn volumes_are_bytes_by_the_labels_of_the_selector() {
    let site = site();
    let all = [("query", "{service_name=~`.+`}"), ("limit", "5000")];
    let body = get(&site, "index/volume", &all).await;
    assert_eq!(body["data"]["resultType"], "vector");
    let elements = body["data"]["result"].as_array().unwrap();
    let names: Vec<&Value> = elements.iter().map(|element| &element["metric"]).collect();
    assert_eq!(names, [&json!({"service_name": "db"}), &json!({"service_name": "web"})], "the largest first");
    let bytes = |element: &Value| element["value"][1].as_str().unwrap().parse::<u64>().unwrap();
    assert!(elements.iter().all(|element| bytes(element) >= 32), "{body}");

    let one = [all[0], ("limit", "1")];
    assert_eq!(get(&site, "index/volume", &one).await["data"]["result"].as_array().unwrap().len(), 1);
    let by_name = [all[0], ("targetLabels", "app,service_name"), ("aggregateBy", "labels")];
    let body = get(&site, "index/volume", &by_name).await;
    let names: Vec<&Value> =
        body["data"]["result"].as_array().unwrap().iter().map(|element| &element["metric"]).collect();
    assert_eq!(names, [&json!({"app": ""}), &json!({"service_name": ""})], "{body}");
}

#[tokio::test]
async fn volumes_over_a_range_sum_up_to_the_whole() {
    let site = site();
    let query = [("query", "{app=\"web\"}"), ("start", "1700000000"), ("end", "1700000010")];
    let whole = get(&site, "index/volume", &query).await;
    let whole = whole["data"]["result"][0]["value"][1].as_str().unwrap().parse::<f64>().unwrap();
    let body = get(&site, "index/volume_range", &[&query[..], &[("step", "1s")]].concat()).await;
    assert_eq!(body["data"]["resultType"], "matrix");
    let values = body["data"]["result"][0]["values"].as_array().unwrap();
    let sum: f64 = values.iter().map(|v| v[1].as_str().unwrap().parse::<f64>().unwrap()).sum();
    assert!((whole - sum).abs() <= values.len() as f64, "{whole} and {sum} differ by more than rounding");
    assert_eq!(values[0][0], 1_700_000_001, "a step's time is its end");
}

#[tokio::test]
async fn detected_labels_need_no_query_and_leave_numbers_out() {
    let site = site();
    let body = get(&site, "detected_labels", &[("query", "")]).await;
    let expected = json!({"detectedLabels": [
        {"label": "app", "cardinality": 1},
        {"label": "job", "cardinality": 1},
        {"label": "service_name", "cardinality": 2},
    ]});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn detected_fields_have_types_parsers_and_values() {
    let site = site();
    let body = get(&site, "detected_fields", &[("query", "{app=\"web\"}"), ("limit", "5")]).await;
    let field = |label: &str, kind: &str, cardinality: u64, parsers: Value| json!({"label": label, "type": kind, "cardinality": cardinality, "parsers": parsers});
    let expected = json!({"limit": 5, "fields": [
        field("detected_level", "string", 2, Value::Null),
        field("level", "string", 2, json!(["logfmt"])),
        field("msg", "string", 1, json!(["logfmt"])),
        field("n", "int", 2, json!(["logfmt"])),
        field("size", "bytes", 2, json!(["logfmt"])),
    ]});
    assert_eq!(body, expected);

    let piped = [("query", "{job=\"db\"} | json | logfmt | drop __error__, __error_details__")];
    let body = get(&site, "detected_fields", &piped).await;
    let kinds: Vec<(&str, &str)> = body["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| (field["label"].as_str().unwrap(), field["type"].as_str().unwrap()))
        .collect();
    let expected = [
        ("detected_level", "string"),
        ("ok", "boolean"),
        ("rows", "int"),
        ("severity", "string"),
        ("trace_id", "string"),
    ];
    assert_eq!(kinds, expected);
    let values = get(&site, "detected_field/took/values", &[("query", "{app=\"web\"}")]).await;
    assert_eq!(values, json!({"values": ["5ms", "70ms"], "limit": 1000}));
    let levels = get(&site, "detected_field/detected_level/values", &[("query", "{job=\"db\"}")]).await;
    assert_eq!(levels["values"], json!(["warn"]));
}

#[tokio::test]
async fn clients_that_ask_for_origins_get_levels() {
    let site = site();
    let volume = "sum by (level, detected_level) (count_over_time({service_name=~\".+\"}[1m]))";
    let ask = async |path: &str, query: &str| {
        let request = Request::get(uri(&format!("/loki/api/v1/{path}"), &[("query", query)]));
        let request = request.header("X-Loki-Response-Encoding-Flags", "categorize-labels");
        let answer = site.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["data"]["result"].clone()
    };
    let plain = get(&site, "query", &[("query", volume)]).await;
    assert_eq!(plain["data"]["result"][0]["metric"], json!({}), "others get what is stored");
    let grouped = ask("query", volume).await;
    let levels: Vec<&Value> =
        grouped.as_array().unwrap().iter().map(|element| &element["metric"]["detected_level"]).collect();
    assert_eq!(levels, ["error", "info", "warn"]);
    let lines = ask("query_range", "{service_name=\"web\"} | detected_level=`error`").await;
    let metadata = &lines[0]["values"][0][2]["structuredMetadata"];
    assert_eq!(metadata, &json!({"detected_level": "error"}));
    assert_eq!(lines[0]["values"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_server_tells_its_limits() {
    let site = site();
    let body = get(&site, "drilldown-limits", &[]).await;
    assert_eq!(body["limits"]["max_entries_limit_per_query"], 5000);
    assert_eq!(body["limits"]["discover_service_name"][0], "service");
    assert_eq!(body["pattern_ingester_enabled"], true);
    let config = site.get("/config", &[]).await;
    assert_eq!(config.status, StatusCode::OK);
    assert!(config.text().contains("limits_config:\n  discover_log_levels: true\n"), "{}", config.text());
}

#[tokio::test]
async fn a_query_is_one_shard() {
    let site = site();
    let body = get(&site, "index/shards", &[("query", "{app=\"web\"}"), ("targetBytesPerShard", "1")]).await;
    assert_eq!(body["shards"][0]["bounds"], json!({"min": 0, "max": u64::MAX}));
    assert_eq!(body["shards"][0]["stats"]["entries"], 2);
}

#[tokio::test]
async fn patterns_sum_up_to_the_lines_and_find_them_again() {
    let site = site();
    site.log(
        &[("app", "web")],
        &[(3, "level=info took=9ms size=1KB n=3"), (9, "level=info took=1ms size=7KB n=4")],
    );
    let query = [("query", "{app=\"web\"}"), ("step", "5s")];
    let body = get(&site, "patterns", &query).await;
    let first = &body["data"][0];
    assert_eq!(first["pattern"], "level=info took=<_> size=<_> n=<_>");
    assert_eq!(
        (&first["level"], &first["samples"]),
        (&json!("info"), &json!([[1_700_000_000, 2], [1_700_000_005, 1]]))
    );
    assert_eq!(first["last_seen"], "1700000009000000000");
    let again = format!("{{app=\"web\"}} |> `{}`", first["pattern"].as_str().unwrap());
    let count = format!("sum(count_over_time({again}[1m]))");
    let found = get(&site, "query", &[("query", &count)]).await;
    assert_eq!(found["data"]["result"][0]["value"][1], "3");
    assert_eq!(get(&site, "patterns", &query).await["data"], body["data"], "with the same ids");
    let filtered = get(&site, "patterns", &[("query", "{app=\"web\"} |= `broken`")]).await;
    assert_eq!(filtered["data"].as_array().unwrap().len(), 1);
}
