//! Prometheus' HTTP API.

mod delete;
mod error;
mod federate;
mod format;
mod histogram;
mod labels;
mod metadata;
mod numbers;
mod parse;
mod query;
mod read;
mod request;
mod response;
mod series;
mod stats;
mod status;
mod tsdb;

use axum::{
    Router,
    routing::{get, post},
};

use super::Service;
use error::Error;

pub(super) fn router() -> Router<Service> {
    let api = Router::new()
        .route("/query", get(query::instant).post(query::instant))
        .route("/query_range", get(query::range).post(query::range))
        .route("/query_exemplars", get(query::exemplars).post(query::exemplars))
        .route("/read", post(read::read))
        .route("/labels", get(labels::names).post(labels::names))
        .route("/label/{name}/values", get(labels::values))
        .route("/series", get(series::series).post(series::series))
        .route("/admin/tsdb/delete_series", post(delete::series).put(delete::series))
        .route("/metadata", get(metadata::metadata))
        .route("/format_query", get(format::format).post(format::format))
        .route("/parse_query", get(parse::parse).post(parse::parse))
        .route("/status/buildinfo", get(status::buildinfo))
        .route("/status/flags", get(status::flags))
        .route("/status/runtimeinfo", get(status::runtimeinfo))
        .route("/status/tsdb", get(tsdb::tsdb))
        .route("/targets", get(status::targets));
    Router::new().nest("/api/v1", api).route("/federate", get(federate::federate))
}
