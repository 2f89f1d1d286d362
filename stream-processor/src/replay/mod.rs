//! Rules over the past: the same evaluator as live, fed with history piece by piece. No clock and no I/O: whoever has
//! the samples hands them in, and the same samples give the same firings.

mod compare;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use event::{Alert, AlertState, Labels, Series};

use crate::engine::{ActiveAlerts, Evaluator, Output, Problem, Setup, program::Program};

pub use compare::{AlertDifference, Difference, compare};

/// A time during which an alert fired: from the first step to the one at which it had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Firing {
    /// Milliseconds since 1970.
    pub from_ms: i64,
    /// Milliseconds since 1970; `None` if it fires still.
    pub to_ms: Option<i64>,
}

/// When each alert fired, by its labels.
pub type Firings = BTreeMap<Labels, Vec<Firing>>;

/// Rules on their way through the past.
pub struct Replay {
    evaluator: Evaluator,
    /// Names of series that the rules give themselves: of these history has nothing to say.
    own: BTreeSet<String>,
    grain_ms: i64,
    firings: Firings,
    problems: BTreeMap<String, Problem>,
}

impl Replay {
    /// Rules that have seen nothing.
    pub fn new(program: Arc<Program>) -> Self {
        let records = program.rules().filter(|(_, rule)| rule.alert().is_none());
        let own = records.map(|(_, rule)| rule.name.clone()).chain(ActiveAlerts::SERIES.map(str::to_owned));
        let setup = Setup { max_series: usize::MAX, max_lines: usize::MAX, ..Setup::default() };
        Replay {
            own: own.collect(),
            grain_ms: program.intervals().fold(0, gcd).max(1),
            evaluator: Evaluator::new(program, setup),
            firings: Firings::new(),
            problems: BTreeMap::new(),
        }
    }

    /// Takes in samples; those of series that the rules give themselves are passed over.
    pub fn feed(&mut self, series: &[Series]) {
        for one in series.iter().filter(|one| !self.own.contains(one.labels.metric_name())) {
            for sample in &one.samples {
                self.evaluator.insert(&one.labels, *sample);
            }
        }
    }

    /// Evaluates every step later than `from_ms`, up to and including `to_ms`.
    pub fn advance(&mut self, from_ms: i64, to_ms: i64) {
        let mut step = from_ms.div_euclid(self.grain_ms).saturating_add(1).saturating_mul(self.grain_ms);
        while step <= to_ms {
            let outputs = self.evaluator.evaluate(step);
            for output in &outputs {
                if let Output::Alert(alert) = output {
                    self.note(alert);
                }
            }
            for problem in self.evaluator.take_problems() {
                self.problems.entry(problem.place.clone()).or_insert(problem);
            }
            step = step.saturating_add(self.grain_ms);
        }
        self.evaluator.forget_before(to_ms);
    }

    /// When each alert fired, and what went wrong: of each rule the first error.
    pub fn finish(self) -> (Firings, Vec<Problem>) {
        (self.firings, self.problems.into_values().collect())
    }

    fn note(&mut self, alert: &Alert) {
        let at = alert.evaluated_at.as_millisecond();
        match alert.state {
            AlertState::Firing => {
                let firing = Firing { from_ms: at, to_ms: None };
                self.firings.entry(alert.labels.clone()).or_default().push(firing);
            }
            AlertState::Resolved => {
                let last = self.firings.get_mut(&alert.labels).and_then(|all| all.last_mut());
                if let Some(last) = last {
                    last.to_ms = Some(at);
                }
            }
            AlertState::Pending | AlertState::Inactive => {}
        }
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
