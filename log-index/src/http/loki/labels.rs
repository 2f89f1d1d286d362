//! `labels` and `label/{name}/values`.

use axum::{
    extract::{Path, State},
    response::Response,
};

use super::{
    Error,
    request::{LABELS_SINCE_NS, Span, matchers},
    response,
};
use crate::{
    Kind, Scope,
    http::{Service, params::Params},
};

/// Names of the labels of the streams that have entries in the span.
pub(super) async fn names(
    State(service): State<Service>,
    scope: Scope,
    params: Params,
) -> Result<Response, Error> {
    let Span { start, end } = Span::of(&params, service.now_ns(), LABELS_SINCE_NS)?;
    let matchers = matchers(&params, service.limits())?;
    let body = service.ask_in(scope.with_derived(), None, move |view, _| {
        let names = view.snapshot.label_names(Kind::Logs, &matchers, start, end)?;
        Ok(response::data(&names, &view.warnings()))
    });
    Ok(response::json(body.await?))
}

/// Values of one label of these streams.
pub(super) async fn values(
    State(service): State<Service>,
    scope: Scope,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, Error> {
    let Span { start, end } = Span::of(&params, service.now_ns(), LABELS_SINCE_NS)?;
    let matchers = matchers(&params, service.limits())?;
    let body = service.ask_in(scope.with_derived(), None, move |view, _| {
        let values = view.snapshot.label_values(Kind::Logs, &name, &matchers, start, end)?;
        Ok(response::data(&values, &view.warnings()))
    });
    Ok(response::json(body.await?))
}
