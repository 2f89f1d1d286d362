//! `PUT`, `POST` and `DELETE /metrics/job/NAME{/LABEL/VALUE}`, as Prometheus' Pushgateway has them: for jobs that end
//! before anybody can ask them.

mod group;
mod ledger;
mod text;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use event::{Event, Labels, SampleBatch};

use self::{ledger::Change, text::Exposition};
use super::{Endpoint, Limits, Refusal, packing::Packing, respond, samples::records, value};
use crate::timestamp;

pub use ledger::Ledger;

const PREFIX: &str = "/metrics/";

/// Takes a group's metrics in. One that cannot be read is refused, and when that was is told by the group.
pub async fn push(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    let change = if request.method() == Method::PUT { Change::Replace } else { Change::Merge };
    let group = match group(&request) {
        Ok(group) => group,
        Err(Refusal(code, reason)) => return (code, format!("{reason}\n")).into_response(),
    };
    let mut refused = None;
    let read = |headers: &HeaderMap, body: &[u8], limits: &Limits| {
        let (mut ledger, now_ms) = (endpoint.groups.lock(), now_ms());
        let taken =
            exposition(headers, body, limits).and_then(|found| ledger.push(&group, found, change, now_ms));
        Ok(events(taken.unwrap_or_else(|refusal| {
            refused = Some(refusal);
            ledger.fail(&group, now_ms)
        })))
    };
    let response = respond(&endpoint, request, read).await;
    match (response.status().is_success(), refused) {
        (true, None) => StatusCode::OK.into_response(),
        (true, Some(Refusal(code, reason))) => (code, format!("{reason}\n")).into_response(),
        _ => response,
    }
}

/// Ends a group's series.
pub async fn delete(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    let group = group(&request);
    let read =
        |_: &HeaderMap, _: &[u8], _: &Limits| Ok(events(endpoint.groups.lock().delete(&group?, now_ms())));
    let response = respond(&endpoint, request, read).await;
    if response.status().is_success() { StatusCode::ACCEPTED.into_response() } else { response }
}

fn now_ms() -> i64 {
    timestamp::now_ns() / 1_000_000
}

fn events(batch: SampleBatch) -> Vec<Event> {
    records(batch).into_iter().map(Event::Samples).collect()
}

fn group(request: &Request) -> Result<Labels, Refusal> {
    let path = request.uri().path();
    group::parse(path.strip_prefix(PREFIX).unwrap_or(path)).map_err(bad)
}

fn bad(reason: String) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, reason)
}

/// For fuzzing: what a group pushes.
#[cfg(fuzzing)]
pub fn read(headers: &HeaderMap, body: &[u8], limits: &Limits) -> Result<Vec<Event>, Refusal> {
    let (found, group) = (exposition(headers, body, limits)?, Labels::from([("job", "a")]));
    Ledger::default().push(&group, found, Change::Merge, 0).map(events)
}

fn exposition(headers: &HeaderMap, body: &[u8], limits: &Limits) -> Result<Exposition, Refusal> {
    let unknown = |reason: String| Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason);
    let kind = value(headers, header::CONTENT_TYPE);
    if kind.contains("protobuf") {
        return Err(unknown(format!("Content-Type {kind:?} is not known; send the text format")));
    }
    let packing = Packing::of(headers)
        .map_err(|other| unknown(format!("Content-Encoding {other:?} is not known; send gzip or deflate")))?;
    let body = packing.open(body, limits).map_err(bad)?;
    let body = str::from_utf8(&body).map_err(|e| bad(format!("text format: no UTF-8: {e}")))?;
    text::parse(body).map_err(bad)
}
