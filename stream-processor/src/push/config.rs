//! `processor.push` in the configuration.

use std::collections::BTreeMap;

use config::{Check, Duration, Problems, Secret};
use reqwest::Url;
use serde::Deserialize;

use super::target;

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

impl Check for PushConfig {
    fn check(&self, problems: &mut Problems) {
        problems.items("remote_write", &self.remote_write);
        problems.items("pushgateway", &self.pushgateway);
    }
}

impl Check for RemoteWriteConfig {
    fn check(&self, problems: &mut Problems) {
        check_target(&self.url, &self.selectors, &self.auth, problems);
    }
}

impl Check for PushgatewayConfig {
    fn check(&self, problems: &mut Problems) {
        check_target(&self.url, &self.selectors, &self.auth, problems);
    }
}

fn check_target(url: &str, selectors: &[String], auth: &Auth, problems: &mut Problems) {
    check_url(url, "url", problems);
    problems.within("match", |problems| {
        for (number, selector) in selectors.iter().enumerate() {
            if let Err(reason) = target::matchers(selector) {
                problems.add(
                    number,
                    format!("is no selector: {reason}"),
                    "write for example '{job=\"node\"}'",
                );
            }
        }
    });
    if let Err(reason) = target::headers(auth) {
        let reason = format!("has what no request can carry: {reason}");
        problems.within("auth", |problems| {
            problems.add("headers", reason, "write names and values as HTTP has them");
        });
    }
}

/// Notes it under `key` when nothing can be reached under it by HTTP.
pub fn check_url(url: &str, key: &str, problems: &mut Problems) {
    let remedy = "write for example http://prometheus:9090";
    match Url::parse(url) {
        Ok(url) => {
            let http = matches!(url.scheme(), "http" | "https");
            problems.require(http, key, "is no URL of HTTP", remedy);
        }
        Err(error) => problems.add(key, format!("is no URL: {error}"), remedy),
    }
}
