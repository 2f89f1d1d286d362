//! Whose data a request is about: the header `X-Scope-OrgID`.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use event::{TENANT_HEADER, TenantError};

use super::Service;
use crate::Scope;

/// What the sender of a request may see: the streams of the tenants that it names. Who names none sees everything,
/// unless the service keeps tenants apart.
impl FromRequestParts<Service> for Scope {
    type Rejection = (StatusCode, String);

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Self::Rejection> {
        let header = parts.headers.get(TENANT_HEADER).map(|value| value.as_bytes());
        let refusal = match event::tenants(header) {
            Ok(names) => return Ok(Scope::of_tenants(&names)),
            Err(TenantError::Missing) if !service.keeps_tenants_apart() => return Ok(Scope::default()),
            Err(error @ TenantError::Missing) => (StatusCode::UNAUTHORIZED, format!("{error}\n")),
            Err(error @ TenantError::Invalid(_)) => (StatusCode::BAD_REQUEST, format!("{error}\n")),
        };
        Err(refusal)
    }
}
