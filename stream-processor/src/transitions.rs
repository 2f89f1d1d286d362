//! Transitions of alerts as records of their topic: what is written, and what of it is kept when they are read back.

use std::collections::HashMap;

use event::{Alert, AlertState};

/// Bytes of a transition with its evidence: half of what a Kafka topic takes by default, for rules of any labels.
const MOST_BYTES: usize = 512 << 10;

/// The record of a transition. Evidence that makes it too large is left out, so that the transition itself is not
/// refused; this depends on nothing but its bytes.
pub fn record(alert: Alert) -> Vec<u8> {
    let whole = alert.to_json();
    if whole.len() <= MOST_BYTES || alert.evidence.is_none() {
        return whole;
    }
    tracing::warn!(labels = %alert.labels, bytes = whole.len(), "alert without its evidence, which is too large");
    Alert { evidence: None, ..alert }.to_json()
}

/// The last transition of each alert that has not ended.
#[derive(Default)]
pub struct Standing(HashMap<(String, String), Alert>);

impl Standing {
    /// One more, in the order of the topic.
    pub fn note(&mut self, alert: Alert) {
        let identity = (alert.group.clone(), alert.fingerprint.clone());
        match alert.state {
            AlertState::Resolved | AlertState::Inactive => drop(self.0.remove(&identity)),
            AlertState::Pending | AlertState::Firing | AlertState::Unknown => {
                self.0.insert(identity, alert);
            }
        }
    }

    /// All of them, in any order.
    pub fn into_alerts(self) -> impl Iterator<Item = Alert> {
        self.0.into_values()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alert(fingerprint: &str, state: &str, line: &str) -> Alert {
        let at = "2026-11-21T10:56:00Z";
        let line = json!({"source": "s", "position": 1, "timestamp": at, "labels": {}, "line": line});
        let record = json!({"version": 2, "state": state, "fingerprint": fingerprint,
            "labels": {"alertname": "Full"}, "annotations": {}, "value": 1.0, "activeAt": at, "evaluatedAt": at,
            "group": "g", "generatorURL": "/graph?", "evidence": {"query": "/api", "lines": [line]}});
        Alert::from_json(record.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn evidence_that_is_too_large_is_left_out_and_nothing_else() {
        let frame = record(alert("a", "firing", "")).len();
        let fits = alert("a", "firing", &"x".repeat(MOST_BYTES - frame));
        assert_eq!(record(fits.clone()), fits.to_json());
        let large = alert("a", "firing", &"x".repeat(MOST_BYTES - frame + 1));
        let written = Alert::from_json(&record(large.clone())).unwrap();
        assert_eq!(written, Alert { evidence: None, ..large });
    }

    #[test]
    fn alerts_that_have_ended_are_not_kept() {
        let mut standing = Standing::default();
        let states =
            [("a", "firing"), ("b", "pending"), ("c", "firing"), ("a", "resolved"), ("b", "inactive")];
        states.into_iter().for_each(|(fingerprint, state)| standing.note(alert(fingerprint, state, "")));
        standing.note(alert("c", "unknown", ""));
        let left: Vec<Alert> = standing.into_alerts().collect();
        assert_eq!(left, [alert("c", "unknown", "")]);
    }
}
