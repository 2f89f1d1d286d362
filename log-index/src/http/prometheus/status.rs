//! `status/buildinfo`, `status/flags`, `status/runtimeinfo` and `targets`.

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Retention, http::Service};

/// The version of Prometheus whose API this is: clients decide by it what they may ask for.
const COMPATIBLE_WITH: &str = "3.15.0";

/// In Prometheus' shape, with our own version beside it.
pub(super) async fn buildinfo() -> Json<Value> {
    let info = json!({
        "version": COMPATIBLE_WITH,
        "revision": "",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
        "application": concat!("tailrace ", env!("CARGO_PKG_VERSION")),
    });
    Json(json!({"status": "success", "data": info}))
}

/// Those of Prometheus' flags that say something here, all as text.
pub(super) async fn flags(State(service): State<Service>) -> Json<Value> {
    let limits = service.limits();
    let flags = json!({
        "enable-feature": service.features().names().collect::<Vec<_>>().join(","),
        "query.lookback-delta": "5m",
        "query.max-concurrency": limits.max_queries.to_string(),
        "query.max-samples": limits.samples().to_string(),
        "query.timeout": format!("{}s", limits.timeout.as_secs()),
        "web.enable-admin-api": "true",
        "web.enable-remote-write-receiver": "true",
    });
    Json(json!({"status": "success", "data": flags}))
}

/// What there is of it here: nothing of Go, and no scraping.
pub(super) async fn runtimeinfo(State(service): State<Service>) -> Json<Value> {
    let [started, now] = [service.started_ns(), service.now_ns()].map(time);
    let info = json!({
        "startTime": started,
        "CWD": "",
        "hostname": "",
        "serverTime": now,
        "reloadConfigSuccess": true,
        "lastConfigTime": started,
        "timeSeriesCount": service.index().status().series,
        "corruptionCount": 0,
        "goroutineCount": 0,
        "GOMAXPROCS": std::thread::available_parallelism().map_or(1, usize::from),
        "GOMEMLIMIT": 0,
        "GOGC": "",
        "GODEBUG": "",
        "storageRetention": retention(service.index().config().retention),
    });
    Json(json!({"status": "success", "data": info}))
}

/// There are none: samples are pushed, or measured on the host.
pub(super) async fn targets() -> Json<Value> {
    let none = json!({"activeTargets": [], "droppedTargets": [], "droppedTargetCounts": {}});
    Json(json!({"status": "success", "data": none}))
}

fn time(ns: i64) -> String {
    Timestamp::from_nanosecond(ns.into()).unwrap_or_default().to_string()
}

fn retention(retention: Retention) -> String {
    let age = retention.age.map(|age| age.to_string());
    let bytes = retention.bytes.map(|bytes| format!("{}B", bytes.0));
    age.into_iter().chain(bytes).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use config::ByteSize;

    use super::*;

    #[test]
    fn retention_is_told_as_prometheus_does() {
        let usual = Retention::default();
        assert_eq!(retention(usual), "15d");
        assert_eq!(retention(Retention { bytes: Some(ByteSize(7)), ..usual }), "15d or 7B");
        assert_eq!(retention(Retention::OFF), "");
    }
}
