//! The `bus:` section of the configuration.

use std::collections::BTreeMap;

use config::{Check, Problems, Secret};
use rdkafka::{ClientConfig, error::KafkaError};
use serde::Deserialize;

use crate::broker::is_legal_name;

/// What Kafka takes for a number of copies: as many as its own settings say.
const DEFAULT_OF_THE_BROKER: i32 = -1;

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

impl Check for Config {
    fn check(&self, problems: &mut Problems) {
        for broker in self.brokers.split(',').map(str::trim).filter(|broker| !is_broker(broker)) {
            let reason = format!("has {broker:?}, which is no broker's address");
            problems.add(
                "brokers",
                reason,
                "write host:port,host:port; what is no address goes into bus.options",
            );
        }
        problems.require(self.partitions > 0, "partitions", "is below 1", "write 1 or more");
        let copies = self.replication > 0 || self.replication == DEFAULT_OF_THE_BROKER;
        problems.require(copies, "replication", "is no number of copies", "write 1 or more");
        problems.section("topics", &self.topics);
        problems.within("options", |problems| {
            self.options.iter().for_each(|(name, value)| check_option(name, value, problems));
        });
    }
}

impl Check for Topics {
    fn check(&self, problems: &mut Problems) {
        let names = [
            ("logs", &self.logs),
            ("metrics", &self.metrics),
            ("derived", &self.derived),
            ("alerts", &self.alerts),
            ("dead_letter", &self.dead_letter),
        ];
        for (number, (key, name)) in names.iter().enumerate() {
            if let Some((other, _)) = names[..number].iter().find(|(_, other)| other == name) {
                let reason = format!("is the topic of `{other}` too");
                problems.add(key, reason, "give each topic a name of its own");
            }
            let remedy = "write up to 249 letters, digits, `.`, `_` and `-`";
            problems.require(is_legal_name(name), key, "is no name that Kafka takes", remedy);
        }
    }
}

/// `host:port`, or `host` for the usual port.
fn is_broker(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().is_ok_and(|port| port > 0)),
        None => (text, true),
    };
    port && !host.is_empty() && !host.contains(|c: char| c == '/' || c.is_whitespace())
}

fn check_option(name: &str, value: &Secret, problems: &mut Problems) {
    let refused = ClientConfig::new().set(name, value.expose()).create_native_config().err();
    if let Some(KafkaError::ClientConfig(_, reason, ..)) = refused {
        let remedy = "write an option of librdkafka as its CONFIGURATION.md has it";
        problems.add(name, format!("is refused by librdkafka: {reason}"), remedy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_kafka_cannot_work_with_are_refused_with_their_key() {
        for (text, errors) in [
            (
                "brokers: 'kafka, [::1]:9092,a:1'\npartitions: 1\noptions: {acks: '1', sasl.username: me}",
                &[][..],
            ),
            ("brokers: ''", &["1:10 `brokers` has \"\", which is no broker"]),
            ("brokers: a:9092,http://x", &["1:10 `brokers` has \"http://x\""]),
            ("brokers: a:many", &["1:10 `brokers` has \"a:many\""]),
            ("partitions: 0\nreplication: 0", &["1:13 `partitions` is below 1", "2:14 `replication`"]),
            ("topics:\n  metrics: logs", &["2:12 `topics.metrics` is the topic of `logs` too"]),
            ("topics: {alerts: a b}", &["1:18 `topics.alerts` is no name that Kafka takes"]),
            ("options: {acsk: 1}", &["1:17 `options.acsk` is refused by librdkafka: No such"]),
            ("options: {security.protocol: x}", &["1:30 `options.security.protocol` is refused by"]),
        ] {
            let found = config::parse_with::<Config>("bus.yaml", text, &[]);
            let found = found.err().unwrap_or_default().headlines();
            let fits = found.iter().zip(errors).all(|(found, error)| found.starts_with(error));
            assert!(found.len() == errors.len() && fits, "{text}: {found:#?}");
        }
    }
}
