//! The settings that a topic can have, by their Kafka names: one row each.

use super::config::{Config, FlushPolicy};
use super::log::Settings;
use std::collections::BTreeMap;

/// A topic's own settings, by name.
pub type TopicConfig = BTreeMap<String, String>;

/// Kafka's numbers for the type of a setting, as DescribeConfigs reports them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text out of a few words.
    Words(&'static [&'static str]),
    /// A whole number not below this.
    Number(i64),
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Kafka's name.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    default: fn(&Config) -> String,
}

/// All settings that a topic can have.
pub const SETTINGS: &[Setting] = &[
    // Keeping more than compaction would leave is within its promise, so `compact` means: keep all.
    Setting {
        name: "cleanup.policy",
        kind: Kind::Words(&["delete", "compact"]),
        default: |_| "delete".into(),
    },
    Setting { name: "compression.type", kind: Kind::Words(&["producer"]), default: |_| "producer".into() },
    Setting {
        name: "max.message.bytes",
        kind: Kind::Number(0),
        default: |c| c.limits.batch_bytes.to_string(),
    },
    Setting {
        name: "message.timestamp.type",
        kind: Kind::Words(&["CreateTime"]),
        default: |_| "CreateTime".into(),
    },
    Setting { name: "min.insync.replicas", kind: Kind::Number(1), default: |_| "1".into() },
    Setting { name: "retention.bytes", kind: Kind::Number(-1), default: |_| "-1".into() },
    Setting { name: "retention.ms", kind: Kind::Number(-1), default: default_retention },
    Setting { name: "segment.bytes", kind: Kind::Number(1024), default: |c| c.segment_bytes.to_string() },
];

fn default_retention(config: &Config) -> String {
    config.retention.map_or_else(|| "-1".to_owned(), |age| age.as_millis().to_string())
}

impl Setting {
    /// The value that holds for a topic, and whether the topic itself says so.
    pub fn value(&self, topic: &TopicConfig, config: &Config) -> (String, bool) {
        match topic.get(self.name) {
            Some(value) => (value.clone(), true),
            None => ((self.default)(config), false),
        }
    }

    fn accepts(&self, value: &str) -> bool {
        match self.kind {
            Kind::Words(words) => words.contains(&value),
            Kind::Number(least) => value.parse().is_ok_and(|number: i64| number >= least),
        }
    }
}

/// Says what is wrong with a topic's settings, if anything.
pub fn check(topic: &TopicConfig) -> Result<(), String> {
    for (name, value) in topic {
        match SETTINGS.iter().find(|setting| setting.name == name) {
            None => return Err(format!("unknown topic config name: {name}")),
            Some(setting) if !setting.accepts(value) => {
                return Err(format!("invalid value {value:?} for configuration {name}"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// What the logs of a topic go by.
pub fn settings(topic: &TopicConfig, config: &Config) -> Settings {
    let number = |name: &str| topic.get(name).and_then(|value| value.parse::<i64>().ok());
    let keeps_all = topic.get("cleanup.policy").is_some_and(|policy| policy == "compact");
    let default_ms = config.retention.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    let retention_ms = number("retention.ms").or(default_ms).filter(|ms| *ms >= 0 && !keeps_all);
    let retention_bytes = number("retention.bytes").and_then(|bytes| u64::try_from(bytes).ok());
    Settings {
        segment_bytes: number("segment.bytes").map_or(config.segment_bytes, i64::unsigned_abs),
        batch_bytes: number("max.message.bytes").map_or(config.limits.batch_bytes, |bytes| bytes as usize),
        retention_ms,
        retention_bytes: retention_bytes.filter(|_| !keeps_all),
        flush: config.flush == FlushPolicy::EveryAppend,
    }
}
