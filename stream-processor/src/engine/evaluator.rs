//! What is evaluated at a step, given the samples: the same whether they come live, from history or from a test.
//! It knows neither partitions nor lateness; who calls it decides which steps there are.

use std::{sync::Arc, time::Duration};

use event::{HistogramSample, Labels, LogEntry, Sample};

use super::{
    Output, Problem,
    line_store::{LineStore, Sourced},
    program::{Group, Program, Rule},
    series_store::{Inserted, SeriesStore},
    states::{RuleState, States},
    template::External,
};

/// How an evaluator works.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Series in memory.
    pub max_series: usize,
    /// Log entries in memory.
    pub max_lines: usize,
    /// What templates and links show of the installation.
    pub external: External,
    /// How many samples, and how many lines, an alert carries at most; 0: no evidence.
    pub evidence: usize,
    /// When silence keeps an alert from ending; `None`: never, as in Prometheus.
    pub silence: Option<Silence>,
    /// Tells how long ago something was, to measure rules with. It never changes a result.
    pub stopwatch: Option<fn() -> Duration>,
}

/// An alert that fires does not end while what is behind it is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// A series is silent when it has had no sample for so long, not even a stale marker.
    pub after_ms: i64,
    /// The longest that an alert waits.
    pub unknown_ms: i64,
}

/// What evaluating has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evaluations {
    /// Evaluations of rules and windows.
    pub count: u64,
    /// Of these, how many failed.
    pub failures: u64,
}

/// A program, its samples and what it remembers from step to step.
pub struct Evaluator {
    pub(super) program: Arc<Program>,
    pub(super) setup: Setup,
    pub(super) store: SeriesStore,
    pub(super) lines: LineStore,
    pub(super) states: States,
    pub(super) evaluations: Evaluations,
    pub(super) problems: Vec<Problem>,
}

impl Evaluator {
    /// Keeps the samples that the program looks at, as long as it does.
    pub fn new(program: Arc<Program>, setup: Setup) -> Self {
        let store = SeriesStore::new(program.interests(), setup.max_series);
        let lines = LineStore::new(program.line_interests(), setup.max_lines);
        Self::over(program, setup, store, lines)
    }

    /// Keeps every sample for ever, for queries about anything. Log entries only as far as the program looks at them.
    pub fn keeping_all(program: Arc<Program>, setup: Setup) -> Self {
        let store = SeriesStore::keeping_all(setup.max_series);
        let lines = LineStore::new(program.line_interests(), setup.max_lines);
        Self::over(program, setup, store, lines)
    }

    fn over(program: Arc<Program>, setup: Setup, store: SeriesStore, lines: LineStore) -> Self {
        let states = States::new(&program);
        let (evaluations, problems) = (Evaluations::default(), Vec::new());
        Evaluator { program, setup, store, lines, states, evaluations, problems }
    }

    /// Puts a sample in its place, whatever its time.
    pub fn insert(&mut self, labels: &Labels, sample: Sample) -> Inserted {
        self.store.insert(labels, sample)
    }

    /// As [`Evaluator::insert`], of a native histogram.
    pub fn insert_histogram(&mut self, labels: &Labels, sample: HistogramSample) -> Inserted {
        self.store.insert_histogram(labels, sample)
    }

    /// Puts a log entry of no known source in its place, whatever its time.
    pub fn insert_line(&mut self, labels: &Labels, entry: &LogEntry) -> Inserted {
        self.lines.insert(labels, &Sourced { source: "".into(), entry: entry.clone() })
    }

    /// Evaluates what is due at `step_ms`: windows and groups of whose interval it is a multiple.
    pub fn evaluate(&mut self, step_ms: i64) -> Vec<Output> {
        self.evaluate_where(step_ms, |interval_ms| step_ms % interval_ms == 0)
    }

    /// Evaluates all windows and groups at `step_ms`, whatever their intervals.
    pub fn evaluate_all(&mut self, step_ms: i64) -> Vec<Output> {
        self.evaluate_where(step_ms, |_| true)
    }

    /// Forgets samples that steps after `step_ms` no longer look at.
    pub fn forget_before(&mut self, step_ms: i64) {
        self.store.forget_before(step_ms);
        self.lines.forget_before(step_ms);
    }

    /// The rules and windows.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The samples, for queries of others.
    pub fn store(&self) -> &SeriesStore {
        &self.store
    }

    /// All rules with their groups and their state, in the order in which they are evaluated.
    pub fn rules(&self) -> impl Iterator<Item = (&Group, &Rule, &RuleState)> {
        let groups = self.program.groups.iter().zip(&self.states.groups);
        groups.flat_map(|(group, state)| {
            group.rules.iter().zip(&state.rules).map(move |(rule, state)| (group, rule, state))
        })
    }

    /// What went wrong since the last call.
    pub fn take_problems(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.problems)
    }
}
