//! What test files hold.

use event::Labels;
use promql::Reading;

/// What a test file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TestFile {
    /// Patterns of rule files, relative to the test file.
    pub rule_files: Vec<String>,
    /// Between two evaluations of all groups.
    pub evaluation_interval_ms: i64,
    /// Names of groups in the order in which they are evaluated; others are first.
    pub group_eval_order: Vec<String>,
    /// In the order of the file.
    pub tests: Vec<Test>,
    /// Whether neighbouring numbers count as equal.
    pub fuzzy_compare: bool,
}

/// One item of `tests`: series, and what is expected of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Test {
    /// May be empty.
    pub name: String,
    /// From one value of a series to the next.
    pub interval_ms: i64,
    /// What the rules see.
    pub input_series: Vec<InputSeries>,
    /// Log lines that the rules see, in the order of time.
    pub input_logs: Vec<InputLine>,
    /// Expected alerts.
    pub alerts: Vec<AlertTest>,
    /// Expected values of expressions.
    pub exprs: Vec<ExprTest>,
    /// For templates.
    pub external_labels: Labels,
    /// For templates.
    pub external_url: String,
    /// Milliseconds since 1970 from which all times of the test count.
    pub start_ms: i64,
}

/// A series, with a value or none at each interval.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSeries {
    /// With `__name__`.
    pub labels: Labels,
    /// From the start of the test.
    pub values: Vec<Option<Reading>>,
}

/// A line of `input_logs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputLine {
    /// The stream.
    pub labels: Labels,
    /// From the start of the test.
    pub at_ms: i64,
    /// Without its end.
    pub line: String,
}

/// An item of `alert_rule_test`.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertTest {
    /// From the start of the test.
    pub eval_time_ms: i64,
    /// Of all rules with this name.
    pub alertname: String,
    /// That fire.
    pub expected: Vec<ExpectedAlert>,
}

/// An item of `exp_alerts`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExpectedAlert {
    /// With `alertname`.
    pub labels: Labels,
    /// All of them.
    pub annotations: Labels,
    /// `None` if the test does not look at it.
    pub evidence: Option<ExpectedEvidence>,
}

/// `exp_evidence`: what the record of the alert shows, in the record's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExpectedEvidence {
    /// With `__name__`.
    pub samples: Vec<ExpectedSample>,
    /// Newest first.
    pub lines: Vec<ExpectedLine>,
}

/// A log line of [`ExpectedEvidence`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedLine {
    /// The stream.
    pub labels: Labels,
    /// Without its end.
    pub line: String,
}

/// An item of `promql_expr_test`.
#[derive(Clone, Debug, PartialEq)]
pub struct ExprTest {
    /// PromQL.
    pub expr: String,
    /// From the start of the test.
    pub eval_time_ms: i64,
    /// In any order.
    pub expected: Vec<ExpectedSample>,
}

/// An item of `exp_samples`.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedSample {
    /// With `__name__`, if the result has one.
    pub labels: Labels,
    /// Zero of a histogram.
    pub value: f64,
    /// A native histogram as tests describe them; empty for a number.
    pub histogram: String,
}
