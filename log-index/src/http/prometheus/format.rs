//! `format_query`.

use axum::{extract::State, response::Response};

use super::{Error, request::query, response};
use crate::http::{Service, params::Params};

/// The query in its canonical form.
pub(super) async fn format(State(service): State<Service>, params: Params) -> Result<Response, Error> {
    let text = query(&params, &service)?.pretty();
    Ok(response::json(response::data(&text, &[], &[])))
}
