//! Aggregations over the series of each step.

use std::collections::HashMap;

use super::{
    Evaluation, range_agg,
    series::{Series, group_labels, nan_last},
};
use crate::{
    EvalError, LabelSet, MetricExpr,
    ast::{RangeOp, VectorAggregation, VectorOp},
};

/// The series of `aggregation`.
pub fn evaluate(
    evaluation: &Evaluation<'_>,
    aggregation: &VectorAggregation,
) -> Result<Vec<Series>, EvalError> {
    let inner = inner_series(evaluation, aggregation)?;
    let results = match aggregation.op {
        VectorOp::Sort | VectorOp::SortDesc => inner,
        VectorOp::Topk | VectorOp::ApproxTopk => select(aggregation, inner, |a, b| nan_last(-a, -b)),
        VectorOp::Bottomk => select(aggregation, inner, nan_last),
        op => grouped(aggregation, inner)
            .into_iter()
            .map(|(labels, members)| Series { labels, values: reduce(op, &members, evaluation.steps.count) })
            .collect(),
    };
    Ok(results.into_iter().filter(Series::has_values).collect())
}

/// A sum over counts is a count over groups: entries need not become series first.
fn inner_series(
    evaluation: &Evaluation<'_>,
    aggregation: &VectorAggregation,
) -> Result<Vec<Series>, EvalError> {
    if let MetricExpr::Range(range) = &aggregation.inner {
        let adds_up = matches!(
            range.op,
            RangeOp::Rate
                | RangeOp::CountOverTime
                | RangeOp::BytesRate
                | RangeOp::BytesOverTime
                | RangeOp::SumOverTime
        );
        if adds_up && aggregation.op == VectorOp::Sum && range.grouping.is_none() {
            return range_agg::evaluate(evaluation, range, Some(aggregation.grouping.as_ref()));
        }
    }
    evaluation.series(&aggregation.inner)
}

type Group = (LabelSet, Vec<Series>);

/// Groups in the order of their first series.
fn grouped(aggregation: &VectorAggregation, series: Vec<Series>) -> Vec<Group> {
    let mut index: HashMap<LabelSet, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for one in series {
        let labels = group_labels(&one.labels, aggregation.grouping.as_ref());
        let at = *index.entry(labels).or_insert_with_key(|labels| {
            groups.push((labels.clone(), Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push(one);
    }
    groups
}

fn reduce(op: VectorOp, members: &[Series], steps: usize) -> Vec<Option<f64>> {
    let step = |step: usize| {
        let values: Vec<f64> = members.iter().filter_map(|m| m.values[step]).collect();
        (!values.is_empty()).then(|| reduce_step(op, &values))
    };
    (0..steps).map(step).collect()
}

fn reduce_step(op: VectorOp, values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let best = |better: fn(&f64, &f64) -> bool| {
        let pick = |best: f64, v: &f64| if better(v, &best) || best.is_nan() { *v } else { best };
        values.iter().fold(f64::NAN, pick)
    };
    match op {
        VectorOp::Sum => values.iter().sum(),
        VectorOp::Avg => values.iter().sum::<f64>() / count,
        VectorOp::Max => best(f64::gt),
        VectorOp::Min => best(f64::lt),
        VectorOp::Stdvar => variance(values),
        VectorOp::Stddev => variance(values).sqrt(),
        _ => count,
    }
}

fn variance(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count
}

/// The first `parameter` series of each group and step in the order of `compare`.
fn select(
    aggregation: &VectorAggregation,
    series: Vec<Series>,
    compare: impl Fn(f64, f64) -> std::cmp::Ordering,
) -> Vec<Series> {
    let most = aggregation.parameter.unwrap_or(1);
    let mut results = Vec::new();
    for (_, mut members) in grouped(aggregation, series) {
        members.sort_by(|a, b| a.labels.cmp(&b.labels));
        let steps = members.first().map_or(0, |m| m.values.len());
        for step in 0..steps {
            let mut ranked: Vec<(usize, f64)> =
                members.iter().enumerate().filter_map(|(i, m)| Some((i, m.values[step]?))).collect();
            ranked.sort_by(|a, b| compare(a.1, b.1));
            for (loser, _) in ranked.into_iter().skip(most) {
                members[loser].values[step] = None;
            }
        }
        results.extend(members);
    }
    results
}
