//! The series that rules give themselves: of these history has nothing to say.

use std::collections::BTreeSet;

use event::Labels;

use crate::engine::{ActiveAlerts, program::Program};

/// By name.
#[derive(Debug)]
pub struct Own {
    records: BTreeSet<String>,
    alerts: BTreeSet<String>,
}

impl Own {
    /// Of the rules of `program`.
    pub fn of(program: &Program) -> Self {
        let names = |alerts: bool| {
            let rules = program.rules().filter(move |(_, rule)| rule.alert().is_some() == alerts);
            rules.map(|(_, rule)| rule.name.clone()).collect()
        };
        Own { records: names(false), alerts: names(true) }
    }

    /// Whether a series is one of them.
    pub fn has(&self, labels: &Labels) -> bool {
        let name = labels.metric_name();
        let is_alert = || labels.get("alertname").is_some_and(|alert| self.alerts.contains(alert));
        self.records.contains(name) || (ActiveAlerts::SERIES.contains(&name) && is_alert())
    }
}
