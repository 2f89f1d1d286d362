//! `status/buildinfo`.

use axum::Json;
use serde_json::{Value, json};

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
