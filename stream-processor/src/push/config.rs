//! `processor.push` in the configuration.

use std::collections::BTreeMap;

use config::{Duration, Secret};
use serde::Deserialize;

/// The targets.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PushConfig {
    /// Prometheus remote write 1.0.
    pub remote_write: Vec<RemoteWriteConfig>,
    /// Pushgateways.
    pub pushgateway: Vec<PushgatewayConfig>,
}

/// One remote write target.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteWriteConfig {
    /// For example `http://prometheus:9090/api/v1/write`.
    pub url: String,
    /// Only series that one of these selectors takes; all if there is none.
    #[serde(default, rename = "match")]
    pub selectors: Vec<String>,
    /// How to prove who we are.
    #[serde(default)]
    pub auth: Auth,
    /// After which a request counts as failed.
    #[serde(default = "default_timeout")]
    pub timeout: Duration,
    /// Whether the target takes native histograms. One that does not may refuse whole requests for ever.
    #[serde(default)]
    pub send_native_histograms: bool,
}

/// One Pushgateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushgatewayConfig {
    /// For example `http://pushgateway:9091`.
    pub url: String,
    /// Only series that one of these selectors takes; all if there is none.
    #[serde(default, rename = "match")]
    pub selectors: Vec<String>,
    /// How to prove who we are.
    #[serde(default)]
    pub auth: Auth,
    /// After which a request counts as failed.
    #[serde(default = "default_timeout")]
    pub timeout: Duration,
    /// The newest values are pushed this often.
    #[serde(default = "default_interval")]
    pub interval: Duration,
}

/// Credentials of a target.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// For basic authentication.
    pub username: Option<String>,
    /// For basic authentication.
    pub password: Option<Secret>,
    /// For `Authorization: Bearer`.
    pub bearer_token: Option<Secret>,
    /// Further headers, for example `X-Scope-OrgID`.
    pub headers: BTreeMap<String, Secret>,
}

fn default_timeout() -> Duration {
    Duration::from_secs(30)
}

fn default_interval() -> Duration {
    Duration::from_secs(15)
}
