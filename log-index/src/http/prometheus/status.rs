//! `status/buildinfo` and `status/flags`.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::http::Service;

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
