//! `*_over_time`: aggregations over the samples of a window.

use event::Sample;

use super::sum::{Mean, Sum, quantile};
use crate::{
    EvalError,
    eval::{Evaluator, OfWindow, OverTime},
    query::expr::Call,
};

/// The function of this name.
pub fn find(name: &str) -> Option<OverTime> {
    let eval: OfWindow = match name {
        "avg_over_time" => |w, _| mean(w.samples),
        "count_over_time" => |w, _| Some(w.samples.len() as f64),
        "first_over_time" => |w, _| w.samples.first().map(|s| s.value),
        "last_over_time" => |w, _| w.samples.last().map(|s| s.value),
        "mad_over_time" => |w, _| Some(median_deviation(w.samples)),
        "max_over_time" => |w, _| greatest(w.samples).map(|s| s.value),
        "min_over_time" => |w, _| smallest(w.samples).map(|s| s.value),
        "present_over_time" => |_, _| Some(1.0),
        "quantile_over_time" => |w, scalars| Some(quantile_of(w.samples, scalars[0])),
        "stddev_over_time" => |w, _| Some(variance(w.samples).sqrt()),
        "stdvar_over_time" => |w, _| Some(variance(w.samples)),
        "sum_over_time" => |w, _| Some(sum(w.samples)),
        "ts_of_first_over_time" => |w, _| w.samples.first().map(seconds),
        "ts_of_last_over_time" => |w, _| w.samples.last().map(seconds),
        "ts_of_max_over_time" => |w, _| greatest(w.samples).map(seconds),
        "ts_of_min_over_time" => |w, _| smallest(w.samples).map(seconds),
        _ => return None,
    };
    let keeps_name = matches!(name, "first_over_time" | "last_over_time");
    let function = OverTime { keeps_name, ..OverTime::new(eval) };
    Some(match name {
        "quantile_over_time" => OverTime { check: check_quantile, ..function },
        _ => function,
    })
}

fn check_quantile(evaluator: &Evaluator<'_>, call: &Call, scalars: &[Vec<f64>]) -> Result<(), EvalError> {
    evaluator.check_quantiles(&scalars[0], call.place.arg(0));
    Ok(())
}

fn quantile_of(samples: &[Sample], q: f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(|s| s.value).collect();
    quantile(q, &mut values)
}

fn seconds(sample: &Sample) -> f64 {
    sample.timestamp_ms as f64 / 1000.0
}

fn sum(samples: &[Sample]) -> f64 {
    let mut sum = Sum::default();
    samples.iter().for_each(|s| sum.add(s.value));
    sum.total()
}

fn mean(samples: &[Sample]) -> Option<f64> {
    let (first, rest) = samples.split_first()?;
    let mut mean = Mean::new(first.value);
    rest.iter().for_each(|s| mean.add(s.value));
    Some(mean.value())
}

/// Population variance by Welford's method with compensated sums.
fn variance(samples: &[Sample]) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, Sum::default(), Sum::default());
    for sample in samples {
        count += 1.0;
        let delta = sample.value - mean.raw_total();
        mean.add(delta / count);
        squares.add(delta * (sample.value - mean.raw_total()));
    }
    squares.raw_total() / count
}

fn greatest(samples: &[Sample]) -> Option<&Sample> {
    samples.iter().reduce(|a, b| if b.value > a.value || a.value.is_nan() { b } else { a })
}

fn smallest(samples: &[Sample]) -> Option<&Sample> {
    samples.iter().reduce(|a, b| if b.value < a.value || a.value.is_nan() { b } else { a })
}

/// The median of the distances to the median.
fn median_deviation(samples: &[Sample]) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(|s| s.value).collect();
    if values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    let median = quantile(0.5, &mut values);
    values.iter_mut().for_each(|value| *value = (*value - median).abs());
    quantile(0.5, &mut values)
}
