//! ApiVersions: what the broker can do.

use super::SUPPORTED;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::ApiVersionsResponse;
use kafka_protocol::messages::api_versions_response::ApiVersion;

/// The table of what is supported.
pub fn supported() -> ApiVersionsResponse {
    let row = |(api, from, to, _): &(_, i16, i16, &str)| {
        ApiVersion::default().with_api_key(*api as i16).with_min_version(*from).with_max_version(*to)
    };
    ApiVersionsResponse::default().with_api_keys(SUPPORTED.iter().map(row).collect())
}

/// The answer, in version 0, to a client that asks in a version that is not known here: it can then ask again.
pub fn unsupported() -> ApiVersionsResponse {
    supported().with_error_code(ResponseError::UnsupportedVersion.code())
}
