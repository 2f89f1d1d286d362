//! `POST /flush`: everything that has arrived goes into segments; with `?merge=true` these are merged.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{Service, error::Failure, params::Params};
use crate::SealError;

/// Answers 204 when all that was acknowledged before the request is in segments, and nothing is left to merge if
/// that is asked for.
pub(super) async fn flush(State(service): State<Service>, params: Params) -> Response {
    match flushed(&service, params.get("merge") == Some("true")).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(failure) => (StatusCode::SERVICE_UNAVAILABLE, format!("{failure}\n")).into_response(),
    }
}

async fn flushed(service: &Service, merge: bool) -> Result<(), Failure> {
    service.catch_up(service.limits().timeout).await.map_err(Failure::Busy)?;
    seal(service).await?;
    if !merge {
        return Ok(());
    }
    // As long as it takes: who no longer wants to wait hangs up.
    service.index().merge().await.map_err(|error| Failure::Internal(error.to_string()))
}

/// Writing here takes one of the places for queries; waiting for the owners of a group takes none.
async fn seal(service: &Service) -> Result<(), Failure> {
    let failed = |error: SealError| Failure::Internal(error.to_string());
    match service.index().alone().cloned() {
        Some(index) => service.run(None, move |_| index.flush().map_err(failed)).await,
        None => service.index().flush(service.limits().timeout).await.map_err(failed),
    }
}
