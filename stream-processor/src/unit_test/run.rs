//! Runs one test: evaluates all groups step by step, and compares at the times that the test names.

use std::{collections::BTreeMap, sync::Arc};

use event::{HistogramSample, HistogramSeries, Labels, LogEntry, Sample};
use promql::{Reading, Value, describe_histogram};

use super::{
    Options,
    compare::{self, Numbers},
    file::{
        AlertTest, ExpectedAlert, ExpectedEvidence, ExpectedLine, ExpectedSample, ExprTest, InputSeries,
        Test, TestFile,
    },
    text,
};
use crate::{
    Config,
    engine::{ActiveAlert, Evaluator, External, Setup, Until, program::Program},
};

/// What a test has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What is not as expected, each in promtool's words; none if the test has passed.
    pub failures: Vec<String>,
    /// What the series have held up to the last time that the test looks at; empty if nobody asked.
    pub data: String,
}

/// Runs `test` of `file` over the rules of `program`.
pub fn run(file: &TestFile, test: &Test, program: &Arc<Program>, options: &Options) -> Report {
    let external = External { labels: test.external_labels.clone(), url: test.external_url.clone() };
    let setup = Setup {
        max_series: usize::MAX,
        max_lines: usize::MAX,
        external,
        evidence: Config::default().evidence,
        ..Setup::default()
    };
    let mut evaluator = Evaluator::keeping_all(program.clone(), setup);
    test.input_series.iter().for_each(|series| insert(&mut evaluator, test, series));
    for (line, position) in test.input_logs.iter().zip(1..) {
        let timestamp_ns = test.start_ms.saturating_add(line.at_ms).saturating_mul(1_000_000);
        let text = line.line.clone().into();
        let entry = LogEntry { timestamp_ns, line: text, position, ..LogEntry::default() };
        evaluator.insert_line(&line.labels, &entry);
    }
    let mut runner = Runner { file, test, options, evaluator, failures: Vec::new() };
    if let Some(last_step) = runner.evaluate() {
        test.exprs.iter().for_each(|expr| runner.check_expr(expr, last_step));
    }
    let data = if options.data { runner.data() } else { String::new() };
    Report { failures: runner.failures, data }
}

fn insert(evaluator: &mut Evaluator, test: &Test, series: &InputSeries) {
    for (value, number) in series.values.iter().zip(0..) {
        let timestamp_ms = test.start_ms.saturating_add(test.interval_ms.saturating_mul(number));
        match value {
            None => {}
            Some(Reading::Number(value)) => {
                evaluator.insert(&series.labels, Sample { timestamp_ms, value: *value });
            }
            Some(Reading::Histogram(histogram)) => {
                let sample = HistogramSample { timestamp_ms, histogram: histogram.clone().into() };
                evaluator.insert_histogram(&series.labels, sample);
            }
        }
    }
}

struct Runner<'a> {
    file: &'a TestFile,
    test: &'a Test,
    options: &'a Options,
    evaluator: Evaluator,
    failures: Vec<String>,
}

impl Runner<'_> {
    /// Every step, with the alerts that are looked at on the way; gives the last one. `None`: a rule has failed.
    fn evaluate(&mut self) -> Option<i64> {
        let interval = self.file.evaluation_interval_ms;
        let mut alerts: BTreeMap<i64, Vec<&AlertTest>> = BTreeMap::new();
        for alert in &self.test.alerts {
            alerts.entry(alert.eval_time_ms.div_euclid(interval) * interval).or_default().push(alert);
        }
        let mut passed = 0;
        loop {
            let step = self.test.start_ms.saturating_add(passed);
            self.evaluator.evaluate_all(step);
            if self.note_errors(step) {
                return None;
            }
            let mut due = alerts.remove(&passed).unwrap_or_default();
            due.sort_by_key(|alert| alert.eval_time_ms);
            due.into_iter().for_each(|alert| self.check_alert(alert));
            if passed.saturating_add(interval) > self.test.last_ms() {
                return Some(step);
            }
            passed += interval;
        }
    }

    fn note_errors(&mut self, step: i64) -> bool {
        let failed = self.evaluator.rules().filter_map(|(_, rule, state)| {
            let error = state.health.error.as_ref()?;
            Some(format!("    rule: {}, time: {}, err: {error}", rule.name, text::go_duration(step)))
        });
        let before = self.failures.len();
        self.failures.extend(failed.collect::<Vec<_>>());
        self.failures.len() > before
    }

    fn check_alert(&mut self, alert: &AlertTest) {
        let (mut expected, mut found) = (alert.expected.clone(), self.firing(alert));
        for alerts in [&mut expected, &mut found] {
            alerts.sort_by(|a, b| (&a.labels, &a.annotations).cmp(&(&b.labels, &b.annotations)));
        }
        if !compare::alerts(&expected, &found, self.file.numbers()) {
            let name = &self.test.name;
            let name = if name.is_empty() { String::new() } else { format!("    name: {name},\n") };
            let (at, told) = (text::duration(alert.eval_time_ms), self.told_alerts(&expected, &found));
            self.failures.push(format!("{name}    alertname: {}, time: {at}, \n{told}", alert.alertname));
        }
    }

    /// With their evidence if the test looks at it.
    fn firing(&self, alert: &AlertTest) -> Vec<ExpectedAlert> {
        let with_evidence = alert.expected.iter().any(|expected| expected.evidence.is_some());
        let rules = self.evaluator.rules().filter(|(_, rule, _)| rule.name == alert.alertname);
        let firing = rules.flat_map(|(_, _, state)| state.alerts.list()).filter(|active| active.is_firing());
        firing.map(|active| found_alert(active, with_evidence)).collect()
    }

    fn told_alerts(&self, expected: &[ExpectedAlert], found: &[ExpectedAlert]) -> String {
        let (expected, found) = (text::alerts(expected), text::alerts(found));
        match self.options.diff {
            true => text::difference(&expected, &found),
            false => format!("        exp:{expected}, \n        got:{found}"),
        }
    }

    fn check_expr(&mut self, test: &ExprTest, last_step: i64) {
        let (expr, at) = (text::quoted(&test.expr), text::duration(test.eval_time_ms));
        let mut found = match self.ask(test, last_step) {
            Ok(found) => found,
            Err(error) => return self.failures.push(format!("    expr: {expr}, time: {at}, err: {error}")),
        };
        let mut expected = test.expected.clone();
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        expected.sort_by(|a, b| a.labels.cmp(&b.labels));
        if !compare::samples(&expected, &found, self.file.numbers()) {
            let told = self.told_samples(&expected, &found);
            self.failures.push(format!("    expr: {expr}, time: {at},\n{told}"));
        }
    }

    fn told_samples(&self, expected: &[ExpectedSample], found: &[ExpectedSample]) -> String {
        let both = |separator| (text::samples(expected, separator), text::samples(found, separator));
        if self.options.diff {
            let (expected, found) = both("\n");
            return text::difference(&expected, &found);
        }
        let (expected, found) = both(", ");
        format!("        exp: {expected}\n        got: {found}")
    }

    /// Nothing behind the last step is seen, as promtool loads no more.
    fn ask(&self, test: &ExprTest, last_step: i64) -> Result<Vec<ExpectedSample>, String> {
        let query = promql::parse_with(&test.expr, self.options.features).map_err(|e| e.to_string())?;
        let options = promql::Options {
            subquery_step_ms: self.file.evaluation_interval_ms,
            ..promql::Options::default()
        };
        let time = self.test.start_ms.saturating_add(test.eval_time_ms);
        let until = Until::step(self.evaluator.store(), last_step);
        let answer = promql::query_instant(&query, &until, time, &options).map_err(|e| e.to_string())?;
        match answer.value {
            Value::Scalar(sample) => Ok(vec![expected(Labels::default(), sample.value)]),
            Value::Vector(vector) => {
                let numbers = vector.into_iter().map(|(labels, sample)| expected(labels, sample.value));
                Ok(numbers.chain(answer.histograms.into_iter().filter_map(expected_histogram)).collect())
            }
            _ => Err("rule result is not a vector or scalar".into()),
        }
    }

    fn data(&self) -> String {
        let last = self.test.start_ms.saturating_add(self.test.last_ms());
        let data = text::data(&Until::step(self.evaluator.store(), last), last);
        data.unwrap_or_else(|error| error.to_string())
    }
}

impl TestFile {
    fn numbers(&self) -> Numbers {
        if self.fuzzy_compare { Numbers::Neighbours } else { Numbers::Same }
    }
}

impl Test {
    /// The last time that the test looks at, from its start.
    fn last_ms(&self) -> i64 {
        let alerts = self.alerts.iter().map(|alert| alert.eval_time_ms);
        alerts.chain(self.exprs.iter().map(|expr| expr.eval_time_ms)).max().unwrap_or(0)
    }
}

fn found_alert(active: ActiveAlert, with_evidence: bool) -> ExpectedAlert {
    let evidence = active.evidence.filter(|_| with_evidence).map(|evidence| {
        let samples = evidence.samples.into_iter().map(|sample| expected(sample.labels, sample.value));
        let lines =
            evidence.lines.into_iter().map(|found| ExpectedLine { labels: found.labels, line: found.line });
        ExpectedEvidence { samples: samples.collect(), lines: lines.collect() }
    });
    ExpectedAlert { labels: active.labels, annotations: active.annotations, evidence }
}

fn expected(labels: Labels, value: f64) -> ExpectedSample {
    ExpectedSample { labels, value, histogram: String::new() }
}

fn expected_histogram(series: HistogramSeries) -> Option<ExpectedSample> {
    let histogram = describe_histogram(&series.samples.first()?.histogram);
    Some(ExpectedSample { labels: series.labels, value: 0.0, histogram })
}
