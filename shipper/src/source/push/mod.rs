//! What clients push over HTTP: `POST /loki/api/v1/push` and `POST /otlp/v1/logs`, as Loki has them,
//! `POST /api/v1/write` and `POST /otlp/v1/metrics`, as Prometheus has them, `/metrics/job/…`, as its Pushgateway.
//! 2xx when the broker has acknowledged everything, and not before.

mod age;
mod budget;
mod decode;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gateway;
mod histogram;
mod otlp;
mod packing;
mod remote_write;
mod samples;
mod selector;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{post, put},
};
use event::{DEFAULT_TENANT, Event, LogBatch, LogEntry, TENANT_HEADER, TENANT_LABEL, TenantError};
use futures::future::try_join_all;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

pub use self::selector::is_label_name;
use self::{
    age::{Bounds, Sieve},
    decode::{Form, Limits, REQUEST_LIMIT},
    gateway::Ledger,
    otlp::metrics::Dropped,
    packing::Packing,
};
use crate::{Config, Publisher, telemetry};

/// Requests that are read and decoded at a time.
const CONCURRENT: usize = 32;
/// Bytes of entries in one record.
const RECORD: usize = 256 << 10;
/// What an entry, or a pair of its metadata, takes beside its text.
const BESIDE: usize = 16;
/// After this time without an acknowledgement the client is to come again.
const PATIENCE: Duration = Duration::from_secs(10);

struct Endpoint {
    publisher: Publisher,
    limits: Limits,
    /// Whether a request has to name its tenant.
    tenants: bool,
    bounds: Bounds,
    places: Semaphore,
    /// What has been pushed as to a Pushgateway.
    groups: Mutex<Ledger>,
}

#[derive(Debug)]
struct Refusal(StatusCode, String);

/// What is wrong with a request's content.
impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Refusal(StatusCode::BAD_REQUEST, reason)
    }
}

/// The push endpoints; entries go to the topic for logs, samples to the one for metrics. Logs belong to the tenant
/// that the request names; with `tenants` it has to name one. Entries older than `max_age`, which is how long the index
/// keeps them where that is known, are refused.
pub fn push_router(
    publisher: Publisher,
    config: &Config,
    tenants: bool,
    max_age: Option<Duration>,
) -> Router {
    let limits = Limits {
        request: config.push.request_limit.0 as usize,
        labels: config.push.label_limit,
        line: (config.line_limit.0 as usize).max(1),
    };
    let bounds = Bounds { max_age, grace: config.push.creation_grace_period.0 };
    let (places, groups) = (Semaphore::new(CONCURRENT), Mutex::default());
    let endpoint = Endpoint { publisher, limits, tenants, bounds, places, groups };
    Router::new()
        .route("/loki/api/v1/push", post(push))
        .route("/otlp/v1/logs", post(logs))
        .route("/otlp/v1/metrics", post(metrics))
        .route("/api/v1/write", post(write))
        .route("/metrics/{*group}", put(gateway::push).post(gateway::push).delete(gateway::delete))
        .with_state(Arc::new(endpoint))
}

async fn push(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    respond(&endpoint, request, entries).await
}

async fn logs(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    respond(&endpoint, request, otlp::logs::read).await
}

/// Answers what was left out.
async fn metrics(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    let (headers, mut dropped) = (request.headers().clone(), Dropped::default());
    let read = |headers: &HeaderMap, body: &[u8], limits: &Limits| {
        let translated = otlp::metrics::read(headers, body, limits)?;
        dropped = translated.dropped;
        Ok(samples::records(translated.batch).into_iter().map(Event::Samples).collect())
    };
    let response = respond(&endpoint, request, read).await;
    if response.status().is_success() { dropped.answer(&headers) } else { response }
}

/// Answers how much has been taken.
async fn write(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    let mut taken = remote_write::Taken::default();
    let read = |headers: &HeaderMap, body: &[u8], limits: &Limits| {
        let batch = remote_write::read(headers, body, limits)?;
        taken = remote_write::Taken::of(&batch);
        Ok(samples::records(batch).into_iter().map(Event::Samples).collect())
    };
    let response = respond(&endpoint, request, read).await;
    if response.status().is_success() { taken.answer(response) } else { response }
}

/// `read` turns what a request brings into events.
async fn respond<R>(endpoint: &Endpoint, request: Request, read: R) -> Response
where
    R: FnOnce(&HeaderMap, &[u8], &Limits) -> Result<Vec<Event>, Refusal>,
{
    let response = match tokio::time::timeout(PATIENCE, take(endpoint, request, read)).await {
        Ok(Ok(())) => StatusCode::NO_CONTENT.into_response(),
        Ok(Err(Refusal(code, reason))) => (code, format!("{reason}\n")).into_response(),
        Err(_) => {
            let reason = "kafka has not acknowledged the entries in time; send them again\n";
            (StatusCode::SERVICE_UNAVAILABLE, reason).into_response()
        }
    };
    telemetry::PUSHES.with_label_values(&[response.status().as_str()]).inc();
    response
}

async fn take<R>(endpoint: &Endpoint, request: Request, read: R) -> Result<(), Refusal>
where
    R: FnOnce(&HeaderMap, &[u8], &Limits) -> Result<Vec<Event>, Refusal>,
{
    let _place = endpoint.places.acquire().await;
    let (head, body) = request.into_parts();
    let limit = endpoint.limits.request;
    let body = to_bytes(body, limit).await.map_err(|e| {
        let reason = format!("request body: {e} (limit: {REQUEST_LIMIT}, {limit} bytes)");
        Refusal(StatusCode::PAYLOAD_TOO_LARGE, reason)
    })?;
    let events = read(&head.headers, &body, &endpoint.limits)?;
    let (mut receipts, mut sieve) = (Vec::new(), Sieve::new(&endpoint.bounds));
    let within = events.into_iter().filter_map(|event| sieve.pass(event));
    let events = within.map(|event| owned(event, &head.headers, endpoint.tenants));
    for event in events.collect::<Result<Vec<_>, _>>()? {
        receipts.push(endpoint.publisher.publish_with_receipt(event).await);
    }
    let closed = |_| Refusal(StatusCode::SERVICE_UNAVAILABLE, "shutting down".into());
    try_join_all(receipts).await.map_err(closed)?;
    sieve.verdict()
}

fn entries(headers: &HeaderMap, body: &[u8], limits: &Limits) -> Result<Vec<Event>, Refusal> {
    let (form, packing) = form(headers)?;
    let batches = decode::decode(body, form, packing, limits)?;
    Ok(batches.into_iter().flat_map(records).map(Event::Logs).collect())
}

fn value(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

/// Log entries belong to the tenant that the request names; samples to everyone.
fn owned(event: Event, headers: &HeaderMap, required: bool) -> Result<Event, Refusal> {
    let event = match event {
        Event::Logs(batch) => {
            let labels = batch.labels.with(TENANT_LABEL, &tenant(headers, required)?);
            Event::Logs(LogBatch { labels, ..batch })
        }
        of_everyone => of_everyone,
    };
    event.check_labels().map_err(|e| e.to_string())?;
    Ok(event)
}

/// The value of [`TENANT_LABEL`]; empty for the default tenant, whose streams have none.
fn tenant(headers: &HeaderMap, required: bool) -> Result<String, Refusal> {
    let header = headers.get(TENANT_HEADER).map(|value| value.as_bytes());
    match event::tenants(header).as_deref() {
        Ok([DEFAULT_TENANT]) => Ok(String::new()),
        Ok([one]) => Ok((*one).to_owned()),
        Ok(_) => {
            Err(Refusal(StatusCode::BAD_REQUEST, "multiple org IDs present: push for one tenant".into()))
        }
        Err(TenantError::Missing) if !required => Ok(String::new()),
        Err(TenantError::Missing) => Err(Refusal(StatusCode::UNAUTHORIZED, TenantError::Missing.to_string())),
        Err(invalid) => Err(Refusal(StatusCode::BAD_REQUEST, invalid.to_string())),
    }
}

fn form(headers: &HeaderMap) -> Result<(Form, Packing), Refusal> {
    let kind = value(headers, header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
    let form = match kind {
        "application/json" => Form::Json,
        "application/x-protobuf" | "" => Form::Protobuf,
        other => {
            let reason = format!(
                "Content-Type {other:?} is not known; send application/json or application/x-protobuf"
            );
            return Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
        }
    };
    match Packing::of(headers) {
        Ok(packing) => Ok((form, packing)),
        Err("snappy") => Ok((form, Packing::Plain)),
        Err(other) => {
            let reason = format!(
                "Content-Encoding {other:?} is not known; send gzip or deflate, or snappy for protobuf"
            );
            Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason))
        }
    }
}

/// Splits a stream's entries into records of moderate size.
fn records(batch: LogBatch) -> Vec<LogBatch> {
    let mut records = Vec::new();
    let mut size = 0;
    for entry in batch.entries {
        let bytes = entry_bytes(&entry);
        if records.is_empty() || size + bytes > RECORD {
            records.push(LogBatch { labels: batch.labels.clone(), ..LogBatch::default() });
            size = 0;
        }
        size += bytes;
        if let Some(record) = records.last_mut() {
            record.entries.push(entry);
        }
    }
    records
}

/// What an entry takes in a record, roughly.
fn entry_bytes(entry: &LogEntry) -> usize {
    BESIDE + entry.line.len() + metadata_bytes(entry)
}

fn metadata_bytes(entry: &LogEntry) -> usize {
    entry.metadata.iter().map(|(name, value)| BESIDE + name.len() + value.len()).sum()
}

#[cfg(test)]
mod tests {
    use event::Codec;

    use super::*;

    #[test]
    fn records_are_of_moderate_size_whatever_entries_are_made_of() {
        let entry = |line: usize, value: usize, pairs: usize| LogEntry {
            timestamp_ns: i64::MAX,
            line: vec![b'x'; line].into(),
            metadata: vec![("k".to_owned(), "v".repeat(value)); pairs],
            ..LogEntry::default()
        };
        let (many, very_many) = (2_000, 100_000);
        for (entry, count) in [
            (entry(1_000, 0, 0), many),
            (entry(1, 1_000, 1), many),
            (entry(1, 1, 100), many),
            (entry(0, 0, 0), very_many),
        ] {
            let batch = LogBatch { entries: vec![entry; count], ..LogBatch::default() };
            for record in records(batch) {
                let bytes = event::encode(&Event::Logs(record), Codec::Batch).concat().len();
                assert!(bytes < 2 * RECORD, "{bytes}");
            }
        }
    }
}
