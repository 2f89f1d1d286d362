//! Errors as Loki prints them: plain text.

use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    },
    response::{IntoResponse, Response},
};

use crate::http::error::Failure;

/// A failure on its way to a client of Loki's API.
pub(super) struct Error(Failure);

impl<F: Into<Failure>> From<F> for Error {
    fn from(failure: F) -> Self {
        Error(failure.into())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        (status(&self.0), headers, format!("{}\n", self.0)).into_response()
    }
}

fn status(failure: &Failure) -> StatusCode {
    match failure {
        Failure::BadData(_) | Failure::Execution(_) => StatusCode::BAD_REQUEST,
        Failure::NotFound(_) => StatusCode::NOT_FOUND,
        Failure::TimedOut(_) => StatusCode::GATEWAY_TIMEOUT,
        Failure::Busy(_) => StatusCode::TOO_MANY_REQUESTS,
        Failure::Cancelled => StatusCode::SERVICE_UNAVAILABLE,
        Failure::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
