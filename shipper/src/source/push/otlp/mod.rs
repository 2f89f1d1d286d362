//! OpenTelemetry's protocol over HTTP: logs in the shape that Loki gives them, metrics in that of Prometheus.

mod attributes;
mod histogram;
pub mod logs;
pub mod metrics;
mod name;
mod resource;

use axum::http::{HeaderMap, StatusCode};
use prost::Message;
use serde::de::DeserializeOwned;

use super::{
    Refusal,
    decode::{Form, Limits},
    form,
};

/// A request, protobuf or JSON.
fn message<M: Message + Default + DeserializeOwned>(
    headers: &HeaderMap,
    body: &[u8],
    limits: &Limits,
) -> Result<M, Refusal> {
    let (form, packing) = form(headers)?;
    let refuse = |reason: String| Refusal(StatusCode::BAD_REQUEST, reason);
    let body = packing.open(body, limits).map_err(refuse)?;
    let wrong = |reason: &dyn std::fmt::Display| refuse(format!("otlp request: {reason}"));
    match form {
        Form::Json => serde_json::from_slice(&body).map_err(|e| wrong(&e)),
        Form::Protobuf => M::decode(&*body).map_err(|e| wrong(&e)),
    }
}
