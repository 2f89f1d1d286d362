//! Whose data a request is about: the header `X-Scope-OrgID`.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use event::{TENANT_HEADER, TenantError};

use super::Service;
use crate::Scope;

/// What the sender of a request may see: everything, unless the service keeps tenants apart.
impl FromRequestParts<Service> for Scope {
    type Rejection = (StatusCode, String);

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Self::Rejection> {
        if !service.keeps_tenants_apart() {
            return Ok(Scope::default());
        }
        let header = parts.headers.get(TENANT_HEADER).and_then(|value| value.to_str().ok());
        let names = event::tenants(header).map_err(|error| {
            let status = match error {
                TenantError::Missing => StatusCode::UNAUTHORIZED,
                TenantError::Invalid(_) => StatusCode::BAD_REQUEST,
            };
            (status, format!("{error}\n"))
        })?;
        Ok(Scope::of_tenants(&names))
    }
}
