//! An index in a folder of its own, with a few streams and series, and the service over it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use bus::{Offsets, Record};
use event::{Codec, Event, Labels, LogBatch, LogEntry, MetricFamily, Sample, SampleBatch, Series, encode};
use futures::future::BoxFuture;
use log_index::{
    Config, Index, Retention,
    http::{Ends, Limits, Service, router},
};
use promql::Features;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Notify;
use tower::ServiceExt;

/// The time at which all requests come: ten seconds after the first entry.
pub const NOW_S: i64 = 1_700_000_010;
/// One second of log time.
pub const SECOND: i64 = 1_000_000_000;
/// The time of the first entry and of the first sample.
pub const FIRST_S: i64 = 1_700_000_000;

pub struct Site {
    pub index: Index,
    pub router: Router,
    next: AtomicI64,
    _dir: TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Site {
    /// Without any data.
    pub fn empty() -> Self {
        Self::with(None, Limits::default())
    }

    pub fn with(ends: Option<Arc<dyn Ends>>, limits: Limits) -> Self {
        let config = Config { retention: Retention::OFF, service_name: Vec::new(), ..Config::default() };
        Self::open(config, ends, limits)
    }

    /// Without any data; streams get a `service_name`.
    pub fn with_service_names() -> Self {
        let config = Config { retention: Retention::OFF, ..Config::default() };
        Self::open(config, None, Limits::default())
    }

    fn open(config: Config, ends: Option<Arc<dyn Ends>>, limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(dir.path(), &config).unwrap();
        let router = router(Service::with_clock(index.clone(), ends, limits, || NOW_S * SECOND));
        Site { index, router, next: AtomicI64::new(0), _dir: dir }
    }

    /// Without any data; requests have to say for which tenant they are.
    pub fn with_tenants() -> Self {
        let site = Self::empty();
        let service = Service::with_clock(site.index.clone(), None, Limits::default(), || NOW_S * SECOND);
        Site { router: router(service.with_tenants(true)), ..site }
    }

    /// Without any data; queries may use these features of PromQL only.
    pub fn with_features(features: Features) -> Self {
        let site = Self::empty();
        let service = Service::with_clock(site.index.clone(), None, Limits::default(), || NOW_S * SECOND);
        Site { router: router(service.with_features(features)), ..site }
    }

    /// With [`Site::fill`].
    pub fn filled() -> Self {
        let site = Self::empty();
        site.fill();
        site
    }

    /// Two streams with three and two entries, one with metadata; three series with samples every 5 s.
    pub fn fill(&self) {
        let web = [("host", "web1"), ("job", "demo")];
        self.log(
            &web,
            &[(0, "level=info msg=start took=5ms"), (2, "level=error msg=\"it broke\" took=70ms")],
        );
        self.log_with(&web, 4, "level=info msg=done took=7ms", &[("trace_id", "abc")]);
        self.log(&[("host", "db1"), ("job", "demo")], &[(1, "ready"), (3, "{\"level\":\"warn\"}")]);
        let counts = |step: f64| [0.0, 5.0, 10.0].map(|second| (second as i64, second * step));
        self.sample(&[("__name__", "up"), ("job", "a")], &[(0, 1.0), (5, 1.0), (10, 1.0)]);
        self.sample(&[("__name__", "requests_total"), ("code", "200")], &counts(2.0));
        self.sample(&[("__name__", "requests_total"), ("code", "500")], &counts(0.5));
    }

    /// Entries of one stream, by seconds after the first time.
    pub fn log(&self, labels: &[(&str, &str)], lines: &[(i64, &str)]) {
        lines.iter().for_each(|(second, line)| self.log_with(labels, *second, line, &[]));
    }

    pub fn log_with(&self, labels: &[(&str, &str)], second: i64, line: &str, metadata: &[(&str, &str)]) {
        let entry = LogEntry {
            timestamp_ns: (FIRST_S + second) * SECOND,
            line: line.to_owned().into(),
            metadata: metadata.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            position: 0,
        };
        self.log_entry(labels, entry);
    }

    pub fn log_entry(&self, labels: &[(&str, &str)], entry: LogEntry) {
        let labels: Labels = labels.iter().copied().collect();
        self.append("logs", &Event::Logs(LogBatch { labels, entries: vec![entry], ..LogBatch::default() }));
    }

    pub fn sample(&self, labels: &[(&str, &str)], values: &[(i64, f64)]) {
        let labels: Labels = labels.iter().copied().collect();
        let family = MetricFamily {
            name: labels.metric_name().to_owned(),
            kind: if labels.metric_name().ends_with("_total") { "counter" } else { "gauge" }.to_owned(),
            help: "Of the tests.".to_owned(),
            unit: String::new(),
        };
        let sample =
            |(second, value): &(i64, f64)| Sample { timestamp_ms: (FIRST_S + second) * 1_000, value: *value };
        let series = Series { labels, samples: values.iter().map(sample).collect() };
        let batch = SampleBatch { series: vec![series], families: vec![family], ..SampleBatch::default() };
        self.append("metrics", &Event::Samples(batch));
    }

    pub fn append(&self, topic: &str, event: &Event) {
        for value in encode(event, Codec::Batch) {
            let record = Record {
                topic: topic.to_owned(),
                partition: 0,
                offset: self.next.fetch_add(1, Ordering::Relaxed),
                timestamp_ms: NOW_S * 1_000,
                key: Default::default(),
                value: value.into(),
            };
            self.index.append(&record).unwrap();
        }
    }

    /// `GET path?parameters`.
    pub async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        self.send(Request::get(uri(path, parameters)).body(Body::empty()).unwrap()).await
    }

    /// The same, as JSON; it must succeed.
    pub async fn get_json(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let answer = self.get(path, parameters).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {parameters:?}: {}", answer.text());
        answer.json()
    }

    /// `POST path` with a form.
    pub async fn post(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(form(parameters).into()).unwrap()).await
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap().into();
        Answer { status, headers, body }
    }
}

pub fn uri(path: &str, parameters: &[(&str, &str)]) -> String {
    format!("{path}?{}", form(parameters))
}

/// Everything but letters and digits as `%xx`.
pub fn form(parameters: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        let byte = |b: u8| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pairs = parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// A bus that ends where the test says.
pub struct EndsAt {
    pub ends: Result<i64, String>,
    /// Told when somebody asks.
    pub asked: Notify,
}

impl Ends for EndsAt {
    fn ends(&self, _: Duration) -> BoxFuture<'_, Result<Offsets, String>> {
        self.asked.notify_one();
        let ends = self.ends.clone().map(|end| Offsets::from(vec![("logs".to_owned(), 0, end)]));
        Box::pin(async move { ends })
    }
}
