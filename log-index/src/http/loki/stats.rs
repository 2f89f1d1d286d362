//! `index/stats`: how much a query would read.

use axum::{extract::State, response::Response};

use super::{
    Error,
    request::{LABELS_SINCE_NS, Span, selector},
    response,
};
use crate::{
    Scope,
    http::{Service, params::Params},
};

/// Streams, chunks, entries and bytes of a selector in the span.
pub(super) async fn stats(
    State(service): State<Service>,
    scope: Scope,
    params: Params,
) -> Result<Response, Error> {
    let Span { start, end } = Span::of(&params, service.now_ns(), LABELS_SINCE_NS)?;
    let matchers = selector(&params, service.limits())?;
    let body = service.ask_in(scope.with_derived(), None, move |view, _| {
        let found = view.snapshot.stats(&matchers, start, end)?;
        Ok(response::to_json(&found))
    });
    Ok(response::json(body.await?))
}
