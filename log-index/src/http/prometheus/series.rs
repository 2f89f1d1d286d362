//! `series`: those that fit one of some selectors.

use std::collections::BTreeSet;

use axum::{extract::State, response::Response};

use super::{
    Error,
    request::{Limit, Span, selectors},
    response,
};
use crate::{
    Kind,
    http::{Service, error::Failure, params::Params},
};

/// Label sets of the series that have samples in the span.
pub(super) async fn series(State(service): State<Service>, params: Params) -> Result<Response, Error> {
    let (Span { start, end }, limit) = (Span::open(&params)?, Limit::of(&params)?);
    let selectors = selectors(&params)?;
    if selectors.is_empty() {
        return Err(Failure::BadData("no match[] parameter provided".into()).into());
    }
    let body = service.ask(params.timeout()?, move |view, _| {
        let mut found = BTreeSet::new();
        for matchers in &selectors {
            found.extend(view.snapshot.series(Kind::Metrics, matchers, start, end)?);
        }
        let (mut found, mut warnings) = (Vec::from_iter(found), view.warnings());
        limit.apply(&mut found, &mut warnings);
        Ok(response::data(&found, &warnings, &[]))
    });
    Ok(response::json(body.await?))
}
