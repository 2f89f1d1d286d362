//! `query` and `query_range`.

use std::time::Instant;

use axum::{extract::State, http::HeaderMap, response::Response};
use logql::{Answer, Entries, EvalError, Expr, Options, Value};

use super::{
    Error,
    interval::thinned,
    levels::Leveled,
    request::{QUERY_SINCE_NS, Span, Wishes, time},
    response,
};
use crate::{
    Scope,
    http::{Service, params::Params},
};

/// Values at one time.
pub(super) async fn instant(
    State(service): State<Service>,
    scope: Scope,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Error> {
    let time = time(&params, "time")?.unwrap_or_else(|| service.now_ns());
    let (expr, mut wishes) = understood(&service, &headers, &params)?;
    wishes.time_ns = time;
    let levels = service.index().config().detected_level.is_wanted(&expr, &wishes);
    answer(&service, wishes.scope(scope), wishes, levels, move |entries, options| {
        logql::query_instant(&expr, entries, time, options)
    })
    .await
}

/// Lines, or values at many times.
pub(super) async fn range(
    State(service): State<Service>,
    scope: Scope,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Error> {
    let range = Span::of(&params, service.now_ns(), QUERY_SINCE_NS)?.in_steps(&params)?;
    let (expr, mut wishes) = understood(&service, &headers, &params)?;
    wishes.time_ns = range.end_ns;
    match expr {
        Expr::Log(_) => wishes.check_entries()?,
        Expr::Metric(_) => wishes.check_steps(&range)?,
    }
    let levels = service.index().config().detected_level.is_wanted(&expr, &wishes);
    answer(&service, wishes.scope(scope), wishes, levels, move |entries, options| {
        logql::query_range(&expr, entries, &range, options)
    })
    .await
}

fn understood(service: &Service, headers: &HeaderMap, params: &Params) -> Result<(Expr, Wishes), Error> {
    let expr = logql::parse(params.query(service.limits().max_query_bytes)?)?;
    let wishes = Wishes::of(params, headers, service.limits())?;
    Ok((expr, wishes))
}

/// With `levels`, entries have a `detected_level`.
async fn answer<F>(
    service: &Service,
    scope: Scope,
    wishes: Wishes,
    levels: bool,
    evaluate: F,
) -> Result<Response, Error>
where
    F: FnOnce(&dyn Entries, &Options<'_>) -> Result<Answer, EvalError> + Send + 'static,
{
    let begin = Instant::now();
    let body = service.ask_in(scope, None, move |view, cancelled| {
        let options = wishes.options(cancelled);
        let mut answer = match levels {
            true => evaluate(&Leveled(&view.snapshot), &options)?,
            false => evaluate(&view.snapshot, &options)?,
        };
        if let Value::Streams(streams) = &mut answer.value {
            thinned(streams, &wishes);
        }
        let mut warnings = view.warnings();
        warnings.append(&mut answer.notices);
        Ok(response::query(answer, view.snapshot.block_stats(), &warnings, &wishes, begin.elapsed()))
    });
    Ok(response::json(body.await?))
}
