//! Loki's HTTP API.

mod arrivals;
mod delete;
mod error;
mod format;
mod interval;
mod labels;
mod query;
mod query_stats;
mod request;
mod response;
mod series;
mod stats;
mod status;
mod tail;

use axum::{Router, routing::get};

use super::Service;
use error::Error;

pub(super) fn router() -> Router<Service> {
    let names = get(labels::names).post(labels::names);
    let api = Router::new()
        .route("/query", get(query::instant).post(query::instant))
        .route("/query_range", get(query::range).post(query::range))
        .route("/labels", names.clone())
        .route("/label", names)
        .route("/label/{name}/values", get(labels::values).post(labels::values))
        .route("/series", get(series::series).post(series::series))
        .route("/index/stats", get(stats::stats).post(stats::stats))
        .route("/delete", get(delete::list).post(delete::add).put(delete::add).delete(delete::cancel))
        .route("/tail", get(tail::tail))
        .route("/format_query", get(format::format).post(format::format))
        .route("/status/buildinfo", get(status::buildinfo));
    Router::new().nest("/loki/api/v1", api)
}
