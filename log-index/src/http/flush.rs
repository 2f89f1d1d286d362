//! `POST /flush`: everything that has arrived goes into segments.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{Service, error::Failure};

/// Answers 204 when all that was acknowledged before the request is in segments.
pub(super) async fn flush(State(service): State<Service>) -> Response {
    match flushed(&service).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(failure) => (StatusCode::SERVICE_UNAVAILABLE, format!("{failure}\n")).into_response(),
    }
}

async fn flushed(service: &Service) -> Result<(), Failure> {
    service.catch_up(service.limits().timeout).await.map_err(Failure::Busy)?;
    let index = service.index().clone();
    service.run(None, move |_| index.flush().map_err(|e| Failure::Internal(e.to_string()))).await
}
