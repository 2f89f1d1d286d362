//! `status/buildinfo`.

use axum::Json;
use serde_json::{Value, json};

/// The version of Loki whose API this is: clients decide by it what they may ask for.
pub(super) const COMPATIBLE_WITH: &str = "3.7.8";

/// In Loki's shape, with our own version beside it.
pub(super) async fn buildinfo() -> Json<Value> {
    Json(json!({
        "version": COMPATIBLE_WITH,
        "revision": "",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
        "application": concat!("tailrace ", env!("CARGO_PKG_VERSION")),
    }))
}
