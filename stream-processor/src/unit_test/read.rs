//! Test files: YAML to a checked [`TestFile`], every error with its place.

use config::{
    Diagnostics, Duration, Source,
    yaml::{self, Fields, Node},
};
use event::Labels;
use promql::{Reading, describe_histogram, parse_metric, parse_values};

use super::file::{
    AlertTest, ExpectedAlert, ExpectedEvidence, ExpectedLine, ExpectedSample, ExprTest, InputLine,
    InputSeries, Test, TestFile,
};

const FILE_KEYS: [&str; 5] =
    ["rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare"];
const TEST_KEYS: [&str; 9] = [
    "name",
    "interval",
    "input_series",
    "input_logs",
    "alert_rule_test",
    "promql_expr_test",
    "external_labels",
    "external_url",
    "start_timestamp",
];
const DEFAULT_INTERVAL_MS: i64 = 60_000;
/// More lines than this are not made of one item.
const MOST_LINES: u32 = 1_000_000;

/// Reads a test file.
///
/// # Errors
/// All that is wrong with it.
pub fn parse(source: &Source) -> Result<TestFile, Diagnostics> {
    let mut problems = Diagnostics::default();
    let file = match yaml::parse(source) {
        Ok(root) if matches!(root.content, yaml::Content::Null) => TestFile::default(),
        Ok(root) => Reader { source, problems: &mut problems }.file(&root),
        Err(error) => {
            problems.0.push(error);
            TestFile::default()
        }
    };
    problems.0.sort_by_key(|problem| (problem.line, problem.column));
    if problems.0.is_empty() { Ok(file) } else { Err(problems) }
}

struct Reader<'a, 'p> {
    source: &'a Source,
    problems: &'p mut Diagnostics,
}

impl<'a> Reader<'a, '_> {
    fn fields<'s>(&'s mut self, node: &'a Node, known: &[&str]) -> Fields<'a, 's> {
        Fields::new(node, self.source, known, self.problems)
    }

    fn file(&mut self, root: &'a Node) -> TestFile {
        let mut fields = self.fields(root, &FILE_KEYS);
        let evaluation_interval_ms = span(&mut fields, "evaluation_interval").max(0);
        let evaluation_interval_ms =
            if evaluation_interval_ms == 0 { DEFAULT_INTERVAL_MS } else { evaluation_interval_ms };
        let rule_files = list_of_texts(&mut fields, "rule_files");
        let group_eval_order = list_of_texts(&mut fields, "group_eval_order");
        let fuzzy_compare = fields.parse("fuzzy_compare", "true").unwrap_or(false);
        for (at, name) in group_eval_order.iter().enumerate() {
            if group_eval_order[..at].contains(name) {
                let offset = fields.get("group_eval_order").map_or(0, |node| node.span.start);
                let message = format!("group name repeated in evaluation order: {name}");
                fields.problem(offset, message, "name each group once");
            }
        }
        let tests = fields.list("tests");
        let tests = tests.iter().map(|node| self.test(node, evaluation_interval_ms)).collect();
        TestFile { rule_files, evaluation_interval_ms, group_eval_order, tests, fuzzy_compare }
    }

    fn test(&mut self, node: &'a Node, evaluation_interval_ms: i64) -> Test {
        let mut fields = self.fields(node, &TEST_KEYS);
        let interval_ms = match span(&mut fields, "interval") {
            0 => evaluation_interval_ms,
            ms => ms,
        };
        let mut test = Test {
            name: fields.text("name").unwrap_or_default().to_owned(),
            interval_ms,
            external_labels: label_map(&mut fields, "external_labels"),
            external_url: fields.text("external_url").unwrap_or_default().to_owned(),
            start_ms: start(&mut fields),
            ..Test::default()
        };
        let (series, logs) = (fields.list("input_series"), fields.list("input_logs"));
        let (alerts, exprs) = (fields.list("alert_rule_test"), fields.list("promql_expr_test"));
        test.input_logs = logs.iter().flat_map(|node| self.stream(node)).collect();
        test.input_logs.sort_by_key(|line| line.at_ms);
        test.input_series = series.iter().filter_map(|node| self.series(node)).collect();
        test.alerts = alerts.iter().filter_map(|node| self.alert(node)).collect();
        test.exprs = exprs.iter().filter_map(|node| self.expr(node)).collect();
        test
    }

    fn series(&mut self, node: &'a Node) -> Option<InputSeries> {
        let mut fields = self.fields(node, &["series", "values"]);
        let labels = parsed(&mut fields, "series", parse_metric)?;
        let values = parsed(&mut fields, "values", parse_values)?;
        Some(InputSeries { labels, values })
    }

    fn stream(&mut self, node: &'a Node) -> Vec<InputLine> {
        let mut fields = self.fields(node, &["stream", "lines"]);
        fields.require("stream", "stream: '{job=\"app\"}'");
        let labels = parsed(&mut fields, "stream", parse_metric).unwrap_or_default();
        fields.list("lines").iter().flat_map(|node| self.lines(node, &labels)).collect()
    }

    /// One line, or several at equal distances.
    fn lines(&mut self, node: &'a Node, labels: &Labels) -> Vec<InputLine> {
        let mut fields = self.fields(node, &["at", "line", "times", "every"]);
        let (at_ms, every_ms) = (span(&mut fields, "at"), span(&mut fields, "every"));
        let line = fields.text("line").unwrap_or_default();
        let times = fields.parse::<u32>("times", "10").unwrap_or(1).min(MOST_LINES);
        let at = |number: u32| at_ms.saturating_add(every_ms.saturating_mul(i64::from(number)));
        let one = |number| InputLine { labels: labels.clone(), at_ms: at(number), line: line.to_owned() };
        (0..times).map(one).collect()
    }

    fn alert(&mut self, node: &'a Node) -> Option<AlertTest> {
        let mut fields = self.fields(node, &["eval_time", "alertname", "exp_alerts"]);
        let eval_time_ms = span(&mut fields, "eval_time");
        fields.require("alertname", "alertname: HostDown")?;
        let alertname = fields.text("alertname")?.to_owned();
        let expected = fields.list("exp_alerts");
        let expected = expected.iter().map(|node| self.expected_alert(node, &alertname)).collect();
        Some(AlertTest { eval_time_ms, alertname, expected })
    }

    fn expected_alert(&mut self, node: &'a Node, alertname: &str) -> ExpectedAlert {
        let mut fields = self.fields(node, &["exp_labels", "exp_annotations", "exp_evidence"]);
        let labels = label_map(&mut fields, "exp_labels").with("alertname", alertname);
        let annotations = label_map(&mut fields, "exp_annotations");
        let evidence = fields.get("exp_evidence");
        let evidence = evidence.map(|node| self.evidence(node));
        ExpectedAlert { labels, annotations, evidence }
    }

    fn evidence(&mut self, node: &'a Node) -> ExpectedEvidence {
        let mut fields = self.fields(node, &["samples", "lines"]);
        let (samples, lines) = (fields.list("samples"), fields.list("lines"));
        let samples = samples.iter().filter_map(|node| self.sample(node)).collect();
        let lines = lines.iter().map(|node| self.expected_line(node)).collect();
        ExpectedEvidence { samples, lines }
    }

    fn expected_line(&mut self, node: &'a Node) -> ExpectedLine {
        let mut fields = self.fields(node, &["labels", "line"]);
        let labels = parsed(&mut fields, "labels", parse_metric).unwrap_or_default();
        ExpectedLine { labels, line: fields.text("line").unwrap_or_default().to_owned() }
    }

    fn expr(&mut self, node: &'a Node) -> Option<ExprTest> {
        let mut fields = self.fields(node, &["expr", "eval_time", "exp_samples"]);
        let eval_time_ms = span(&mut fields, "eval_time");
        let expr = fields.text("expr").unwrap_or_default().to_owned();
        let expected = fields.list("exp_samples");
        let expected = expected.iter().filter_map(|node| self.sample(node)).collect();
        Some(ExprTest { expr, eval_time_ms, expected })
    }

    fn sample(&mut self, node: &'a Node) -> Option<ExpectedSample> {
        let mut fields = self.fields(node, &["labels", "value", "histogram"]);
        let labels = parsed(&mut fields, "labels", parse_metric).unwrap_or_default();
        let value = parsed(&mut fields, "value", number).unwrap_or_default();
        let histogram = parsed(&mut fields, "histogram", histogram).unwrap_or_default();
        let value = if histogram.is_empty() { value } else { 0.0 };
        Some(ExpectedSample { labels, value, histogram })
    }
}

/// The value of `key` if it is there; notes an error if it does not parse.
fn parsed<T, E: std::fmt::Display>(
    fields: &mut Fields<'_, '_>,
    key: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<T> {
    let offset = fields.get(key).map_or(0, |node| node.span.start);
    match parse(fields.text(key).unwrap_or_default()) {
        Ok(value) => Some(value),
        Err(_) if fields.get(key).is_none() => None,
        Err(error) => {
            fields.problem(offset, format!("`{key}`: {error}"), "see promtool's unit test format");
            None
        }
    }
}

/// In milliseconds; zero if it is not there.
fn span(fields: &mut Fields<'_, '_>, key: &str) -> i64 {
    fields.parse::<Duration>(key, "5m").unwrap_or_default().millis()
}

fn list_of_texts(fields: &mut Fields<'_, '_>, key: &str) -> Vec<String> {
    fields.list(key).iter().filter_map(|node| Some(node.text()?.to_owned())).collect()
}

fn label_map(fields: &mut Fields<'_, '_>, key: &str) -> Labels {
    fields.texts(key).iter().filter_map(|(name, value, _)| Some((name.text()?, *value))).collect()
}

/// A number as YAML writes it.
fn number(text: &str) -> Result<f64, String> {
    let plain = text.replace('_', "").to_lowercase();
    let number = match plain.trim_start_matches(['+', '-']) {
        ".inf" => Ok(f64::INFINITY),
        ".nan" => Ok(f64::NAN),
        digits => digits.parse(),
    };
    let number: f64 = number.map_err(|_| format!("{text:?} is no number"))?;
    Ok(if plain.starts_with('-') { -number } else { number })
}

/// The one histogram of a description, in the one form in which histograms are compared.
fn histogram(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    match parse_values(text).map_err(|e| e.to_string())?.as_slice() {
        [Some(Reading::Histogram(histogram))] => Ok(describe_histogram(histogram)),
        _ => Err(format!("{text:?} is not one histogram")),
    }
}

/// RFC 3339, or seconds since 1970.
fn start(fields: &mut Fields<'_, '_>) -> i64 {
    let parse = |text: &str| -> Result<i64, String> {
        if let Ok(seconds) = text.parse::<f64>() {
            return Ok((seconds * 1_000.0).round() as i64);
        }
        let time: jiff::Timestamp = text.parse().map_err(|_| format!("{text:?} is no time"))?;
        Ok(time.as_millisecond())
    };
    parsed(fields, "start_timestamp", parse).unwrap_or(0)
}
