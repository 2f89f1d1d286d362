//! The HTTP port: readiness, own metrics and status here; the APIs come from the services as routers.

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use prometheus::TextEncoder;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::status::StatusSource;

/// How long open requests may take to end at shutdown.
const GRACE: Duration = Duration::from_secs(1);

/// A running server.
pub struct Server {
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Answers on `listener` until `shutdown`.
    pub fn start(listener: TcpListener, router: Router, shutdown: CancellationToken) -> Self {
        let end = shutdown.cancelled_owned();
        let task = tokio::spawn(axum::serve(listener, router).with_graceful_shutdown(end).into_future());
        Server { task }
    }

    /// Waits for open requests, but not for those that never end.
    pub async fn stop(mut self) {
        if tokio::time::timeout(GRACE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// `/ready`, `/metrics`, `/api/status`
pub fn router(status: Arc<StatusSource>) -> Router {
    Router::new()
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/status", get(status_page))
        .with_state(status)
}

async fn ready(State(status): State<Arc<StatusSource>>) -> impl IntoResponse {
    match status.failures() {
        failures if failures.is_empty() => (StatusCode::OK, "ready\n".to_owned()),
        failures => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {}\n", failures.join("; "))),
    }
}

async fn metrics() -> Result<String, (StatusCode, String)> {
    TextEncoder::new()
        .encode_to_string(&prometheus::gather())
        .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

async fn status_page(State(status): State<Arc<StatusSource>>) -> impl IntoResponse {
    Json(status.read())
}
