//! Errors as Prometheus prints them: JSON with the kind of the error.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::http::error::Failure;

/// A failure on its way to a client of Prometheus' API.
pub(super) struct Error(Failure);

impl<F: Into<Failure>> From<F> for Error {
    fn from(failure: F) -> Self {
        Error(failure.into())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, kind) = status(&self.0);
        let body = json!({"status": "error", "errorType": kind, "error": self.0.to_string()});
        (status, Json(body)).into_response()
    }
}

fn status(failure: &Failure) -> (StatusCode, &'static str) {
    match failure {
        Failure::BadData(_) => (StatusCode::BAD_REQUEST, "bad_data"),
        Failure::Execution(_) => (StatusCode::UNPROCESSABLE_ENTITY, "execution"),
        Failure::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
        Failure::TimedOut(_) => (StatusCode::SERVICE_UNAVAILABLE, "timeout"),
        Failure::Busy(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        Failure::Cancelled => (StatusCode::SERVICE_UNAVAILABLE, "canceled"),
        Failure::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}
