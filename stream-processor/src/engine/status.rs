//! Groups, rules and alerts as they stand, for people and their programs.

use std::time::Duration;

use super::{
    alert::ActiveAlert,
    evaluator::Evaluator,
    program::{Action, Group, Rule},
    states::{Health, RuleState},
    template::Template,
};

/// A group and how its last evaluation went.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupStatus {
    /// Its name.
    pub name: String,
    /// The file it is from.
    pub file: String,
    /// Steps are multiples of it.
    pub interval_ms: i64,
    /// How many series or alerts one rule may give; 0: any number.
    pub limit: usize,
    /// In their order.
    pub rules: Vec<RuleStatus>,
}

/// A rule and how its last evaluation went.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleStatus {
    /// Name of the series or of the alert.
    pub name: String,
    /// The expression, formatted.
    pub expr: String,
    /// As they are written.
    pub labels: Vec<(String, String)>,
    /// How it went.
    pub health: Health,
    /// The rest, if it is an alert.
    pub alert: Option<AlertStatus>,
}

/// What only alerting rules have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertStatus {
    /// `for`
    pub hold_ms: i64,
    /// `keep_firing_for`
    pub keep_firing_ms: i64,
    /// As they are written.
    pub annotations: Vec<(String, String)>,
    /// Those that are pending, firing or unknown, in the order of their labels.
    pub active: Vec<ActiveAlert>,
}

impl Evaluator {
    /// All groups, in the order in which they are evaluated.
    pub fn status(&self) -> Vec<GroupStatus> {
        let groups = self.program.groups.iter().zip(&self.states.groups);
        groups.map(|(group, state)| group_status(group, &state.rules)).collect()
    }
}

impl GroupStatus {
    /// The last step, in milliseconds since 1970; `None` before the first.
    pub fn evaluated_ms(&self) -> Option<i64> {
        self.rules.iter().filter_map(|rule| rule.health.evaluated_ms).max()
    }

    /// How long all of its rules took.
    pub fn took(&self) -> Duration {
        self.rules.iter().map(|rule| rule.health.took).sum()
    }
}

fn group_status(group: &Group, states: &[RuleState]) -> GroupStatus {
    let rules = group.rules.iter().zip(states).map(|(rule, state)| rule_status(rule, state));
    GroupStatus {
        name: group.name.clone(),
        file: group.file.clone(),
        interval_ms: group.interval_ms,
        limit: group.limit,
        rules: rules.collect(),
    }
}

fn rule_status(rule: &Rule, state: &RuleState) -> RuleStatus {
    let (labels, alert) = match &rule.action {
        Action::Record { labels } => (labels.clone(), None),
        Action::Alert(spec) => {
            let alert = AlertStatus {
                hold_ms: spec.hold_ms,
                keep_firing_ms: spec.keep_firing_ms,
                annotations: texts(&spec.annotations),
                active: state.alerts.list(),
            };
            (texts(&spec.labels), Some(alert))
        }
    };
    let (name, expr) = (rule.name.clone(), rule.formatted.clone());
    RuleStatus { name, expr, labels, health: state.health.clone(), alert }
}

fn texts(templates: &[(String, Template)]) -> Vec<(String, String)> {
    templates.iter().map(|(name, template)| (name.clone(), template.text().to_owned())).collect()
}
