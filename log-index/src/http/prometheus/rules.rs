//! `rules` and `alerts`: rules are evaluated in the processor, this service knows none of them.

use axum::Json;
use serde_json::{Value, json};

/// No groups.
pub(super) async fn rules() -> Json<Value> {
    Json(json!({"status": "success", "data": {"groups": []}}))
}

/// No alerts.
pub(super) async fn alerts() -> Json<Value> {
    Json(json!({"status": "success", "data": {"alerts": []}}))
}
