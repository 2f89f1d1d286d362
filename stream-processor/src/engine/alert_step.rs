//! What an alerting rule makes of the result of its expression at one step.

use std::collections::BTreeMap;

use event::{Alert, AlertState, Labels, METRIC_NAME, alert::ALERT_VERSION};
use jiff::Timestamp;

use super::{
    alert::Active,
    evaluator::Silence,
    evidence::Behind,
    functions::graph_link,
    program::{AlertSpec, Group, Rule},
    template::{External, RunQuery, Template},
};

/// What one rule sees at one step.
pub struct AlertStep<'a> {
    /// Its group.
    pub group: &'a Group,
    /// The rule.
    pub rule: &'a Rule,
    /// The rest of the rule.
    pub spec: &'a AlertSpec,
    /// What templates show of the installation.
    pub external: &'a External,
    /// Milliseconds since 1970.
    pub step_ms: i64,
    /// Answers queries of templates.
    pub run: &'a RunQuery<'a>,
    /// For evidence, and to know who is silent.
    pub behind: &'a Behind<'a>,
    /// When silence keeps an alert from ending, if ever.
    pub silence: Option<Silence>,
}

impl AlertStep<'_> {
    /// An alert for each series of the result, by its fingerprint.
    ///
    /// # Errors
    /// When two of them have the same labels.
    pub(super) fn render_all(&self, results: Vec<(Labels, f64)>) -> Result<BTreeMap<u64, Active>, String> {
        let mut found = BTreeMap::new();
        for (series, value) in results {
            let labels = self.labels(&series, value);
            let annotations = self.spec.annotations.iter();
            let active = Active {
                annotations: annotations.map(|(n, t)| (n.as_str(), self.render(t, &series, value))).collect(),
                labels: labels.clone(),
                value,
                active_at: self.step_ms,
                fired_at: None,
                keep_firing_since: None,
                unknown_since: None,
                evidence: None,
            };
            if found.insert(labels.fingerprint(), active).is_some() {
                let why = "vector contains metrics with the same labelset after applying alert labels";
                return Err(format!("{why}: {labels}"));
            }
        }
        Ok(found)
    }

    fn labels(&self, series: &Labels, value: f64) -> Labels {
        let own = series.iter().filter(|(n, _)| *n != METRIC_NAME);
        let own = own.map(|(n, v)| (n.to_owned(), v.to_owned()));
        let added = self.spec.labels.iter().map(|(n, t)| (n.clone(), self.render(t, series, value)));
        own.chain(added).chain([("alertname".to_owned(), self.rule.name.clone())]).collect()
    }

    fn render(&self, template: &Template, series: &Labels, value: f64) -> String {
        let rendered = template.render(series, value, self.external, self.run);
        rendered.unwrap_or_else(|error| format!("<error expanding template: {error}>"))
    }

    /// As [`AlertStep::transition`], of an alert that stays.
    pub(super) fn announced(&self, active: &mut Active, state: AlertState) -> Alert {
        let transition = self.transition(active, state);
        active.evidence = transition.evidence.clone();
        transition
    }

    /// What `active` has become.
    pub(super) fn transition(&self, active: &Active, state: AlertState) -> Alert {
        let ended = matches!(state, AlertState::Resolved | AlertState::Inactive);
        Alert {
            version: ALERT_VERSION,
            state,
            fingerprint: format!("{:016x}", active.labels.fingerprint()),
            labels: active.labels.clone(),
            annotations: active.annotations.clone(),
            value: active.value,
            active_at: time(active.active_at),
            starts_at: active.fired_at.map(time),
            ends_at: ended.then(|| time(self.step_ms)),
            evaluated_at: time(self.step_ms),
            group: self.group.name.clone(),
            generator_url: format!("{}{}", self.external.link_base(), graph_link(&self.rule.expr, 1)),
            evidence: self.behind.evidence(&active.labels),
        }
    }
}

fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}
