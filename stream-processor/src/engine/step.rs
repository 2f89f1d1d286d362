//! One step: windows first, then the groups in their order, each rule seeing what those before it have given.

use event::{Alert, Labels, Sample};
use promql::{Query, Storage, Value};

use super::{
    Engine, Output, Problem,
    alert::{ActiveAlerts, AlertStep},
    program::{Action, AlertSpec, Group, Program, Rule, Window},
    recording::{Publisher, name_results},
    series_store::{SeriesStore, Until},
};

/// What windows and groups remember from step to step.
#[derive(Debug)]
pub struct States {
    pub windows: Vec<Publisher>,
    pub groups: Vec<GroupState>,
}

#[derive(Debug)]
pub struct GroupState {
    pub publisher: Publisher,
    /// For each rule; empty for recording rules.
    pub alerts: Vec<ActiveAlerts>,
}

impl States {
    pub fn new(program: &Program) -> Self {
        let mut names = std::collections::HashMap::<String, usize>::new();
        // Groups of one name in several files: the second is `name#2`.
        let mut publisher = |source: String| {
            let count = names.entry(source.clone()).or_default();
            *count += 1;
            Publisher::new(if *count == 1 { source } else { format!("{source}#{count}") })
        };
        let windows = program.windows.iter().map(|w| publisher(format!("windows/{}", w.name))).collect();
        let groups = program.groups.iter().map(|group| GroupState {
            publisher: publisher(format!("rules/{}", group.name)),
            alerts: group.rules.iter().map(|_| ActiveAlerts::default()).collect(),
        });
        States { windows, groups: groups.collect() }
    }

    pub fn count_alerts(&self) -> (usize, usize) {
        let counts = self.groups.iter().flat_map(|g| &g.alerts).map(ActiveAlerts::count);
        counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    pub fn publishers(&mut self) -> impl Iterator<Item = &mut Publisher> {
        self.windows.iter_mut().chain(self.groups.iter_mut().map(|g| &mut g.publisher))
    }
}

impl Engine {
    pub(super) fn evaluate(&mut self, step: i64) -> Vec<Output> {
        let relives = self.resumed_at.is_some_and(|at| step <= at);
        let mut outputs = if relives { Vec::new() } else { self.end_orphans(step) };
        for at in 0..self.program.windows.len() {
            outputs.extend(self.evaluate_window(at, step));
        }
        for at in 0..self.program.groups.len() {
            outputs.extend(self.evaluate_group(at, step));
        }
        outputs
    }

    fn evaluate_window(&mut self, at: usize, step: i64) -> Option<Output> {
        let (window, publisher) = (&self.program.windows[at], &mut self.states.windows[at]);
        if step % window.every_ms != 0 {
            return None;
        }
        self.stats.evaluations += 1;
        match window.evaluate(&Until { store: &self.store, end_ms: step }, step) {
            Ok(results) => publisher.add(&results, step),
            Err(error) => {
                self.stats.failures += 1;
                self.problems.push(problem_of_window(window, &error.to_string()));
            }
        }
        let batch = publisher.finish(step, step)?;
        self.remember(&batch);
        Some(Output::Series(batch))
    }

    fn evaluate_group(&mut self, at: usize, step: i64) -> Vec<Output> {
        if step % self.program.groups[at].interval_ms != 0 {
            return Vec::new();
        }
        let time = step.saturating_sub(self.program.groups[at].query_offset_ms);
        let mut alerts = Vec::new();
        for rule in 0..self.program.groups[at].rules.len() {
            alerts.extend(self.evaluate_rule(at, rule, step, time));
        }
        let batch = self.states.groups[at].publisher.finish(step, time);
        if let Some(batch) = &batch {
            self.remember(batch);
        }
        alerts.retain(|alert| !self.is_published(alert));
        batch.map(Output::Series).into_iter().chain(alerts.into_iter().map(Output::Alert)).collect()
    }

    fn evaluate_rule(&mut self, at: usize, number: usize, step: i64, time: i64) -> Vec<Alert> {
        let group = &self.program.groups[at];
        let rule = &group.rules[number];
        let state = &mut self.states.groups[at];
        self.stats.evaluations += 1;
        let results = run(&rule.query, &self.store, time);
        let (alerts, outcome) = match (&rule.action, results) {
            (Action::Record { labels }, Ok(results)) => {
                let publisher = &mut state.publisher;
                (Vec::new(), record(group, number, labels, results, publisher, &mut self.store, time))
            }
            (Action::Alert(spec), Ok(results)) => {
                let relives = self.resumed_at.is_some_and(|at| step <= at);
                with_step(group, rule, spec, &self.store, step, |s| match relives {
                    true => state.alerts[number].relive(s, results),
                    false => state.alerts[number].advance(s, results),
                })
            }
            (_, Err(error)) => (Vec::new(), Err(error)),
        };
        if let Err(message) = outcome {
            state.publisher.keep_alive(&rule.name, time);
            self.stats.failures += 1;
            let place = format!("{}/{}", group.name, rule.name);
            self.problems.push(Problem { place, message });
        }
        alerts
    }

    fn remember(&mut self, batch: &event::SampleBatch) {
        for series in &batch.series {
            for sample in &series.samples {
                self.store.insert(&series.labels, *sample);
            }
        }
    }
}

/// Calls `act` with what an alerting rule sees at `step`.
pub fn with_step<T>(
    group: &Group,
    rule: &Rule,
    spec: &AlertSpec,
    store: &SeriesStore,
    step_ms: i64,
    act: impl FnOnce(&AlertStep<'_>) -> T,
) -> T {
    let time = step_ms.saturating_sub(group.query_offset_ms);
    let answer = |text: &str| run(&promql::parse(text).map_err(|e| e.to_string())?, store, time);
    act(&AlertStep { group, rule, spec, step_ms, run: &answer })
}

/// The result of an expression as a vector; a scalar is one sample without labels.
pub fn run(query: &Query, store: &SeriesStore, time_ms: i64) -> Result<Vec<(Labels, f64)>, String> {
    let until: &dyn Storage = &Until { store, end_ms: time_ms };
    let answer = promql::query_instant(query, until, time_ms, &promql::Options::default());
    match answer.map_err(|e| e.to_string())?.value {
        Value::Scalar(sample) => Ok(vec![(Labels::default(), sample.value)]),
        Value::Vector(vector) => Ok(vector.into_iter().map(|(labels, s)| (labels, s.value)).collect()),
        Value::Matrix(_) | Value::String { .. } => Err("the result is neither vector nor scalar".into()),
    }
}

/// The results go into the store at once, and so does the end of series: the rules behind this one see both.
fn record(
    group: &Group,
    number: usize,
    labels: &[(String, String)],
    results: Vec<(Labels, f64)>,
    publisher: &mut Publisher,
    store: &mut SeriesStore,
    timestamp_ms: i64,
) -> Result<(), String> {
    let name = &group.rules[number].name;
    let named = name_results(name, labels, results)?;
    if group.limit > 0 && named.len() > group.limit {
        return Err(format!("exceeded limit of {} with {} series", group.limit, named.len()));
    }
    for (labels, value) in &named {
        store.insert(labels, Sample { timestamp_ms, value: *value });
    }
    publisher.add(&named, timestamp_ms);
    if group.rules[number + 1..].iter().all(|later| later.name != *name) {
        let stale = Sample { timestamp_ms, value: f64::from_bits(Sample::STALE_BITS) };
        for labels in publisher.ended(name) {
            store.insert(labels, stale);
        }
    }
    Ok(())
}

fn problem_of_window(window: &Window, message: &str) -> Problem {
    Problem { place: format!("windows/{}", window.name), message: message.to_owned() }
}
