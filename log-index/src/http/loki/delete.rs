//! `delete`: has entries deleted, shows the receipts, takes deletes back.

use std::borrow::Cow;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use logql::{Expr, LogExpr};
use serde_json::{Value, json};

use super::{Error, request::time};
use crate::{
    DeleteError, DeleteRequest, Kind, Scope,
    http::{Service, error::Failure, params::Params},
};

/// Takes a delete in. Answers 204 and, as `Location`, where its receipt is.
pub(super) async fn add(
    State(service): State<Service>,
    scope: Scope,
    params: Params,
) -> Result<Response, Error> {
    let query = params.query(service.limits().max_query_bytes)?;
    if query.is_empty() {
        return Err(Failure::BadData("query not set".into()).into());
    }
    let start = time(&params, "start")?.ok_or_else(|| Failure::BadData("start time not set".into()))?;
    let end = time(&params, "end")?.unwrap_or_else(|| service.now_ns());
    if start > end {
        return Err(Failure::BadData("start time can't be greater than end time".into()).into());
    }
    let query = own(&scope, query);
    let request = service.delete(Kind::Logs, query, (start, end)).await?;
    let receipt = format!("/loki/api/v1/delete?request_id={}", id_text(request.id));
    Ok((StatusCode::NO_CONTENT, [(LOCATION, receipt)]).into_response())
}

/// The receipts, oldest first; with `request_id` that one alone.
pub(super) async fn list(State(service): State<Service>, scope: Scope, params: Params) -> Json<Value> {
    let wanted = params.get("request_id");
    let found = service.index().deletes().into_iter();
    let found = found.filter(|request| wanted.is_none_or(|id| id == id_text(request.id)));
    Json(found.filter_map(|request| Some(receipt(&request, &asked(&scope, &request)?))).collect())
}

/// Takes a delete back, as long as nothing of it has left the disk.
pub(super) async fn cancel(
    State(service): State<Service>,
    scope: Scope,
    params: Params,
) -> Result<StatusCode, Error> {
    let id = params.get("request_id").and_then(|id| u64::from_str_radix(id, 16).ok()).unwrap_or(0);
    let force = params.get("force") == Some("true");
    if service.index().deletes().iter().any(|request| request.id == id && asked(&scope, request).is_none()) {
        return Err(Failure::from(DeleteError::NotFound).into());
    }
    service.cancel_delete(id, force).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The query, limited to what the one who asks may see. One that is wrong is for the index to refuse.
fn own(scope: &Scope, query: &str) -> String {
    let Ok(Expr::Log(log)) = logql::parse(query) else { return query.to_owned() };
    match scope.matchers(&log.matchers) {
        Cow::Borrowed(_) => query.to_owned(),
        Cow::Owned(matchers) => LogExpr { matchers, stages: log.stages.clone() }.to_string(),
    }
}

/// The query as it came from the one who asks; `None` if it came from somebody else.
fn asked(scope: &Scope, request: &DeleteRequest) -> Option<String> {
    let log = logql::parse_log(&request.query).ok().filter(|_| request.kind == Kind::Logs)?;
    let matchers = scope.asked(&log.matchers)?;
    match matchers.len() == log.matchers.len() {
        true => Some(request.query.clone()),
        false => Some(LogExpr { matchers: matchers.to_vec(), stages: log.stages.clone() }.to_string()),
    }
}

fn id_text(id: u64) -> String {
    format!("{id:08x}")
}

/// Loki's fields, and the counts.
fn receipt(request: &DeleteRequest, query: &str) -> Value {
    let seconds = |ns: i64| (ns.div_euclid(1_000_000)) as f64 / 1000.0;
    json!({
        "request_id": id_text(request.id),
        "start_time": seconds(request.start),
        "end_time": seconds(request.end),
        "query": query,
        "status": status(request),
        "created_at": request.created_ms as f64 / 1000.0,
        "matched_entries": request.matched,
        "removed_entries": request.removed,
    })
}

fn status(request: &DeleteRequest) -> String {
    match (request.is_processed(), request.removed) {
        (true, _) => "processed".to_owned(),
        (false, 0) => "received".to_owned(),
        (false, removed) => format!("{}% Complete", 100 * removed / request.matched.max(1)),
    }
}
