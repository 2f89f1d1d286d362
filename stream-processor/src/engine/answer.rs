//! What an expression gives at a step: a vector, whatever its language.

use event::{HistogramSeries, Labels};
use logql::MetricExpr;
use promql::{Query, Storage, Value};

use super::{
    line_store::{LineStore, LinesUntil},
    recording::Point,
};

/// The result of an expression as a vector; a scalar is one sample without labels.
pub fn run(query: &Query, storage: &dyn Storage, time_ms: i64) -> Result<Vec<(Labels, Point)>, String> {
    let answer = promql::query_instant(query, storage, time_ms, &promql::Options::default());
    let answer = answer.map_err(|e| e.to_string())?;
    let mut results = match answer.value {
        Value::Scalar(sample) => vec![(Labels::default(), Point::Number(sample.value))],
        Value::Vector(vector) => numbers(vector.into_iter().map(|(labels, s)| (labels, s.value)).collect()),
        Value::Matrix(_) | Value::String { .. } => {
            return Err("the result is neither vector nor scalar".into());
        }
    };
    for HistogramSeries { labels, mut samples } in answer.histograms {
        results.extend(samples.pop().map(|sample| (labels, Point::of(sample.histogram))));
    }
    Ok(results)
}

/// As [`run`], of a query as templates have it: the numbers that it gives.
pub fn answer(query: &str, storage: &dyn Storage, time_ms: i64) -> Result<Vec<(Labels, f64)>, String> {
    let query = promql::parse(query).map_err(|e| e.to_string())?;
    let found = run(&query, storage, time_ms)?.into_iter();
    Ok(found.map(|(labels, point)| (labels, point.number())).collect())
}

/// As points.
pub fn numbers(results: Vec<(Labels, f64)>) -> Vec<(Labels, Point)> {
    results.into_iter().map(|(labels, value)| (labels, Point::Number(value))).collect()
}

/// The result of a LogQL expression as a vector.
pub fn count(query: &MetricExpr, lines: &LineStore, time_ms: i64) -> Result<Vec<(Labels, f64)>, String> {
    let options = logql::Options { max_answer_series: usize::MAX, ..logql::Options::default() };
    let until = LinesUntil { store: lines, end_ms: time_ms };
    let expr = logql::Expr::Metric(query.clone());
    let answer = logql::query_instant(&expr, &until, time_ms.saturating_mul(1_000_000), &options);
    match answer.map_err(|e| e.to_string())?.value {
        logql::Value::Scalar(value) => Ok(vec![(Labels::default(), value)]),
        logql::Value::Vector(vector) => {
            Ok(vector.into_iter().map(|one| (one.labels.iter().collect(), one.sample.value)).collect())
        }
        _ => Err("the result is neither vector nor scalar".into()),
    }
}
