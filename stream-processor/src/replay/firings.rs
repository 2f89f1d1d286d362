//! When alerts fired, as the outputs of a replay tell it.

use std::collections::BTreeMap;

use event::{Alert, AlertState, Labels};

use crate::engine::{Output, Problem};

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

/// What a replay has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// When each alert fired.
    pub firings: Firings,
    /// What went wrong: of each rule the first error.
    pub problems: BTreeMap<String, Problem>,
}

impl Findings {
    /// Takes in what a step has given.
    pub fn note(&mut self, outputs: &[Output], problems: Vec<Problem>) {
        for output in outputs {
            if let Output::Alert(alert) = output {
                self.note_alert(alert);
            }
        }
        for problem in problems {
            self.problems.entry(problem.place.clone()).or_insert(problem);
        }
    }

    fn note_alert(&mut self, alert: &Alert) {
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
            AlertState::Pending | AlertState::Unknown | AlertState::Inactive => {}
        }
    }
}
