//! `config` and `drilldown-limits`: what clients may want to know of the server, under Loki's names.

use axum::{
    Json,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::{DetectedLevel, http::Service};

/// What Logs Drilldown looks at before it asks for anything else.
pub(super) async fn drilldown_limits(State(service): State<Service>) -> Json<Value> {
    Json(json!({
        "limits": limits(&service),
        "pattern_ingester_enabled": true,
        "version": super::status::COMPATIBLE_WITH,
    }))
}

/// The settings in force, as YAML.
pub(super) async fn config(State(service): State<Service>) -> Response {
    let mut text = format!("auth_enabled: {}\nlimits_config:\n", service.keeps_tenants_apart());
    for (name, value) in limits(&service) {
        // Every JSON value is YAML.
        text.push_str(&format!("  {name}: {value}\n"));
    }
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

fn limits(service: &Service) -> Map<String, Value> {
    let (limits, config) = (service.limits(), service.index().config());
    let retention = config.retention.age.map_or(0, |age| age.0.as_secs());
    let values = json!({
        "discover_log_levels": config.detected_level != DetectedLevel::Never,
        "discover_service_name": config.service_name,
        "log_level_fields": logql::LEVEL_FIELDS,
        "max_entries_limit_per_query": limits.max_entries,
        "max_query_length": "0s",
        "max_query_lookback": "0s",
        "max_query_range": "0s",
        "max_query_series": limits.max_answer_series,
        "query_timeout": format!("{}s", limits.timeout.as_secs()),
        "retention_period": format!("{retention}s"),
        "allow_structured_metadata": true,
        "volume_enabled": true,
        "volume_max_series": limits.max_series,
        "metric_aggregation_enabled": false,
        "pattern_persistence_enabled": false,
    });
    if let Value::Object(values) = values { values } else { Map::new() }
}
