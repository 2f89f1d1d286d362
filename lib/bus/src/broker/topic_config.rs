//! The settings that a topic can have, by their Kafka names: one row each.

use super::config::{Config, FlushPolicy};
use super::log::Settings;
use super::log::compaction::Compaction;
use std::collections::BTreeMap;

// Kafka's defaults.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const DELETE_RETENTION_MS: i64 = DAY_MS;
const SEGMENT_MS: i64 = 7 * DAY_MS;
const MIN_DIRTY_RATIO: f64 = 0.5;

/// A topic's own settings, by name.
pub type TopicConfig = BTreeMap<String, String>;

/// Kafka's numbers for the type of a setting, as DescribeConfigs reports them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One of a few words.
    Word(&'static [&'static str]),
    /// Some of a few words, with commas between them.
    Words(&'static [&'static str]),
    /// A whole number not below this.
    Number(i64),
    /// From 0 to 1.
    Ratio,
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
    Setting {
        name: "cleanup.policy",
        kind: Kind::Words(&["delete", "compact"]),
        default: |_| "delete".into(),
    },
    Setting { name: "compression.type", kind: Kind::Word(&["producer"]), default: |_| "producer".into() },
    Setting {
        name: "delete.retention.ms",
        kind: Kind::Number(0),
        default: |_| DELETE_RETENTION_MS.to_string(),
    },
    Setting {
        name: "max.message.bytes",
        kind: Kind::Number(0),
        default: |c| c.limits.batch_bytes.to_string(),
    },
    Setting {
        name: "message.timestamp.type",
        kind: Kind::Word(&["CreateTime"]),
        default: |_| "CreateTime".into(),
    },
    Setting {
        name: "min.cleanable.dirty.ratio",
        kind: Kind::Ratio,
        default: |_| MIN_DIRTY_RATIO.to_string(),
    },
    Setting { name: "min.insync.replicas", kind: Kind::Number(1), default: |_| "1".into() },
    Setting {
        name: "retention.bytes",
        kind: Kind::Number(-1),
        default: |c| c.retention_bytes.map_or_else(|| "-1".into(), |bytes| bytes.to_string()),
    },
    Setting { name: "retention.ms", kind: Kind::Number(-1), default: default_retention },
    Setting { name: "segment.bytes", kind: Kind::Number(1024), default: |c| c.segment_bytes.to_string() },
    Setting { name: "segment.ms", kind: Kind::Number(1), default: |_| SEGMENT_MS.to_string() },
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
            Kind::Word(words) => words.contains(&value),
            Kind::Words(words) => value.split(',').all(|word| words.contains(&word.trim())),
            Kind::Ratio => value.parse().is_ok_and(|ratio: f64| (0.0..=1.0).contains(&ratio)),
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

/// A change of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// To this value.
    Set(String),
    /// Back to the default.
    Reset,
    /// Puts words into a list.
    Add(String),
    /// Takes words out of a list.
    Remove(String),
}

/// Changes one setting of a topic, or says why not. Whether the new value is a good one is for [`check`].
pub fn change(topic: &mut TopicConfig, name: &str, change: Change, config: &Config) -> Result<(), String> {
    let setting = SETTINGS.iter().find(|setting| setting.name == name);
    let setting = setting.ok_or_else(|| format!("unknown topic config name: {name}"))?;
    let is_list = matches!(setting.kind, Kind::Words(_));
    let (now, _) = setting.value(topic, config);
    let words = |text: &str| -> Vec<String> { text.split(',').map(|word| word.trim().to_owned()).collect() };
    let without =
        |unwanted: &[String]| words(&now).into_iter().filter(|word| !unwanted.contains(word)).collect();
    let value = match change {
        Change::Reset => {
            topic.remove(name);
            return Ok(());
        }
        Change::Set(value) => value,
        Change::Add(_) | Change::Remove(_) if !is_list => {
            return Err(format!("configuration {name} is no list to add to or remove from"));
        }
        Change::Add(more) => [without(&words(&more)), words(&more)].concat().join(","),
        Change::Remove(unwanted) => without(&words(&unwanted)).join(","),
    };
    topic.insert(name.to_owned(), value);
    Ok(())
}

/// What the logs of a topic go by.
pub fn settings(topic: &TopicConfig, config: &Config) -> Settings {
    let number = |name: &str| topic.get(name).and_then(|value| value.parse::<i64>().ok());
    let policy = topic.get("cleanup.policy").map_or("delete", String::as_str);
    let deletes = policy.contains("delete");
    let default_ms = config.retention.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    let retention_ms = number("retention.ms").or(default_ms).filter(|ms| *ms >= 0 && deletes);
    let retention_bytes = match number("retention.bytes") {
        Some(bytes) => u64::try_from(bytes).ok(),
        None => config.retention_bytes,
    };
    let ratio = topic.get("min.cleanable.dirty.ratio").and_then(|ratio| ratio.parse().ok());
    let compaction = Compaction {
        dirty_ratio: ratio.unwrap_or(MIN_DIRTY_RATIO),
        delete_retention_ms: number("delete.retention.ms").unwrap_or(DELETE_RETENTION_MS),
    };
    Settings {
        segment_bytes: number("segment.bytes").map_or(config.segment_bytes, i64::unsigned_abs),
        batch_bytes: number("max.message.bytes").map_or(config.limits.batch_bytes, |bytes| bytes as usize),
        segment_ms: number("segment.ms").unwrap_or(SEGMENT_MS),
        retention_ms,
        retention_bytes: retention_bytes.filter(|_| deletes),
        compaction: policy.contains("compact").then_some(compaction),
        flush: config.flush == FlushPolicy::EveryAppend,
    }
}
