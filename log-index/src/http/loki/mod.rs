//! Loki's HTTP API.

mod arrivals;
mod delete;
mod detected;
mod error;
mod format;
mod interval;
mod labels;
mod levels;
mod patterns;
mod query;
mod query_stats;
mod request;
mod response;
mod series;
mod settings;
mod shards;
mod stats;
mod status;
mod tail;
mod volume;

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
        .route("/index/volume", get(volume::instant).post(volume::instant))
        .route("/index/volume_range", get(volume::range).post(volume::range))
        .route("/index/shards", get(shards::shards).post(shards::shards))
        .route("/detected_labels", get(detected::labels).post(detected::labels))
        .route("/detected_fields", get(detected::fields).post(detected::fields))
        .route("/detected_field/{name}/values", get(detected::values).post(detected::values))
        .route("/patterns", get(patterns::patterns).post(patterns::patterns))
        .route("/tail", get(tail::tail))
        .route("/format_query", get(format::format).post(format::format))
        .route("/drilldown-limits", get(settings::drilldown_limits))
        .route("/status/buildinfo", get(status::buildinfo));
    Router::new().nest("/loki/api/v1", api).route("/config", get(settings::config))
}
