//! `index/shards`: into how many parts a query is worth splitting. One process answers it as a whole.

use axum::{extract::State, response::Response};
use serde_json::json;

use super::{
    Error,
    request::{LABELS_SINCE_NS, Span, selector},
    response,
};
use crate::{
    Scope,
    http::{Service, params::Params},
};

/// One shard that holds everything, and how much that is.
pub(super) async fn shards(
    State(service): State<Service>,
    scope: Scope,
    params: Params,
) -> Result<Response, Error> {
    let Span { start, end } = Span::of(&params, service.now_ns(), LABELS_SINCE_NS)?;
    let matchers = selector(&params, service.limits())?;
    let body = service.ask_in(scope.with_derived(), None, move |view, _| {
        let stats = view.snapshot.stats(&matchers, start, end)?;
        let shard = json!({"bounds": {"min": 0, "max": u64::MAX}, "stats": stats});
        Ok(response::to_json(&json!({"shards": [shard], "statistics": {}})))
    });
    Ok(response::json(body.await?))
}
