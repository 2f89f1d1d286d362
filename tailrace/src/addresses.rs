//! Where the services of this process listen.

use std::net::SocketAddr;

use serde::Serialize;

/// The bound addresses; the form of `--print-addresses json`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Addresses {
    /// HTTP API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<SocketAddr>,
    /// Embedded broker, or the brokers that are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kafka: Option<String>,
    /// Syslog, UDP and TCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syslog: Option<SocketAddr>,
}

impl Addresses {
    /// One line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("addresses are plain text")
    }
}
