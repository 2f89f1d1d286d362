//! `labels` and `label/{name}/values`.

use std::collections::BTreeSet;

use axum::{
    extract::{Path, State},
    response::Response,
};
use event::Matcher;

use super::{
    Error,
    request::{Limit, Span, selectors},
    response,
};
use crate::{
    Kind, QueryError, Snapshot,
    http::{Service, params::Params},
};

/// Names of the labels of the series that have samples in the span.
pub(super) async fn names(State(service): State<Service>, params: Params) -> Result<Response, Error> {
    listed(&service, &params, |snapshot, matchers, span| {
        snapshot.label_names(Kind::Metrics, matchers, span.start, span.end)
    })
    .await
}

/// Values of one label of these series.
pub(super) async fn values(
    State(service): State<Service>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, Error> {
    listed(&service, &params, move |snapshot, matchers, span| {
        snapshot.label_values(Kind::Metrics, &name, matchers, span.start, span.end)
    })
    .await
}

/// What `list` gives for any of the selectors, or for all series if there are none.
async fn listed<F>(service: &Service, params: &Params, list: F) -> Result<Response, Error>
where
    F: Fn(&Snapshot, &[Matcher], Span) -> Result<Vec<String>, QueryError> + Send + 'static,
{
    let (span, limit) = (Span::open(params)?, Limit::of(params)?);
    let mut selectors = selectors(params)?;
    if selectors.is_empty() {
        selectors.push(Vec::new());
    }
    let body = service.ask(params.timeout()?, move |view, _| {
        let mut found = BTreeSet::new();
        for matchers in &selectors {
            found.extend(list(&view.snapshot, matchers, span)?);
        }
        let (mut found, mut warnings) = (Vec::from_iter(found), view.warnings());
        limit.apply(&mut found, &mut warnings);
        Ok(response::data(&found, &warnings, &[]))
    });
    Ok(response::json(body.await?))
}
