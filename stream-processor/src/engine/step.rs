//! One step: windows first, then the groups in their order, each rule seeing what those before it have given.

use std::{cell::OnceCell, time::Duration};

use event::{Alert, Labels, Sample, widest_label};

use super::{
    Output, Problem,
    alert::ActiveAlerts,
    alert_step::AlertStep,
    answer::{count, numbers, run},
    evaluator::Evaluator,
    evidence::Behind,
    line_store::LinesUntil,
    program::{Action, AlertSpec, Expression, Program, Rule, Window},
    recording::{Point, Publisher, name_results},
    series_store::Until,
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

/// Where a rule stands, and when it is evaluated.
#[derive(Clone, Copy)]
struct Place {
    group: usize,
    rule: usize,
    step_ms: i64,
    /// The step, or earlier by the group's offset.
    time_ms: i64,
    /// The transitions of this step are known already.
    relives: bool,
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
        let Place { step_ms, time_ms, .. } = place;
        match query {
            Expression::Metrics(query) => {
                run(query, &Until { store: &self.store, end_ms: time_ms, step_ms }, time_ms)
            }
            Expression::Logs(query) => count(query, &self.lines, time_ms).map(numbers),
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

    fn alert(
        &mut self,
        program: &Program,
        place: Place,
        spec: &AlertSpec,
        results: Vec<(Labels, Point)>,
    ) -> (Vec<Alert>, Result<(), String>) {
        let results: Vec<(Labels, f64)> =
            results.into_iter().map(|(labels, point)| (labels, point.number())).collect();
        let group = &program.groups[place.group];
        let until = Until { store: &self.store, end_ms: place.time_ms, step_ms: place.step_ms };
        let answer = |text: &str| {
            let query = promql::parse(text).map_err(|e| e.to_string())?;
            let found = run(&query, &until, place.time_ms)?.into_iter();
            Ok(found.map(|(labels, point)| (labels, point.number())).collect())
        };
        let behind = Behind {
            rule: &group.rules[place.rule],
            series: &until,
            lines: &LinesUntil { store: &self.lines, end_ms: place.time_ms },
            time_ms: place.time_ms,
            most: self.setup.evidence,
            url: self.setup.external.link_base(),
            found: OnceCell::new(),
            heard: OnceCell::new(),
        };
        let step = AlertStep {
            group,
            rule: &group.rules[place.rule],
            spec,
            external: &self.setup.external,
            step_ms: place.step_ms,
            run: &answer,
            behind: &behind,
            silence: self.setup.silence,
        };
        let alerts = &mut self.states.groups[place.group].rules[place.rule].alerts;
        let is_over = group.limit > 0 && results.len() > group.limit;
        let widest = if is_over { widest(&results) } else { String::new() };
        let (transitions, outcome) = match place.relives {
            true => alerts.relive(&step, results),
            false => alerts.advance(&step, results),
        };
        let outcome = outcome.map_err(|error| error + &widest);
        if outcome.is_ok() {
            let series = alerts.series();
            self.publish(program, place, &series);
        }
        (transitions, outcome)
    }

    fn record(
        &mut self,
        program: &Program,
        place: Place,
        labels: &[(String, String)],
        results: Vec<(Labels, Point)>,
    ) -> Result<(), String> {
        let group = &program.groups[place.group];
        let named = name_results(&group.rules[place.rule].name, labels, results)?;
        if group.limit > 0 && named.len() > group.limit {
            let (limit, count) = (group.limit, named.len());
            return Err(format!("exceeded limit of {limit} with {count} series{}", widest(&named)));
        }
        self.publish(program, place, &named);
        Ok(())
    }

    /// The results go into the store at once, and so does the end of series: the rules behind this one see both.
    fn publish(&mut self, program: &Program, place: Place, results: &[(Labels, Point)]) {
        let publisher = &mut self.states.groups[place.group].publisher;
        publisher.add(results);
        for (labels, point) in results {
            self.store.insert_point(labels, place.time_ms, point);
        }
        let rules = &program.groups[place.group].rules;
        let rule = &rules[place.rule];
        if !rules[place.rule + 1..].iter().any(|later| later.shares_series_with(rule)) {
            for labels in publisher.ended(|labels| rule.gives(labels)) {
                let ended = Point::Number(f64::from_bits(Sample::STALE_BITS));
                self.store.insert_point(labels, place.time_ms, &ended);
            }
        }
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

impl Rule {
    /// Whether a series may be one that this rule gives.
    fn gives(&self, labels: &Labels) -> bool {
        match self.alert() {
            None => labels.metric_name() == self.name,
            Some(_) => {
                ActiveAlerts::SERIES.contains(&labels.metric_name())
                    && labels.get("alertname") == Some(&self.name)
            }
        }
    }

    fn shares_series_with(&self, other: &Rule) -> bool {
        self.name == other.name && self.alert().is_some() == other.alert().is_some()
    }
}

/// The label to look at when there are too many of `results`.
fn widest<T>(results: &[(Labels, T)]) -> String {
    let label = widest_label(results.iter().map(|(labels, _)| labels.iter()));
    label.map_or_else(String::new, |(label, values)| {
        format!("; label `{label}` has the most values ({values})")
    })
}

fn problem_of_window(window: &Window, message: &str) -> Problem {
    Problem { place: format!("windows/{}", window.name), message: message.to_owned() }
}
