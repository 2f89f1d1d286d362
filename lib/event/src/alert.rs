//! One transition of one alert: the record of the alert topic. Field names are those of Alertmanager's API
//! where it has the field; the schema for readers in other languages is `docs/alert.schema.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Evidence, Labels};

/// The version that this code writes.
pub const ALERT_VERSION: u32 = 2;
/// The oldest that it reads. Version 1 has no evidence.
const OLDEST_VERSION: u32 = 1;

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// The expression holds, but not yet for as long as `for` asks.
    Pending,
    /// It has held for long enough.
    Firing,
    /// It fired, and nobody knows whether it still holds: the sources behind it have fallen silent.
    Unknown,
    /// It fired and holds no more.
    Resolved,
    /// It was pending and holds no more: it never fired.
    Inactive,
}

impl AlertState {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            AlertState::Pending => "pending",
            AlertState::Firing => "firing",
            AlertState::Unknown => "unknown",
            AlertState::Resolved => "resolved",
            AlertState::Inactive => "inactive",
        }
    }
}

/// One transition. The same input gives the same record, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// [`ALERT_VERSION`], or an older one of a record that was read.
    pub version: u32,
    /// The state that the alert has entered.
    pub state: AlertState,
    /// Identity of the alert: the labels' fingerprint, 16 hexadecimal digits. Key of the record.
    pub fingerprint: String,
    /// `alertname`, the rule's labels and those of the series.
    pub labels: Labels,
    /// Rendered texts.
    pub annotations: Labels,
    /// The expression's value at this step; `"NaN"`, `"+Inf"` and `"-Inf"` where JSON has no number.
    #[serde(with = "crate::json::number")]
    pub value: f64,
    /// Since when the expression holds.
    pub active_at: Timestamp,
    /// When it began to fire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// The step (event time) of this transition.
    pub evaluated_at: Timestamp,
    /// Name of the rule group.
    pub group: String,
    /// Where to see the expression: path and query of Prometheus' graph page, behind the URL of the installation if
    /// it has one.
    #[serde(rename = "generatorURL")]
    pub generator_url: String,
    /// What the expression saw; not there if the rule is gone, none is wanted, or it is too large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

impl Alert {
    /// # Errors
    /// When `record` is no alert, or one of a version that this code does not know.
    pub fn from_json(record: &[u8]) -> Result<Self, crate::DecodeError> {
        let alert: Alert = serde_json::from_slice(record)?;
        match alert.version {
            OLDEST_VERSION..=ALERT_VERSION => Ok(alert),
            other => Err(crate::DecodeError::UnknownVersion { found: other, known: ALERT_VERSION }),
        }
    }

    /// The record's value.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an alert has only string keys")
    }
}
