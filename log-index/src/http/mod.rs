//! The query service: Loki's and Prometheus' HTTP APIs over the store.
//!
//! A request goes through `params` and `time` (what is asked), `freshness` (wait until the index has what was
//! acknowledged before the request came), `run` (evaluate on a thread of its own, within limits) and the
//! `response` of its API.

mod delete;
mod error;
mod flush;
mod freshness;
mod limits;
mod loki;
mod number;
mod params;
mod prometheus;
mod run;
mod service;
mod telemetry;
mod tenants;
mod time;

use axum::{Router, extract::DefaultBodyLimit, middleware, routing::post};
use tower_http::compression::CompressionLayer;

pub use freshness::Ends;
pub use limits::Limits;
pub use service::Service;
pub use time::prometheus_time;

/// Loki's API under `/loki/api/v1`, Prometheus' under `/api/v1`, and `POST /flush`.
pub fn router(service: Service) -> Router {
    let max_body_bytes = service.limits().max_body_bytes;
    Router::new()
        .merge(loki::router())
        .merge(prometheus::router())
        .route("/flush", post(flush::flush))
        .route_layer(middleware::from_fn(telemetry::observe))
        .layer(DefaultBodyLimit::max(max_body_bytes))
        .layer(CompressionLayer::new())
        .with_state(service)
}
