//! Prometheus' API for rules: `/api/v1/rules`, `/api/v1/alerts` and `/-/reload`, over the rules job of this process.
//! Where none runs, there are no groups and nothing to reload. The history of alerts comes from their topic.

mod answer;
mod filter;
mod history;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;
use stream_processor::Running;

use filter::Filter;

type Rules = Option<Arc<Running>>;

/// The routes.
pub fn router(rules: Rules, bus: bus::Config) -> Router {
    Router::new()
        .route("/api/v1/rules", get(groups))
        .route("/api/v1/alerts", get(alerts))
        .route("/-/reload", post(reload).put(reload))
        .with_state(rules)
        .merge(history::router(bus))
}

async fn groups(State(rules): State<Rules>, Query(parameters): Query<Vec<(String, String)>>) -> Response {
    let filter = match Filter::parse(parameters) {
        Ok(filter) => filter,
        Err(error) => return bad_data(&error),
    };
    let status = rules.map(|rules| rules.groups()).unwrap_or_default();
    match filter.page(&status) {
        Ok(page) => success(&answer::groups(&page)),
        Err(error) => bad_data(&error),
    }
}

async fn alerts(State(rules): State<Rules>) -> Response {
    let status = rules.map(|rules| rules.groups()).unwrap_or_default();
    success(&answer::alerts(&status))
}

async fn reload(State(rules): State<Rules>) -> Response {
    let Some(rules) = rules else { return StatusCode::OK.into_response() };
    match tokio::task::spawn_blocking(move || rules.reload()).await {
        Ok(Ok(_)) => StatusCode::OK.into_response(),
        Ok(Err(error)) => failed(&error.to_string()),
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(error: &str) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("failed to reload config: {error}\n")).into_response()
}

fn success(data: &serde_json::Value) -> Response {
    Json(json!({"status": "success", "data": data})).into_response()
}

fn bad_data(message: &str) -> Response {
    error(StatusCode::BAD_REQUEST, "bad_data", message)
}

fn error(status: StatusCode, kind: &str, message: &str) -> Response {
    (status, Json(json!({"status": "error", "errorType": kind, "error": message}))).into_response()
}
