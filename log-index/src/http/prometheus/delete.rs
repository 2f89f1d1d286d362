//! `admin/tsdb/delete_series`: has samples deleted.

use axum::{extract::State, http::StatusCode};

use super::{
    Error,
    request::{Span, selectors},
};
use crate::{
    Kind,
    http::{Service, error::Failure, params::Params},
};

/// Takes a delete in for each `match[]`. Without `start` or `end` it has no such bound.
pub(super) async fn series(State(service): State<Service>, params: Params) -> Result<StatusCode, Error> {
    let Span { start, end } = Span::open(&params)?;
    if selectors(&params)?.is_empty() {
        return Err(Failure::BadData("no match[] parameter provided".into()).into());
    }
    for selector in params.all("match[]") {
        service.delete(Kind::Metrics, selector.to_owned(), (start, end)).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
