//! `query`, `query_range` and `query_exemplars`.

use std::time::Instant;

use axum::{extract::State, response::Response};
use promql::{Answer, EvalError, Options};

use super::{
    Error,
    request::{Limit, Span, Wishes, query, step_ms, time},
    response,
    stats::Stats,
};
use crate::{
    Snapshot,
    http::{Service, params::Params},
};

/// The value at one time.
pub(super) async fn instant(State(service): State<Service>, params: Params) -> Result<Response, Error> {
    let time = time(&params, "time")?.unwrap_or_else(|| service.now_ns() / 1_000_000);
    let query = query(&params, &service)?;
    answer(&service, &params, move |snapshot, options| promql::query_instant(&query, snapshot, time, options))
        .await
}

/// Values at many times.
pub(super) async fn range(State(service): State<Service>, params: Params) -> Result<Response, Error> {
    let span = Span::closed(&params)?;
    let step = step_ms(&params, span, service.limits().max_steps)?;
    let query = query(&params, &service)?;
    answer(&service, &params, move |snapshot, options| {
        promql::query_range(&query, snapshot, span.start, span.end, step, options)
    })
    .await
}

/// There are no exemplars: an empty list for every query that can be understood.
pub(super) async fn exemplars(State(service): State<Service>, params: Params) -> Result<Response, Error> {
    Span::open(&params)?;
    query(&params, &service)?;
    Ok(response::json(response::data(&[(); 0], &[], &[])))
}

async fn answer<F>(service: &Service, params: &Params, evaluate: F) -> Result<Response, Error>
where
    F: FnOnce(&Snapshot, &Options<'_>) -> Result<Answer, EvalError> + Send + 'static,
{
    let (limit, wishes) = (Limit::of(params)?, Wishes::of(params, service.limits())?);
    let with_stats = params.get("stats").is_some_and(|stats| !stats.is_empty());
    let body = service.ask(params.timeout()?, move |view, cancelled| {
        let begin = Instant::now();
        let mut answer = evaluate(&view.snapshot, &wishes.options(cancelled))?;
        let stats = with_stats.then(|| Stats::new(begin.elapsed(), answer.samples));
        let mut warnings = view.warnings();
        warnings.append(&mut answer.warnings);
        Ok(response::query(answer, warnings, &limit, stats))
    });
    Ok(response::json(body.await?))
}
