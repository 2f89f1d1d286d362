//! Prometheus' API for rules: `/api/v1/rules`, `/api/v1/alerts` and `/-/reload`, over the rules job of this process.
//! Where none runs, there are no groups and nothing to reload. The history of alerts comes from their topic.

mod answer;
mod filter;
mod history;
mod sight;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;
use stream_processor::{Running, engine::GroupStatus};

use crate::settings::Settings;
use filter::Filter;
use sight::Sight;

#[derive(Clone)]
struct Rules {
    running: Option<Arc<Running>>,
    /// Whether who names no tenant sees no log lines.
    tenants: bool,
}

/// The routes.
pub fn router(running: Option<Arc<Running>>, settings: &Settings) -> Router {
    let tenants = settings.http.tenants;
    let rules = Rules { running, tenants };
    Router::new()
        .route("/api/v1/rules", get(groups))
        .route("/api/v1/alerts", get(alerts))
        .route("/-/reload", post(reload).put(reload))
        .with_state(rules)
        .merge(history::router(settings.bus.clone(), tenants))
}

impl Rules {
    /// All groups, with the log lines that the sender of a request may see.
    fn groups(&self, headers: &HeaderMap) -> Result<Vec<GroupStatus>, String> {
        let sight = Sight::of(headers, self.tenants)?;
        let mut groups = self.running.as_ref().map(|running| running.groups()).unwrap_or_default();
        sight.narrow_all(&mut groups);
        Ok(groups)
    }
}

async fn groups(
    State(rules): State<Rules>,
    headers: HeaderMap,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Response {
    let page = Filter::parse(parameters).and_then(|filter| filter.page(&rules.groups(&headers)?));
    match page {
        Ok(page) => success(&answer::groups(&page)),
        Err(error) => bad_data(&error),
    }
}

async fn alerts(State(rules): State<Rules>, headers: HeaderMap) -> Response {
    match rules.groups(&headers) {
        Ok(groups) => success(&answer::alerts(&groups)),
        Err(error) => bad_data(&error),
    }
}

async fn reload(State(rules): State<Rules>) -> Response {
    let Some(running) = rules.running else { return StatusCode::OK.into_response() };
    match tokio::task::spawn_blocking(move || running.reload()).await {
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
