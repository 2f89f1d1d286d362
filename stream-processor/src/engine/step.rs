//! One step: windows first, then the groups in their order, each rule seeing what those before it have given.

use std::time::Duration;

use event::{Alert, Labels};

use super::{
    Output, Problem,
    answer::{count, numbers, run},
    evaluator::Evaluator,
    program::{Action, Expression, Program, Window},
    recording::Point,
    series_store::{SeriesStore, Until},
    states::Health,
};

/// Where a rule stands, and when it is evaluated.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub group: usize,
    pub rule: usize,
    pub step_ms: i64,
    /// The step, or earlier by the group's offset.
    pub time_ms: i64,
    /// The transitions of this step are known already.
    pub relives: bool,
}

impl Place {
    /// What of the series the rule sees.
    pub fn sees(self, store: &SeriesStore) -> Until<'_> {
        Until { store, end_ms: self.time_ms, step_ms: self.step_ms }
    }
}

impl Evaluator {
    pub(super) fn evaluate_where(&mut self, step: i64, due: impl Fn(i64) -> bool) -> Vec<Output> {
        self.evaluate_step(step, false, due)
    }

    /// A step that was evaluated before a restart: only for the state, transitions are known already.
    pub(super) fn relive(&mut self, step: i64) {
        self.evaluate_step(step, true, |interval_ms| step % interval_ms == 0);
    }

    fn evaluate_step(&mut self, step: i64, relives: bool, due: impl Fn(i64) -> bool) -> Vec<Output> {
        let mut outputs = Vec::new();
        for at in 0..self.program.windows.len() {
            if due(self.program.windows[at].every_ms) {
                outputs.extend(self.evaluate_window(at, step));
            }
        }
        for at in 0..self.program.groups.len() {
            if due(self.program.groups[at].interval_ms) {
                outputs.extend(self.evaluate_group(at, step, relives));
            }
        }
        outputs
    }

    fn evaluate_window(&mut self, at: usize, step: i64) -> Option<Output> {
        let (window, publisher) = (&self.program.windows[at], &mut self.states.windows[at]);
        self.evaluations.count += 1;
        match window.evaluate(&Until::step(&self.store, step), step) {
            Ok(results) => publisher.add(&numbers(results)),
            Err(error) => {
                self.evaluations.failures += 1;
                self.problems.push(problem_of_window(window, &error.to_string()));
            }
        }
        let batch = publisher.finish(step, step)?;
        self.remember(&batch);
        Some(Output::Series(batch))
    }

    fn evaluate_group(&mut self, at: usize, step_ms: i64, relives: bool) -> Vec<Output> {
        let time_ms = step_ms.saturating_sub(self.program.groups[at].query_offset_ms);
        let mut alerts = Vec::new();
        for rule in 0..self.program.groups[at].rules.len() {
            alerts.extend(self.evaluate_rule(Place { group: at, rule, step_ms, time_ms, relives }));
        }
        let batch = self.states.groups[at].publisher.finish(step_ms, time_ms);
        if let Some(batch) = &batch {
            self.remember(batch);
        }
        batch.map(Output::Series).into_iter().chain(alerts.into_iter().map(Output::Alert)).collect()
    }

    fn evaluate_rule(&mut self, place: Place) -> Vec<Alert> {
        let now = || self.setup.stopwatch.map(|elapsed| elapsed()).unwrap_or_default();
        let began = now();
        let program = self.program.clone();
        let rule = &program.groups[place.group].rules[place.rule];
        self.evaluations.count += 1;
        let (alerts, outcome) = match (&rule.action, self.ask(&rule.query, place)) {
            (Action::Record { labels }, Ok(results)) => {
                (Vec::new(), self.record(&program, place, labels, results))
            }
            (Action::Alert(spec), Ok(results)) => self.alert(&program, place, spec, results),
            (_, Err(error)) => (Vec::new(), Err(error)),
        };
        let took = self.setup.stopwatch.map(|elapsed| elapsed()).unwrap_or_default().saturating_sub(began);
        self.note(&program, place, took, outcome);
        alerts
    }

    fn ask(&self, query: &Expression, place: Place) -> Result<Vec<(Labels, Point)>, String> {
        match query {
            Expression::Metrics(query) => run(query, &place.sees(&self.store), place.time_ms),
            Expression::Logs(query) => count(query, &self.lines, place.time_ms).map(numbers),
        }
    }

    fn note(&mut self, program: &Program, place: Place, took: Duration, outcome: Result<(), String>) {
        let group = &program.groups[place.group];
        let rule = &group.rules[place.rule];
        let state = &mut self.states.groups[place.group];
        let error = outcome.err();
        if let Some(message) = error.clone() {
            state.publisher.keep_alive(|labels| rule.gives(labels));
            self.evaluations.failures += 1;
            self.problems.push(Problem { place: format!("{}/{}", group.name, rule.name), message });
        }
        state.rules[place.rule].health = Health { evaluated_ms: Some(place.step_ms), took, error };
    }

    /// Takes in what windows and rules have given.
    pub(super) fn remember(&mut self, batch: &event::SampleBatch) {
        for series in &batch.series {
            for sample in &series.samples {
                self.store.insert(&series.labels, *sample);
            }
        }
        for series in &batch.histograms {
            for sample in &series.samples {
                self.store.insert_histogram(&series.labels, sample.clone());
            }
        }
    }
}

fn problem_of_window(window: &Window, message: &str) -> Problem {
    Problem { place: format!("windows/{}", window.name), message: message.to_owned() }
}
