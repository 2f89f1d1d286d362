//! The alerts of one rule, and how they move between pending, firing and resolved. The decisions are those of
//! Prometheus' `AlertingRule`.

use std::collections::{BTreeMap, BTreeSet};

use event::{Alert, AlertState, Evidence, Labels, METRIC_NAME};
use jiff::Timestamp;

use super::{alert_step::AlertStep, recording::Point};

/// Alerts of one rule that are pending, firing or unknown, by the fingerprint of their labels.
#[derive(Debug, Default)]
pub struct ActiveAlerts(BTreeMap<u64, Active>);

#[derive(Clone, Debug)]
pub(super) struct Active {
    pub labels: Labels,
    pub annotations: Labels,
    pub value: f64,
    pub active_at: i64,
    pub fired_at: Option<i64>,
    pub keep_firing_since: Option<i64>,
    pub unknown_since: Option<i64>,
    /// Of the last transition.
    pub evidence: Option<Evidence>,
}

/// An alert that is pending, firing or unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveAlert {
    /// With `alertname`.
    pub labels: Labels,
    /// Texts as of the last evaluation.
    pub annotations: Labels,
    /// Pending, firing or unknown.
    pub state: AlertState,
    /// Since when the expression holds, in milliseconds since 1970.
    pub active_at_ms: i64,
    /// Since when it only goes on to fire.
    pub keep_firing_since_ms: Option<i64>,
    /// Of the expression.
    pub value: f64,
    /// Of its last transition.
    pub evidence: Option<Evidence>,
}

impl ActiveAlert {
    /// Whether it has held long enough.
    pub fn is_firing(&self) -> bool {
        self.state == AlertState::Firing
    }
}

impl ActiveAlerts {
    /// The names of the series that alerts are shown as.
    pub const SERIES: [&str; 2] = ["ALERTS", "ALERTS_FOR_STATE"];

    /// All of them, in the order of their labels.
    pub fn list(&self) -> Vec<ActiveAlert> {
        let mut all: Vec<ActiveAlert> = self.0.values().map(Active::shown).collect();
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        all
    }

    /// As series: `ALERTS` is 1 for each state that an alert has, `ALERTS_FOR_STATE` is since when it is active.
    pub fn series(&self) -> Vec<(Labels, Point)> {
        let [alerts, for_state] = Self::SERIES;
        let series = self.0.values().flat_map(|active| {
            let named = active.labels.with(METRIC_NAME, alerts).with("alertstate", active.state().name());
            let since = active.labels.with(METRIC_NAME, for_state);
            let seconds = active.active_at.div_euclid(1_000) as f64;
            [(named, Point::Number(1.0)), (since, Point::Number(seconds))]
        });
        series.collect()
    }

    /// Moves every alert on by one step, given the result of the expression; gives the transitions.
    ///
    /// # Errors
    /// When two alerts would have the same labels; nothing moves then. When there are more alerts than the
    /// group allows; they all end then, and the transitions come with the error.
    pub fn advance(
        &mut self,
        step: &AlertStep<'_>,
        results: Vec<(Labels, f64)>,
    ) -> (Vec<Alert>, Result<(), String>) {
        let found = match step.render_all(results) {
            Ok(found) => found,
            Err(error) => return (Vec::new(), Err(error)),
        };
        let present: BTreeSet<u64> = found.keys().copied().collect();
        self.take_in(found);
        let mut transitions = self.end(step, |fingerprint| present.contains(&fingerprint));
        transitions.extend(self.begin_to_fire(step, &present));
        let outcome = self.check_limit(step, &mut transitions);
        transitions.sort_by(|a, b| a.labels.cmp(&b.labels));
        (transitions, outcome)
    }

    /// Takes over an alert as its last transition describes it.
    pub fn restore(&mut self, alert: &Alert) {
        let fingerprint = alert.labels.fingerprint();
        match alert.state {
            AlertState::Resolved | AlertState::Inactive => drop(self.0.remove(&fingerprint)),
            AlertState::Pending | AlertState::Firing | AlertState::Unknown => {
                let since = alert.evaluated_at.as_millisecond();
                let restored = Active {
                    labels: alert.labels.clone(),
                    annotations: alert.annotations.clone(),
                    value: alert.value,
                    active_at: alert.active_at.as_millisecond(),
                    fired_at: alert.starts_at.map(Timestamp::as_millisecond),
                    keep_firing_since: None,
                    unknown_since: (alert.state == AlertState::Unknown).then_some(since),
                    evidence: alert.evidence.clone(),
                };
                self.0.insert(fingerprint, restored);
            }
        }
    }

    /// Looks at a step again whose transitions are known already: brings values, texts and the begin of
    /// `keep_firing_for` up to date, which no transition tells.
    ///
    /// # Errors
    /// As [`ActiveAlerts::advance`].
    pub fn relive(
        &mut self,
        step: &AlertStep<'_>,
        results: Vec<(Labels, f64)>,
    ) -> (Vec<Alert>, Result<(), String>) {
        let found = match step.render_all(results) {
            Ok(found) => found,
            Err(error) => return (Vec::new(), Err(error)),
        };
        for (fingerprint, active) in &mut self.0 {
            match found.get(fingerprint) {
                Some(seen) if active.active_at <= step.step_ms => {
                    (active.value, active.annotations) = (seen.value, seen.annotations.clone());
                    active.keep_firing_since = None;
                }
                None if active.fired_at.is_some_and(|at| at <= step.step_ms) => {
                    active.keeps_firing(step);
                }
                _ => {}
            }
        }
        (Vec::new(), Ok(()))
    }

    /// How many are pending, and how many have fired and are not resolved.
    pub fn count(&self) -> (usize, usize) {
        let firing = self.0.values().filter(|a| a.fired_at.is_some()).count();
        (self.0.len() - firing, firing)
    }

    fn take_in(&mut self, found: BTreeMap<u64, Active>) {
        for (fingerprint, new) in found {
            match self.0.get_mut(&fingerprint) {
                Some(active) => {
                    (active.value, active.annotations) = (new.value, new.annotations);
                    active.keep_firing_since = None;
                }
                None => drop(self.0.insert(fingerprint, new)),
            }
        }
    }

    /// Ends alerts that hold no more, unless they go on to fire for a while, or nobody knows.
    fn end(&mut self, step: &AlertStep<'_>, holds: impl Fn(u64) -> bool) -> Vec<Alert> {
        let mut transitions = Vec::new();
        self.0.retain(|fingerprint, active| {
            if holds(*fingerprint) || active.keeps_firing(step) {
                return true;
            }
            if !active.is_unknown(step) {
                transitions.push(step.transition(active, active.ended()));
                return false;
            }
            if active.unknown_since.is_none() {
                (active.unknown_since, active.keep_firing_since) = (Some(step.step_ms), None);
                transitions.push(step.announced(active, AlertState::Unknown));
            }
            true
        });
        transitions
    }

    fn begin_to_fire(&mut self, step: &AlertStep<'_>, present: &BTreeSet<u64>) -> Vec<Alert> {
        let mut transitions = Vec::new();
        for (_, active) in self.0.iter_mut().filter(|(f, _)| present.contains(f)) {
            let returns = active.unknown_since.take().is_some();
            let state = if returns {
                AlertState::Firing
            } else if active.fired_at.is_some() {
                continue;
            } else if step.step_ms - active.active_at >= step.spec.hold_ms {
                active.fired_at = Some(step.step_ms);
                AlertState::Firing
            } else if active.active_at == step.step_ms {
                AlertState::Pending
            } else {
                continue;
            };
            transitions.push(step.announced(active, state));
        }
        transitions
    }

    fn check_limit(&mut self, step: &AlertStep<'_>, transitions: &mut Vec<Alert>) -> Result<(), String> {
        let (limit, count) = (step.group.limit, self.0.len());
        if limit == 0 || count <= limit {
            return Ok(());
        }
        // Those that began in this very step were never announced: they leave no trace.
        transitions.retain(|t| matches!(t.state, AlertState::Resolved | AlertState::Inactive));
        let now = step.step_ms;
        self.0.retain(|_, a| a.active_at != now);
        for active in self.0.values_mut() {
            active.fired_at = active.fired_at.filter(|at| *at != now);
        }
        transitions.extend(self.0.values().map(|active| step.transition(active, active.ended())));
        self.0.clear();
        Err(format!("exceeded limit of {limit} with {count} alerts"))
    }
}

impl Active {
    fn state(&self) -> AlertState {
        match (self.fired_at, self.unknown_since) {
            (None, _) => AlertState::Pending,
            (Some(_), None) => AlertState::Firing,
            (Some(_), Some(_)) => AlertState::Unknown,
        }
    }

    fn shown(&self) -> ActiveAlert {
        ActiveAlert {
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
            state: self.state(),
            active_at_ms: self.active_at,
            keep_firing_since_ms: self.keep_firing_since,
            value: self.value,
            evidence: self.evidence.clone(),
        }
    }

    /// Whether it only goes on to fire, and remembers since when.
    fn keeps_firing(&mut self, step: &AlertStep<'_>) -> bool {
        if self.fired_at.is_none() || self.unknown_since.is_some() || step.spec.keep_firing_ms == 0 {
            return false;
        }
        let since = *self.keep_firing_since.get_or_insert(step.step_ms);
        step.step_ms - since < step.spec.keep_firing_ms
    }

    /// Whether it fired, and what is behind it has been silent, not for too long.
    fn is_unknown(&self, step: &AlertStep<'_>) -> bool {
        let Some(silence) = step.silence.filter(|_| self.fired_at.is_some()) else { return false };
        let since = self.unknown_since.unwrap_or(step.step_ms);
        // Whoever looks seldom must not take a sample that has come since for an old one.
        let after_ms = silence.after_ms.max(step.group.interval_ms.saturating_mul(2));
        step.step_ms - since < silence.unknown_ms && step.behind.is_silent(&self.labels, after_ms)
    }

    fn ended(&self) -> AlertState {
        if self.fired_at.is_some() { AlertState::Resolved } else { AlertState::Inactive }
    }
}
