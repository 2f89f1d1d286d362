//! The configuration file: one section for each service, all of them optional.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use config::{Check, Problems};
use promql::Features;
use serde::{Deserialize, Deserializer, de::Error as _};

/// What a file or the command line sets.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where broker, shipper and index keep their files.
    pub data_dir: PathBuf,
    /// The HTTP API.
    pub http: Http,
    /// The embedded broker.
    pub broker: Broker,
    /// Where Kafka is.
    pub bus: bus::Config,
    /// What queries and rules may use.
    pub promql: Promql,
    /// Sources; without the section, what this machine has.
    pub shipper: Option<shipper::Config>,
    /// Rules, windows, push.
    pub processor: stream_processor::Config,
    /// The store.
    pub index: log_index::Config,
}

/// The HTTP API.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// `host:port`; port 0 picks a free one.
    pub listen: String,
    /// Whether requests to Loki's API have to name a tenant in `X-Scope-OrgID`.
    pub tenants: bool,
    /// What one query may hold in memory.
    pub query_memory: config::ByteSize,
}

/// The language of queries and rules over series.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Promql {
    /// Those parts of PromQL that may still change, by the names of Prometheus' `--enable-feature`; without the key, all
    /// that leave the answers of stable queries as they are.
    #[serde(deserialize_with = "named")]
    pub enable_feature: Features,
}

fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Features, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    Features::named(names.iter().map(String::as_str)).map_err(D::Error::custom)
}

/// The embedded broker.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Broker {
    /// `host:port`; port 0 picks a free one.
    pub listen: String,
    /// `host:port` that clients are told, where it is not the bound address.
    pub advertise: Option<String>,
    /// How long records are kept.
    pub retention: config::Duration,
    /// Bytes of a partition beyond which its oldest records go, however young.
    pub retention_bytes: Option<config::ByteSize>,
    /// How often topics are looked through for what is too old, or to be compacted.
    pub check_interval: config::Duration,
    /// Whether every write waits for the disk. Off: as a single Kafka broker, the page cache counts as written.
    pub fsync: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            data_dir: "./tailrace-data".into(),
            http: Http::default(),
            broker: Broker::default(),
            bus: bus::Config::default(),
            promql: Promql::default(),
            shipper: None,
            processor: stream_processor::Config::default(),
            index: log_index::Config::default(),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Http {
            listen: "127.0.0.1:3100".into(),
            tenants: false,
            query_memory: config::ByteSize(log_index::http::Limits::default().max_bytes as u64),
        }
    }
}

impl Default for Broker {
    fn default() -> Self {
        let retention = config::Duration::from_secs(24 * 3600);
        let listen = "127.0.0.1:9092".into();
        let check_interval = config::Duration::from_secs(30);
        Broker { listen, advertise: None, retention, retention_bytes: None, check_interval, fsync: false }
    }
}

impl Check for Settings {
    fn check(&self, problems: &mut Problems) {
        problems.section("http", &self.http);
        problems.section("broker", &self.broker);
        problems.section("bus", &self.bus);
        if let Some(shipper) = &self.shipper {
            problems.section("shipper", shipper);
        }
        problems.section("processor", &self.processor);
        problems.section("index", &self.index);
    }
}

impl Check for Http {
    fn check(&self, problems: &mut Problems) {
        let _ = address(&self.listen, problems);
    }
}

impl Check for Broker {
    fn check(&self, problems: &mut Problems) {
        let everywhere = address(&self.listen, problems).is_some_and(|listen| listen.ip().is_unspecified());
        if everywhere && self.advertise.is_none() {
            let remedy = "set broker.advertise to the host:port under which clients reach this broker";
            problems.add("listen", "is no address that clients could be told", remedy);
        }
    }
}

fn address(listen: &str, problems: &mut Problems) -> Option<SocketAddr> {
    let address = listen.parse().ok();
    let remedy = "write an IP address and a port, for example 127.0.0.1:3100; port 0 takes a free one";
    problems.require(address.is_some(), "listen", "is no address with a port", remedy);
    address
}

impl Settings {
    /// Reads `file` (all defaults without one) and applies the overrides.
    ///
    /// # Errors
    /// When the file cannot be read; else with every error in it.
    pub fn load(file: Option<&Path>, overrides: &[String]) -> Result<Self> {
        let (name, text) = match file {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("configuration file {}", path.display()))?;
                (path.display().to_string(), text)
            }
            None => ("defaults".to_owned(), String::new()),
        };
        let parsed = config::parse_with(&name, &text, overrides);
        let mut settings: Settings =
            parsed.map_err(|errors| anyhow::anyhow!("configuration is wrong\n{errors}"))?;
        settings.processor.features = settings.promql.enable_feature;
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_nobody_can_listen_on_or_reach_are_refused_with_their_key() {
        for (text, errors) in [
            ("http: {listen: '[::1]:0'}\nbroker: {listen: 0.0.0.0:9092, advertise: kafka:9092}", &[][..]),
            ("http: {listen: 127.0.0.1}", &["1:16 `http.listen` is no address with a port"]),
            ("http: {listen: localhost:3100}", &["1:16 `http.listen` is no address"]),
            ("broker:\n  listen: a\nbus: {partitions: 0}", &["2:11 `broker.listen` is", "3:19 `bus.part"]),
            ("broker: {listen: 0.0.0.0:9092}", &["1:18 `broker.listen` is no address that clients"]),
        ] {
            let found = config::parse_with::<Settings>("up.yaml", text, &[]);
            let found = found.err().unwrap_or_default().headlines();
            let fits = found.iter().zip(errors).all(|(found, error)| found.starts_with(error));
            assert!(found.len() == errors.len() && fits, "{text}: {found:#?}");
        }
    }
}
