//! From an expression and a source of entries to an answer.

mod accumulator;
pub(crate) mod binary;
mod budget;
mod label_replace;
mod log;
mod others;
mod range_agg;
mod series;
mod steps;
mod vector_agg;
mod windows;

use std::cell::Cell;

use budget::Budget;
use event::{Sample, widest_label};
use series::Series;
use steps::Steps;

use crate::{
    Answer, Entries, EvalError, Expr, LabelSet, MetricExpr, Options, Range, SampleAnswer, SeriesAnswer,
    Stats, Value, ast::VectorOp,
};

const NOT_AT_AN_INSTANT: &str = "log queries are not supported as an instant query type, please change your \
    query to a range query type";

/// Evaluates a query over a span of time.
///
/// # Errors
/// When the query cannot be answered, an entry fails in a stage, or a limit is reached.
pub fn query_range(
    expr: &Expr,
    entries: &dyn Entries,
    range: &Range,
    options: &Options<'_>,
) -> Result<Answer, EvalError> {
    let metric = match expr {
        Expr::Log(log) => return log::evaluate(log, entries, range, options),
        Expr::Metric(metric) => metric,
    };
    let steps = Steps::over(range, options.max_steps)?;
    if has_approx_topk(metric) {
        return Err(EvalError::Invalid("approx_topk is only supported on instant queries".into()));
    }
    let evaluation = Evaluation::new(entries, options, steps);
    let (mut series, notice) = others::gathered(evaluation.series(metric)?, options.max_answer_series);
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    let matrix: Vec<SeriesAnswer> = series.into_iter().filter_map(|s| matrix_series(s, steps)).collect();
    let returned = matrix.iter().map(|s| s.samples.len() as u64).sum();
    Ok(evaluation.answer(Value::Matrix(matrix), returned, notice))
}

/// Evaluates a metric query at one instant.
///
/// # Errors
/// As [`query_range`]; also for a log query, which has no answer at an instant.
pub fn query_instant(
    expr: &Expr,
    entries: &dyn Entries,
    time_ns: i64,
    options: &Options<'_>,
) -> Result<Answer, EvalError> {
    let Expr::Metric(metric) = expr else { return Err(EvalError::Invalid(NOT_AT_AN_INSTANT.into())) };
    let steps = Steps::at(time_ns);
    let evaluation = Evaluation::new(entries, options, steps);
    let (mut series, notice) = match evaluation.metric(metric)? {
        Vector::Scalar(value) => return Ok(evaluation.answer(Value::Scalar(value), 1, None)),
        Vector::Series(series) => others::gathered(series, options.max_answer_series),
    };
    order(metric, &mut series);
    let sample = |s: Series| {
        let value = (*s.values.first()?)?;
        Some(SampleAnswer { labels: s.labels, sample: Sample { timestamp_ms: time_ns / 1_000_000, value } })
    };
    let vector: Vec<SampleAnswer> = series.into_iter().filter_map(sample).collect();
    let returned = vector.len() as u64;
    Ok(evaluation.answer(Value::Vector(vector), returned, notice))
}

/// By labels, unless the outermost function orders by value.
fn order(metric: &MetricExpr, series: &mut [Series]) {
    let op = if let MetricExpr::Aggregation(aggregation) = metric { Some(aggregation.op) } else { None };
    let value = |s: &Series| s.values.first().copied().flatten().unwrap_or(f64::NAN);
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    match op {
        Some(VectorOp::Sort | VectorOp::Bottomk) => {
            series.sort_by(|a, b| series::nan_last(value(a), value(b)));
        }
        Some(VectorOp::SortDesc | VectorOp::Topk | VectorOp::ApproxTopk) => {
            series.sort_by(|a, b| series::nan_last(-value(a), -value(b)));
        }
        _ => {}
    }
}

fn matrix_series(series: Series, steps: Steps) -> Option<SeriesAnswer> {
    let at = |(i, value): (usize, Option<f64>)| {
        Some(Sample { timestamp_ms: steps.time_ns(i) / 1_000_000, value: value? })
    };
    let samples: Vec<Sample> = series.values.into_iter().enumerate().filter_map(at).collect();
    (!samples.is_empty()).then_some(SeriesAnswer { labels: series.labels, samples })
}

fn has_approx_topk(metric: &MetricExpr) -> bool {
    match metric {
        MetricExpr::Aggregation(a) => a.op == VectorOp::ApproxTopk || has_approx_topk(&a.inner),
        MetricExpr::Binary(b) => has_approx_topk(&b.left) || has_approx_topk(&b.right),
        MetricExpr::LabelReplace(r) => has_approx_topk(&r.inner),
        _ => false,
    }
}

/// What a part of a metric query is worth.
enum Vector {
    Scalar(f64),
    Series(Vec<Series>),
}

/// What all parts of an evaluation share.
struct Evaluation<'a> {
    entries: &'a dyn Entries,
    options: &'a Options<'a>,
    steps: Steps,
    stats: Cell<Stats>,
    budget: Budget,
}

impl<'a> Evaluation<'a> {
    fn new(entries: &'a dyn Entries, options: &'a Options<'a>, steps: Steps) -> Self {
        let budget = Budget::new(options.max_bytes);
        Evaluation { entries, options, steps, stats: Cell::default(), budget }
    }

    fn answer(&self, value: Value, returned: u64, notice: Option<String>) -> Answer {
        let stats = Stats { returned, ..self.stats.get() };
        Answer { value, stats, notices: notice.into_iter().collect() }
    }

    fn metric(&self, metric: &MetricExpr) -> Result<Vector, EvalError> {
        match metric {
            MetricExpr::Literal(value) => Ok(Vector::Scalar(*value)),
            MetricExpr::Vector(value) => Ok(Vector::Series(vec![Series::constant(*value, self.steps)])),
            MetricExpr::Range(range) => range_agg::evaluate(self, range, None).map(Vector::Series),
            MetricExpr::Aggregation(aggregation) => {
                vector_agg::evaluate(self, aggregation).map(Vector::Series)
            }
            MetricExpr::Binary(operation) => binary::evaluate(self, operation),
            MetricExpr::LabelReplace(replace) => label_replace::evaluate(self, replace).map(Vector::Series),
        }
    }

    /// The series of a part; a number counts as a series without labels.
    fn series(&self, metric: &MetricExpr) -> Result<Vec<Series>, EvalError> {
        Ok(match self.metric(metric)? {
            Vector::Scalar(value) => vec![Series::constant(value, self.steps)],
            Vector::Series(series) => series,
        })
    }

    /// Whether one more than `known` may be there.
    fn check_series<'s>(&self, known: impl ExactSizeIterator<Item = &'s LabelSet>) -> Result<(), EvalError> {
        let most = self.options.max_series;
        if known.len() < most {
            return Ok(());
        }
        let widest = widest_label(known.map(LabelSet::iter));
        let widest =
            widest.map(|(label, values)| format!("; label `{label}` has the most values ({values})"));
        Err(EvalError::Limit(format!(
            "maximum of series ({most}) reached for a single query: narrow the selector or aggregate by \
             fewer labels{}",
            widest.unwrap_or_default()
        )))
    }
}

/// Pipeline errors name the series that they occurred in.
fn pipeline_error(labels: &LabelSet) -> EvalError {
    let kind = labels.get(crate::stage::row::ERROR).unwrap_or_default().to_owned();
    EvalError::Pipeline { kind, series: labels.to_string() }
}
