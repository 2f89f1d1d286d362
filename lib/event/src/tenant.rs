//! Tenants: who sends and asks, and what keeps their streams apart.

use std::collections::BTreeSet;

use thiserror::Error;

/// The header of requests that names the tenant.
pub const TENANT_HEADER: &str = "X-Scope-OrgID";
/// The label that says whose a stream is. Streams without it belong to [`DEFAULT_TENANT`].
pub const TENANT_LABEL: &str = "__tenant_id__";
/// Who sends and asks without saying for whom.
pub const DEFAULT_TENANT: &str = "fake";

const MAX_BYTES: usize = 150;

/// A request does not say whom it is for.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TenantError {
    /// The header is missing.
    #[error("no org id: send the header {TENANT_HEADER}")]
    Missing,
    /// The header has something else.
    #[error("tenant ID {0:?} is not valid: use 1 to 150 letters, digits and !-_.*'()")]
    Invalid(String),
}

/// The tenants that a header names: one, or several with `|` between them, sorted.
///
/// # Errors
/// When there is no header, or a name in it is none.
pub fn tenants(header: Option<&[u8]>) -> Result<Vec<&str>, TenantError> {
    let header = header.filter(|bytes| !bytes.is_empty()).ok_or(TenantError::Missing)?;
    let wrong = |_| TenantError::Invalid(String::from_utf8_lossy(header).into_owned());
    let header = str::from_utf8(header).map_err(wrong)?;
    let names: BTreeSet<&str> = header.split('|').map(str::trim).collect();
    match names.iter().find(|name| !is_tenant(name)) {
        Some(wrong) => Err(TenantError::Invalid((*wrong).to_owned())),
        None => Ok(names.into_iter().collect()),
    }
}

fn is_tenant(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!-_.*'()".contains(&byte);
    (1..=MAX_BYTES).contains(&name.len()) && name.bytes().all(allowed) && !matches!(name, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_one_tenant_or_several() {
        assert_eq!(tenants(Some(b"team-a")), Ok(vec!["team-a"]));
        assert_eq!(tenants(Some(b"b|a| b")), Ok(vec!["a", "b"]));
        assert_eq!(tenants(None), Err(TenantError::Missing));
        assert_eq!(tenants(Some(b"")), Err(TenantError::Missing));
        for wrong in [&b"a b"[..], b"..", b"a|", "ä".as_bytes(), b"\xe4", &[b'x'; 151]] {
            assert!(matches!(tenants(Some(wrong)), Err(TenantError::Invalid(_))), "{wrong:?}");
        }
    }
}
