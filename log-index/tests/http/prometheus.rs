//! Prometheus' API: bodies as its documentation has them.

use axum::http::{Request, StatusCode};
use event::{
    Bucket, Event, Histogram, HistogramSample, HistogramSeries, Labels, SampleBatch,
    proto::{
        remote_read::{LabelMatcher, Query, QueryResult, ReadRequest, ReadResponse, label_matcher::Type},
        remote_write::TimeSeries,
    },
};
use log_index::http::Limits;
use promql::Features;
use prost::Message;
use serde_json::{Value, json};

use crate::site::{FIRST_S, Site};

async fn data(site: &Site, path: &str, parameters: &[(&str, &str)]) -> Value {
    let body = site.get_json(path, parameters).await;
    assert_eq!(body["status"], "success");
    body["data"].clone()
}

#[tokio::test]
async fn an_instant_query_answers_a_vector() {
    let site = Site::filled();
    let query = [("query", "requests_total"), ("time", "1700000010")];
    let at = FIRST_S + 10;
    let expected = json!({"resultType": "vector", "result": [
        {"metric": {"__name__": "requests_total", "code": "200"}, "value": [at, "20"]},
        {"metric": {"__name__": "requests_total", "code": "500"}, "value": [at, "5"]},
    ]});
    assert_eq!(data(&site, "/api/v1/query", &query).await, expected);
    assert_eq!(site.post("/api/v1/query", &query).await.json()["data"], expected);
    assert_eq!(
        data(&site, "/api/v1/query", &query[..1]).await,
        expected,
        "now is ten seconds after the first"
    );
}

#[tokio::test]
async fn times_have_fractions_and_names() {
    let site = Site::filled();
    let value = async |time: &str| {
        let found = data(&site, "/api/v1/query", &[("query", "up"), ("time", time)]).await;
        found["result"][0]["value"].clone()
    };
    assert_eq!(value("1700000000.25").await, json!([1_700_000_000.25, "1"]));
    assert_eq!(value("2023-11-14T22:13:20.25Z").await, json!([1_700_000_000.25, "1"]));
}

#[tokio::test]
async fn a_range_query_answers_a_matrix() {
    let site = Site::filled();
    let query =
        [("query", "sum(requests_total)"), ("start", "1700000000"), ("end", "1700000010"), ("step", "5s")];
    let values = json!([[FIRST_S, "0"], [FIRST_S + 5, "12.5"], [FIRST_S + 10, "25"]]);
    let expected = json!({"resultType": "matrix", "result": [{"metric": {}, "values": values}]});
    assert_eq!(data(&site, "/api/v1/query_range", &query).await, expected);
    assert_eq!(site.post("/api/v1/query_range", &query).await.json()["data"], expected);
}

#[tokio::test]
async fn native_histograms_are_answered_as_prometheus_prints_them() {
    let site = Site::empty();
    let bucket = |index, count| Bucket { index, count };
    let positive = vec![bucket(0, 2.0), bucket(1, 3.0)];
    let histogram = Histogram { count: 5.0, sum: 6.5, positive, ..Histogram::default() };
    let samples = vec![HistogramSample { timestamp_ms: FIRST_S * 1000, histogram: histogram.into() }];
    let histograms = vec![HistogramSeries { labels: Labels::from([("__name__", "latency")]), samples }];
    site.append("metrics", &Event::Samples(SampleBatch { histograms, ..SampleBatch::default() }));
    let written = json!({"count": "5", "sum": "6.5", "buckets": [[0, "0.5", "1", "2"], [0, "1", "2", "3"]]});
    let found = json!({"metric": {"__name__": "latency"}, "histogram": [FIRST_S + 10, written]});
    assert_eq!(data(&site, "/api/v1/query", &[("query", "latency")]).await["result"], json!([found]));
    let range = [("query", "latency"), ("start", "1700000000"), ("end", "1700000001"), ("step", "1s")];
    let found = data(&site, "/api/v1/query_range", &range).await["result"][0]["histograms"].clone();
    assert_eq!(found, json!([[FIRST_S, written], [FIRST_S + 1, written]]));
    let mean = [("query", "histogram_avg(latency)")];
    assert_eq!(data(&site, "/api/v1/query", &mean).await["result"][0]["value"], json!([FIRST_S + 10, "1.3"]));
}

#[tokio::test]
async fn scalars_and_strings_are_pairs_and_numbers_have_prometheus_form() {
    let site = Site::empty();
    let query = async |text: &str| data(&site, "/api/v1/query", &[("query", text), ("time", "4")]).await;
    assert_eq!(query("1+1").await, json!({"resultType": "scalar", "result": [4, "2"]}));
    assert_eq!(query("\"text\"").await, json!({"resultType": "string", "result": [4, "text"]}));
    assert_eq!(query("1/0").await["result"], json!([4, "+Inf"]));
    assert_eq!(query("-1/0").await["result"], json!([4, "-Inf"]));
    assert_eq!(query("0/0").await["result"], json!([4, "NaN"]));
    assert_eq!(query("1e-7").await["result"], json!([4, "1e-07"]));
    assert_eq!(query("0.1+0.2").await["result"], json!([4, "0.30000000000000004"]));
}

#[tokio::test]
async fn labels_values_and_series_are_listed() {
    let site = Site::filled();
    assert_eq!(data(&site, "/api/v1/labels", &[]).await, json!(["__name__", "code", "job"]));
    let of_up = [("match[]", "up"), ("start", "1700000000"), ("end", "1700000010")];
    assert_eq!(data(&site, "/api/v1/labels", &of_up).await, json!(["__name__", "job"]));
    let either = [("match[]", "up"), ("match[]", "{code=\"500\"}")];
    let expected = json!(["__name__", "code", "job"]);
    assert_eq!(site.post("/api/v1/labels", &either).await.json()["data"], expected);
    let names = json!(["requests_total", "up"]);
    assert_eq!(data(&site, "/api/v1/label/__name__/values", &[]).await, names);
    assert_eq!(data(&site, "/api/v1/label/code/values", &either).await, json!(["500"]));
    let early = [("start", "1"), ("end", "2")];
    assert_eq!(data(&site, "/api/v1/label/__name__/values", &early).await, json!([]));
    let expected = json!([
        {"__name__": "requests_total", "code": "500"},
        {"__name__": "up", "job": "a"},
    ]);
    assert_eq!(data(&site, "/api/v1/series", &either).await, expected);
    assert_eq!(site.post("/api/v1/series", &either).await.json()["data"], expected);
}

#[tokio::test]
async fn a_limit_shortens_the_answer_with_a_warning() {
    let site = Site::filled();
    let body = site.get_json("/api/v1/label/__name__/values", &[("limit", "1")]).await;
    assert_eq!(body["data"], json!(["requests_total"]));
    assert_eq!(body["warnings"], json!(["results truncated due to limit"]));
    let body = site.get_json("/api/v1/query", &[("query", "requests_total"), ("limit", "1")]).await;
    assert_eq!(body["data"]["result"].as_array().unwrap().len(), 1);
    assert_eq!(body["warnings"], json!(["results truncated due to limit"]));
}

#[tokio::test]
async fn an_answer_carries_what_the_evaluation_noticed() {
    let site = Site::filled();
    let body = site.get_json("/api/v1/query", &[("query", "rate(up[10s])")]).await;
    assert_eq!(body["warnings"], Value::Null, "nothing is missing");
    assert!(body["infos"][0].as_str().unwrap().contains("might not be a counter"), "{body}");
}

#[tokio::test]
async fn metadata_comes_by_metric() {
    let site = Site::filled();
    let counter = json!([{"type": "counter", "help": "Of the tests.", "unit": ""}]);
    let gauge = json!([{"type": "gauge", "help": "Of the tests.", "unit": ""}]);
    let expected = json!({"requests_total": counter, "up": gauge});
    assert_eq!(data(&site, "/api/v1/metadata", &[("limit", "1000")]).await, expected);
    assert_eq!(data(&site, "/api/v1/metadata", &[("metric", "up")]).await, json!({"up": gauge}));
    assert_eq!(data(&site, "/api/v1/metadata", &[("limit", "1")]).await, json!({"requests_total": counter}));
}

#[tokio::test]
async fn queries_are_formatted() {
    let query = [("query", "sum by(code)(rate(requests_total{code=~\"5..\"}[5m]))")];
    let formatted = data(&Site::empty(), "/api/v1/format_query", &query).await;
    assert_eq!(formatted, json!("sum by (code) (rate(requests_total{code=~\"5..\"}[5m]))"));
}

#[tokio::test]
async fn experimental_promql_is_answered_as_far_as_its_features_are_enabled() {
    let query = [("query", "limitk(1, up)")];
    assert_eq!(Site::empty().get("/api/v1/query", &query).await.status, StatusCode::OK);
    let strict = Site::with_features(Features::STABLE);
    let refused = strict.get("/api/v1/query", &query).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text().contains("promql-experimental-functions"), "{}", refused.text());
    assert_eq!(data(&strict, "/api/v1/status/flags", &[]).await["enable-feature"], "");
}

#[tokio::test]
async fn there_are_no_exemplars() {
    let site = Site::empty();
    let query = [("query", "test"), ("start", "1795213890000"), ("end", "1795217490000")];
    let answer = site.post("/api/v1/query_exemplars", &query).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({"status": "success", "data": []})));
}

#[tokio::test]
async fn the_newest_values_are_federated() {
    let site = Site::filled();
    site.sample(&[("__name__", "size_bytes"), ("instance", "a:1"), ("path", "c:\\\"x\"")], &[(10, 2.5e9)]);
    site.sample(
        &[("__name__", "up"), ("job", "ended")],
        &[(3, 1.0), (9, f64::from_bits(0x7ff0_0000_0000_0002))],
    );
    site.sample(&[("__name__", "up"), ("job", "old")], &[(-300, 1.0)]);
    site.sample(&[("__name__", "disk.free"), ("a.b", "1")], &[(10, f64::INFINITY)]);
    let matches = [("match[]", "{__name__=~\"up|size_bytes|disk.free\"}"), ("match[]", "up")];
    let answer = site.get("/federate", &matches).await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let expected = [
        "# TYPE \"disk.free\" untyped",
        "{\"disk.free\",\"a.b\"=\"1\",instance=\"\"} +Inf 1700000010000",
        "# TYPE size_bytes untyped",
        r#"size_bytes{instance="a:1",path="c:\\\"x\""} 2.5e+09 1700000010000"#,
        "# TYPE up untyped",
        "up{job=\"a\",instance=\"\"} 1 1700000010000",
    ];
    assert_eq!(answer.text().lines().collect::<Vec<_>>(), expected);
    assert_eq!(site.get("/federate", &[]).await.text(), "");
    assert_eq!(site.get("/federate", &[("match[]", "up{")]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn remote_read_gives_the_samples_as_they_are_with_the_ends_of_series() {
    let site = Site::filled();
    let stale = f64::from_bits(0x7ff0_0000_0000_0002);
    site.sample(&[("__name__", "up"), ("job", "ended")], &[(3, 1.0), (9, stale)]);
    let matcher = |name: &str, op: Type, value: &str| LabelMatcher {
        r#type: op.into(),
        name: name.into(),
        value: value.into(),
    };
    let query = |matchers| Query {
        start_timestamp_ms: (FIRST_S + 1) * 1_000,
        end_timestamp_ms: (FIRST_S + 9) * 1_000,
        matchers,
    };
    let up = query(vec![matcher("__name__", Type::Equal, "up"), matcher("job", Type::Regex, "a|ended")]);
    let none = query(vec![matcher("__name__", Type::Equal, "up"), matcher("job", Type::NotRegex, ".+")]);
    let body = ReadRequest { queries: vec![up, none] }.encode_to_vec();
    let body = snap::raw::Encoder::new().compress_vec(&body).unwrap();
    let read = |body: Vec<u8>| site.send(Request::post("/api/v1/read").body(body.into()).unwrap());
    let answer = read(body).await;
    assert_eq!(answer.header("content-encoding"), "snappy");
    let plain = snap::raw::Decoder::new().decompress_vec(&answer.body).unwrap();
    let response = ReadResponse::decode(plain.as_slice()).unwrap();
    let found = |result: &QueryResult| -> Vec<(String, i64, u64)> {
        let of = |series: &TimeSeries| {
            let job = series.labels[1].value.clone();
            let samples = series.samples.clone().into_iter();
            samples.map(move |s| (job.clone(), s.timestamp / 1_000 - FIRST_S, s.value.to_bits()))
        };
        result.timeseries.iter().flat_map(of).collect()
    };
    let ended = |second, value: f64| ("ended".to_owned(), second, value.to_bits());
    let up = [("a".to_owned(), 5, 1.0_f64.to_bits()), ended(3, 1.0), ended(9, stale)];
    assert_eq!(found(&response.results[0]), up);
    assert_eq!(found(&response.results[1]), []);
    assert_eq!(read(b"no snappy".to_vec()).await.status, StatusCode::BAD_REQUEST);
    for (queries, wanted) in [(16, StatusCode::OK), (17, StatusCode::BAD_REQUEST)] {
        let many = ReadRequest { queries: vec![query(Vec::new()); queries] }.encode_to_vec();
        let answer = read(snap::raw::Encoder::new().compress_vec(&many).unwrap()).await;
        assert_eq!(answer.status, wanted);
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(text.contains("17 queries in one request, the limit is 16"), queries > 16, "{text}");
    }
}

#[tokio::test]
async fn remote_read_of_too_many_samples_is_refused() {
    let site = Site::with(None, Limits { max_samples: 5, ..Limits::default() });
    site.fill();
    let all = Query { start_timestamp_ms: 0, end_timestamp_ms: i64::MAX, matchers: Vec::new() };
    let body = ReadRequest { queries: vec![all] }.encode_to_vec();
    let body = snap::raw::Encoder::new().compress_vec(&body).unwrap();
    let answer = site.send(Request::post("/api/v1/read").body(body.into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().contains("exceeded sample limit (5)"), "{}", answer.text());
    assert!(answer.text().contains("(limit: http.query_memory)"), "{}", answer.text());
    let answer = site.get("/federate", &[("match[]", "{__name__!=\"\"}")]).await;
    assert!(answer.text().contains("(limit: http.query_memory)"), "{}", answer.text());
}

#[tokio::test]
async fn flushing_keeps_every_answer_as_it_was() {
    let site = Site::filled();
    let ask = async || {
        let query = [("query", "sum(requests_total) + up"), ("start", "1700000000"), ("end", "1700000010")];
        let metrics = data(&site, "/api/v1/query_range", &[&query[..], &[("step", "1")]].concat()).await;
        let logs = site.get_json("/loki/api/v1/query_range", &[("query", "{job=\"demo\"}")]).await;
        (metrics, logs["data"]["result"].clone(), data(&site, "/api/v1/metadata", &[]).await)
    };
    let before = ask().await;
    assert_eq!(site.post("/flush", &[]).await.status, StatusCode::NO_CONTENT);
    assert_eq!(site.index.status().head_bytes, 0);
    assert_eq!(ask().await, before);
}

#[tokio::test]
async fn queries_are_shown_as_trees() {
    let query = [("query", "-sum by (code) (rate(a{x!=\"1\"}[5m] offset 1m)) > bool 2")];
    let tree = data(&Site::empty(), "/api/v1/parse_query", &query).await;
    assert_eq!(
        (&tree["type"], &tree["op"], &tree["bool"]),
        (&json!("binaryExpr"), &json!(">"), &json!(true))
    );
    let sum = &tree["lhs"]["expr"];
    assert_eq!((&sum["op"], &sum["grouping"]), (&json!("sum"), &json!(["code"])));
    let range = &sum["expr"]["args"][0];
    assert_eq!((&range["range"], &range["offset"]), (&json!(300_000), &json!(60_000)));
    let matchers = json!([
        {"name": "x", "value": "1", "type": "!="},
        {"name": "__name__", "value": "a", "type": "="},
    ]);
    assert_eq!(range["matchers"], matchers);
    assert_eq!(tree["rhs"], json!({"type": "numberLiteral", "val": "2"}));
}

#[tokio::test]
async fn costs_are_told_to_those_who_ask() {
    let site = Site::filled();
    let query = [("query", "requests_total"), ("stats", "all")];
    let stats = data(&site, "/api/v1/query", &query).await["stats"].clone();
    assert_eq!(stats["samples"]["totalQueryableSamples"].as_u64().map(|n| n > 0), Some(true), "{stats}");
    assert!(stats["timings"]["evalTotalTime"].is_number());
    assert_eq!(data(&site, "/api/v1/query", &query[..1]).await["stats"], Value::Null);
}

#[tokio::test]
async fn what_is_elsewhere_has_empty_answers() {
    let site = Site::empty();
    assert_eq!(data(&site, "/api/v1/status/flags", &[]).await["query.lookback-delta"], "5m");
    let none = json!({"activeTargets": [], "droppedTargets": [], "droppedTargetCounts": {}});
    assert_eq!(data(&site, "/api/v1/targets", &[]).await, none);
}

#[tokio::test]
async fn the_status_tells_how_many_series_there_are_and_what_they_are_made_of() {
    let site = Site::empty();
    for path in ["/a", "/b"] {
        site.sample(&[("__name__", "size_bytes"), ("path", path)], &[(10, 1.0)]);
    }
    site.sample(&[("__name__", "up")], &[(10, 1.0)]);
    let runtime = data(&site, "/api/v1/status/runtimeinfo", &[]).await;
    assert_eq!(runtime["timeSeriesCount"], 3);
    let started: jiff::Timestamp = runtime["startTime"].as_str().unwrap().parse().unwrap();
    assert!(started <= runtime["serverTime"].as_str().unwrap().parse().unwrap());
    let tsdb = data(&site, "/api/v1/status/tsdb", &[("limit", "1")]).await;
    let head = &tsdb["headStats"];
    assert_eq!((&head["numSeries"], &head["numLabelPairs"]), (&json!(3), &json!(4)));
    let first = |name: &str, value: u64| json!([{"name": name, "value": value}]);
    assert_eq!(tsdb["seriesCountByMetricName"], first("size_bytes", 2));
    assert_eq!(tsdb["labelValueCountByLabelName"], first("__name__", 2));
    assert_eq!(tsdb["memoryInBytesByLabelName"], first("__name__", 22));
    assert_eq!(tsdb["seriesCountByLabelValuePair"], first("__name__=size_bytes", 2));
}
