//! The `bus:` section of the configuration.

use std::collections::BTreeMap;

use config::Secret;
use rdkafka::ClientConfig;
use serde::Deserialize;

/// Where Kafka is, and what the topics are called.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Comma-separated `host:port` list.
    pub brokers: String,
    /// Names of the topics.
    pub topics: Topics,
    /// Partitions of the topics for logs and metrics, where this program creates them.
    pub partitions: i32,
    /// Copies of each partition, where this program creates the topics.
    pub replication: i32,
    /// Further settings of librdkafka, for example `security.protocol: sasl_ssl`. Values may be secrets.
    pub options: BTreeMap<String, Secret>,
}

/// Names of the topics.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Topics {
    /// Log entries.
    pub logs: String,
    /// Samples.
    pub metrics: String,
    /// Samples that windows and recording rules have computed.
    pub derived: String,
    /// Alert transitions, JSON.
    pub alerts: String,
    /// Records that nobody could read.
    pub dead_letter: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            brokers: "127.0.0.1:9092".into(),
            topics: Topics::default(),
            partitions: 4,
            replication: 1,
            options: BTreeMap::new(),
        }
    }
}

impl Default for Topics {
    fn default() -> Self {
        Topics {
            logs: "logs".into(),
            metrics: "metrics".into(),
            derived: "derived".into(),
            alerts: "alerts".into(),
            dead_letter: "dead-letter".into(),
        }
    }
}

impl Topics {
    /// Every topic, with whether it is spread over several partitions.
    pub fn all(&self) -> [(&str, bool); 5] {
        [
            (self.logs.as_str(), true),
            (self.metrics.as_str(), true),
            (self.derived.as_str(), false),
            (self.alerts.as_str(), false),
            (self.dead_letter.as_str(), false),
        ]
    }
}

impl Config {
    /// What every client has in common.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.brokers);
        client.set("client.id", "tailrace");
        // A broker that restarts is back within a second or so: look often, it costs nothing on one connection.
        client.set("reconnect.backoff.ms", "50").set("reconnect.backoff.max.ms", "1000");
        client.set("broker.address.family", "v4");
        for (name, value) in &self.options {
            client.set(name, value.expose());
        }
        client
    }
}
