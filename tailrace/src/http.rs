//! The HTTP port: readiness, own metrics and status here; the APIs come from the services as routers.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus::TextEncoder;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::status::StatusSource;

/// How long open requests may take to end at shutdown.
const GRACE: Duration = Duration::from_secs(1);

/// A running server: it answers with its router, before that with what the process waits for.
pub struct Server {
    task: JoinHandle<std::io::Result<()>>,
    answers: watch::Sender<Result<Router, String>>,
}

impl Server {
    /// Answers on `listener` until `shutdown`.
    pub fn start(listener: TcpListener, shutdown: CancellationToken) -> Self {
        let (answers, current) = watch::channel(Err("starting".to_owned()));
        let router = Router::new().fallback(answer).with_state(current);
        let end = shutdown.cancelled_owned();
        let task = tokio::spawn(axum::serve(listener, router).with_graceful_shutdown(end).into_future());
        Server { task, answers }
    }

    /// What the process waits for now.
    pub fn tell(&self, waits_for: String) {
        self.answers.send_modify(|answers| *answers = Err(waits_for));
    }

    /// The process is ready: from now on requests go to `router`.
    pub fn open(&self, router: Router) {
        self.answers.send_modify(|answers| *answers = Ok(router));
    }

    /// Waits for open requests, but not for those that never end.
    pub async fn stop(mut self) {
        if tokio::time::timeout(GRACE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

async fn answer(
    State(answers): State<watch::Receiver<Result<Router, String>>>,
    request: Request,
) -> Response {
    let current = answers.borrow().clone();
    match current {
        Ok(router) => router.oneshot(request).await.into_response(),
        Err(waits_for) => not_ready(&waits_for).into_response(),
    }
}

fn not_ready(reason: &str) -> (StatusCode, String) {
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n"))
}

/// `/ready`, `/metrics`, `/api/status`; `/-/ready` and `/-/healthy`, as Prometheus has them; all that nobody knows
pub fn router(status: Arc<StatusSource>) -> Router {
    Router::new()
        .route("/ready", get(ready))
        .route("/-/ready", get(ready))
        .route("/-/healthy", get(async || "healthy\n"))
        .route("/metrics", get(metrics))
        .route("/api/status", get(status_page))
        .fallback(not_found)
        .with_state(status)
}

async fn ready(State(status): State<Arc<StatusSource>>) -> impl IntoResponse {
    match status.failures() {
        failures if failures.is_empty() => (StatusCode::OK, "ready\n".to_owned()),
        failures => not_ready(&failures.join("; ")),
    }
}

/// In the words of Loki and Prometheus.
async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found\n")
}

async fn metrics() -> Result<String, (StatusCode, String)> {
    TextEncoder::new()
        .encode_to_string(&prometheus::gather())
        .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

async fn status_page(State(status): State<Arc<StatusSource>>) -> impl IntoResponse {
    Json(status.read())
}
