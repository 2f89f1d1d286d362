//! `format_query`.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::Error;
use crate::http::{Service, params::Params};

/// The query in its canonical form.
pub(super) async fn format(State(service): State<Service>, params: Params) -> Result<Response, Error> {
    let query = params.query(service.limits().max_query_bytes)?;
    Ok(match logql::parse(query) {
        Ok(expr) => Json(json!({"status": "success", "data": expr.to_string()})).into_response(),
        Err(error) => {
            let body = json!({"status": "invalid-query", "error": error.to_string()});
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
    })
}
