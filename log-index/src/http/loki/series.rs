//! `series`: the streams that fit one of some selectors.

use std::collections::BTreeSet;

use axum::{extract::State, response::Response};
use event::Matcher;

use super::{
    Error,
    request::{LABELS_SINCE_NS, Span},
    response,
};
use crate::{
    Kind, Scope,
    http::{Service, error::Failure, params::Params},
};

/// Label sets of the streams that have entries in the span.
pub(super) async fn series(
    State(service): State<Service>,
    scope: Scope,
    params: Params,
) -> Result<Response, Error> {
    let Span { start, end } = Span::of(&params, service.now_ns(), LABELS_SINCE_NS)?;
    let selectors = selectors(&params)?;
    let body = service.ask_in(scope.with_derived(), None, move |view, _| {
        let mut found = BTreeSet::new();
        for matchers in &selectors {
            found.extend(view.snapshot.series(Kind::Logs, matchers, start, end)?);
        }
        Ok(response::data(&found, &view.warnings()))
    });
    Ok(response::json(body.await?))
}

fn selectors(params: &Params) -> Result<Vec<Vec<Matcher>>, Failure> {
    let texts: Vec<&str> = params.all("match[]").chain(params.all("match")).collect();
    if texts.is_empty() {
        return Err(Failure::BadData("0 matcher groups supplied: add match[]=<selector>".into()));
    }
    texts.into_iter().map(|text| Ok(logql::parse_selector(text)?)).collect()
}
