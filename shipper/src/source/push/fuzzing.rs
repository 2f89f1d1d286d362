//! For fuzzing: requests of strangers.

use axum::http::{HeaderMap, HeaderValue, header};
use event::Event;

use super::{Limits, Refusal, entries, gateway, otlp, remote_write};

type Read = fn(&HeaderMap, &[u8], &Limits) -> Result<Vec<Event>, Refusal>;

const LIMITS: Limits = Limits { request: 1 << 20, labels: 15, line: 1 << 10 };
const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";
const V2: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

/// Every way to read a request; the first byte chooses.
const WAYS: [(Read, &str, &str); 11] = [
    (entries, JSON, ""),
    (entries, JSON, "gzip"),
    (entries, PROTOBUF, ""),
    (entries, PROTOBUF, "gzip"),
    (otlp::logs::read, JSON, ""),
    (otlp::logs::read, PROTOBUF, ""),
    (metrics, JSON, ""),
    (metrics, PROTOBUF, ""),
    (gateway::read, "text/plain", ""),
    (written, PROTOBUF, "snappy"),
    (written, V2, "snappy"),
];

fn metrics(headers: &HeaderMap, body: &[u8], limits: &Limits) -> Result<Vec<Event>, Refusal> {
    otlp::metrics::read(headers, body, limits).map(|found| vec![Event::Samples(found.batch)])
}

fn written(headers: &HeaderMap, body: &[u8], limits: &Limits) -> Result<Vec<Event>, Refusal> {
    remote_write::read(headers, body, limits).map(|batch| vec![Event::Samples(batch)])
}

/// Reads a request: it is understood, or refused. Snappy is put around a body that is to have it, because a fuzzer
/// does not find its way through.
pub fn request(input: &[u8]) {
    let Some((way, body)) = input.split_first() else { return };
    let (read, kind, encoding) = WAYS[usize::from(*way) % WAYS.len()];
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    let snappy = encoding == "snappy" || (kind == PROTOBUF && encoding.is_empty());
    let _ = read(&headers, body, &LIMITS);
    if snappy && let Ok(packed) = snap::raw::Encoder::new().compress_vec(body) {
        let _ = read(&headers, &packed, &LIMITS);
    }
}
