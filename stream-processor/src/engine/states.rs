//! What windows and rules remember from step to step.

use std::{collections::HashMap, time::Duration};

use super::{alert::ActiveAlerts, program::Program, recording::Publisher};

/// One for each window and each group.
#[derive(Debug)]
pub struct States {
    pub windows: Vec<Publisher>,
    pub groups: Vec<GroupState>,
}

#[derive(Debug)]
pub struct GroupState {
    pub publisher: Publisher,
    pub rules: Vec<RuleState>,
}

/// What is remembered of a rule.
#[derive(Debug, Default)]
pub struct RuleState {
    /// Empty for recording rules.
    pub alerts: ActiveAlerts,
    /// How its last evaluation went.
    pub health: Health,
}

/// How the last evaluation of a rule went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// Its step; `None` before the first.
    pub evaluated_ms: Option<i64>,
    /// How long it took, if there is a stopwatch.
    pub took: Duration,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

impl States {
    pub fn new(program: &Program) -> Self {
        let mut names = HashMap::<String, usize>::new();
        // Groups of one name in several files: the second is `name#2`.
        let mut publisher = |source: String| {
            let count = names.entry(source.clone()).or_default();
            *count += 1;
            Publisher::new(if *count == 1 { source } else { format!("{source}#{count}") })
        };
        let windows = program.windows.iter().map(|w| publisher(format!("windows/{}", w.name))).collect();
        let groups = program.groups.iter().map(|group| GroupState {
            publisher: publisher(format!("rules/{}", group.name)),
            rules: group.rules.iter().map(|_| RuleState::default()).collect(),
        });
        States { windows, groups: groups.collect() }
    }

    pub fn count_alerts(&self) -> (usize, usize) {
        let counts = self.groups.iter().flat_map(|g| &g.rules).map(|rule| rule.alerts.count());
        counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    pub fn publishers(&mut self) -> impl Iterator<Item = &mut Publisher> {
        self.windows.iter_mut().chain(self.groups.iter_mut().map(|g| &mut g.publisher))
    }
}
