//! After a restart: the state is what the topics say. Samples are read back over [`Engine::history_ms`],
//! alerts and the engine's own series from the topics to which they were written.

use std::collections::HashSet;

use event::{Alert, AlertState, SampleBatch, alert::ALERT_VERSION};
use jiff::Timestamp;

use super::{Engine, Evaluator, MOST_AHEAD_MS, Output, program::Program};

/// Silence over more than this is jumped over, even while alerts wait for a longer `for`.
pub(super) const MOST_SETTLE_MS: i64 = 86_400_000;

/// What is known from before a restart.
#[derive(Debug, Default)]
pub(super) struct Resumed {
    /// Steps up to here gave their outputs.
    pub at: Option<i64>,
    /// Transitions later than that which were written nevertheless.
    published: HashSet<(String, Timestamp, AlertState)>,
    /// Alerts whose rules are gone.
    orphans: Vec<Alert>,
}

impl Engine {
    /// Before anything is fed: `at` is the last step whose outputs are written and committed, if any. `transitions`
    /// are those of the alert topic, in its order; those later than `at` were written without being
    /// committed, and will not be given again. Steps up to `at` give nothing; feed samples from
    /// `at - history_ms()` on.
    pub fn resume(&mut self, at: Option<i64>, transitions: &[Alert]) {
        self.resumed.at = at;
        if let Some(at) = at {
            self.schedule.finish(at.saturating_sub(self.relive_ms()));
        }
        for alert in transitions {
            if at.is_none_or(|at| alert.evaluated_at.as_millisecond() > at) {
                self.resumed.published.insert((alert.fingerprint.clone(), alert.evaluated_at, alert.state));
            } else {
                self.restore_alert(alert);
            }
        }
    }

    /// After [`Engine::resume`]: takes over a batch of the derived topic, in its order, from
    /// `at - history_ms()` on.
    pub fn resume_series(&mut self, batch: &SampleBatch) {
        // Steps behind this one are evaluated again, which gives their series.
        let (Some(at), Some(_)) = (self.schedule.done(), self.resumed.at) else { return };
        let publisher = self.evaluator.states.publishers().find(|p| p.source() == batch.source);
        let Some(publisher) = publisher.filter(|_| i64::try_from(batch.position).is_ok_and(|p| p <= at))
        else {
            return;
        };
        publisher.restore(batch);
        self.evaluator.remember(batch);
    }

    /// How far before a step samples have to be read back.
    pub fn history_ms(&self) -> i64 {
        let interval = self.evaluator.program.intervals().max().unwrap_or(0);
        let margin = MOST_AHEAD_MS + self.options.lateness_ms + self.options.skew_ms;
        [self.horizon_ms, self.relive_ms(), interval, margin].into_iter().fold(0, i64::saturating_add)
    }

    /// Steps that are looked at again after a restart.
    fn relive_ms(&self) -> i64 {
        let alerts = self.evaluator.program.rules().filter_map(|(group, rule)| Some((group, rule.alert()?)));
        let longest =
            alerts.map(|(g, a)| a.keep_firing_ms.min(MOST_SETTLE_MS).saturating_add(g.interval_ms)).max();
        longest.unwrap_or(0).max(self.evaluator.program.intervals().max().unwrap_or(0))
    }

    fn restore_alert(&mut self, alert: &Alert) {
        let Evaluator { program, states, .. } = &mut self.evaluator;
        for (group, state) in program.groups.iter().zip(&mut states.groups) {
            for (rule, state) in group.rules.iter().zip(&mut state.rules) {
                let Some(spec) = rule.alert().filter(|_| group.name == alert.group) else { continue };
                let fits = |(name, template): &(String, super::Template)| {
                    template.text().contains("{{") || alert.labels.get(name).unwrap_or("") == template.text()
                };
                let named = alert.labels.get("alertname") == Some(&rule.name);
                if named && spec.labels.iter().all(fits) {
                    return state.alerts.restore(alert);
                }
            }
        }
        if matches!(alert.state, AlertState::Pending | AlertState::Firing | AlertState::Unknown) {
            self.resumed.orphans.push(alert.clone());
        }
    }

    /// What a step gives that was not given before the restart.
    pub(super) fn evaluate(&mut self, step: i64) -> Vec<Output> {
        if self.resumed.at.is_some_and(|at| step <= at) {
            self.evaluator.relive(step);
            return Vec::new();
        }
        let mut outputs = self.end_orphans(step);
        outputs.extend(self.evaluator.evaluate(step));
        outputs.retain(|output| !matches!(output, Output::Alert(alert) if self.resumed.is_published(alert)));
        outputs
    }

    /// Alerts of rules that are gone end at the first step after the restart.
    fn end_orphans(&mut self, step: i64) -> Vec<Output> {
        let now = Timestamp::from_millisecond(step).unwrap_or(Timestamp::MAX);
        let mut ended: Vec<Alert> = self.resumed.orphans.drain(..).collect();
        ended.sort_by(|a, b| (&a.group, &a.labels).cmp(&(&b.group, &b.labels)));
        for alert in &mut ended {
            let fired = alert.state != AlertState::Pending;
            alert.state = if fired { AlertState::Resolved } else { AlertState::Inactive };
            (alert.evaluated_at, alert.ends_at) = (now, Some(now));
            // Their expressions are gone.
            (alert.version, alert.evidence) = (ALERT_VERSION, None);
        }
        ended.into_iter().map(Output::Alert).collect()
    }
}

impl Resumed {
    /// Whether a transition was written before the restart without being committed.
    fn is_published(&mut self, alert: &Alert) -> bool {
        self.published.remove(&(alert.fingerprint.clone(), alert.evaluated_at, alert.state))
    }
}

/// For how long after the last event steps can still bring something new: the longest look-back, then `for`
/// and `keep_firing_for`, each up to the next step.
pub(super) fn horizon_ms(program: &Program) -> i64 {
    let look_back = program.look_back_ms();
    let settle = program.settle_ms().min(MOST_SETTLE_MS);
    let interval = program.intervals().max().unwrap_or(0);
    [look_back, settle, interval, interval].into_iter().fold(0, i64::saturating_add)
}
