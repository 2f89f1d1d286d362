//! `*_over_time`: aggregations over the samples of a window.

use event::Sample;

use super::{
    rate::Either,
    sum::{Mean, Sum, quantile},
    whole::all,
};
use crate::{
    EvalError,
    eval::{Datum, Evaluator, Extreme, OfAll, OfSamples, OfWindow, OverTime, Reporter, Window},
    histogram::{HistogramMean, HistogramSum, Notes, compacted},
    query::expr::Call,
};

/// The function of this name.
pub fn find(name: &str) -> Option<OverTime> {
    let keeps_name = matches!(name, "first_over_time" | "last_over_time");
    let eval = of_all(name).map(OfWindow::All);
    let eval = eval.or_else(|| of_samples(name).map(OfWindow::Samples));
    let eval = eval.or_else(|| extreme(name).map(OfWindow::Extreme))?;
    let function = OverTime { keeps_name, ..OverTime::new(eval) };
    Some(match name {
        "quantile_over_time" => OverTime { check: check_quantile, ..function },
        _ => function,
    })
}

fn of_samples(name: &str) -> Option<OfSamples> {
    Some(match name {
        "mad_over_time" => |w, _| Some(median_deviation(w.samples)),
        "quantile_over_time" => |w, scalars| Some(quantile_of(w.samples, scalars[0])),
        "stddev_over_time" => |w, _| Some(variance(w.samples).sqrt()),
        "stdvar_over_time" => |w, _| Some(variance(w.samples)),
        _ => return None,
    })
}

fn extreme(name: &str) -> Option<Extreme> {
    let (number, time) = (|s: &Sample| s.value, |s: &Sample| seconds(s.timestamp_ms));
    Some(match name {
        "max_over_time" => Extreme { is_beaten: |a, b| b > a, value: number },
        "min_over_time" => Extreme { is_beaten: |a, b| b < a, value: number },
        "ts_of_max_over_time" => Extreme { is_beaten: |a, b| b > a, value: time },
        "ts_of_min_over_time" => Extreme { is_beaten: |a, b| b < a, value: time },
        _ => return None,
    })
}

fn of_all(name: &str) -> Option<OfAll> {
    Some(match name {
        "avg_over_time" => |w, r| one_kind(w, r, |w| mean(w.samples), mean_of_histograms),
        "count_over_time" => |w, _| Some(Datum::Number((w.samples.len() + w.histograms.len()) as f64)),
        "first_over_time" => |w, _| all(w).first().map(datum),
        "last_over_time" => |w, _| all(w).last().map(datum),
        "present_over_time" => |_, _| Some(Datum::Number(1.0)),
        "sum_over_time" => |w, r| one_kind(w, r, |w| Some(sum(w.samples)), sum_of_histograms),
        "ts_of_first_over_time" => |w, _| all(w).first().map(|s| Datum::Number(seconds(s.timestamp_ms()))),
        "ts_of_last_over_time" => |w, _| all(w).last().map(|s| Datum::Number(seconds(s.timestamp_ms()))),
        _ => return None,
    })
}

fn datum(sample: &Either<'_>) -> Datum {
    match sample {
        Either::Number(sample) => Datum::Number(sample.value),
        Either::Histogram(sample) => Datum::Histogram(sample.histogram.clone()),
    }
}

/// Of numbers or of histograms; of both there is no value.
fn one_kind(
    window: &Window<'_>,
    reporter: Reporter<'_>,
    numbers: fn(&Window<'_>) -> Option<f64>,
    histograms: fn(&Window<'_>, Reporter<'_>) -> Option<Datum>,
) -> Option<Datum> {
    match (window.samples.is_empty(), window.histograms.is_empty()) {
        (false, false) => {
            reporter.mixed();
            None
        }
        (false, true) => numbers(window).map(Datum::Number),
        _ => histograms(window, reporter),
    }
}

fn sum_of_histograms(window: &Window<'_>, reporter: Reporter<'_>) -> Option<Datum> {
    let (first, rest) = window.histograms.split_first()?;
    let mut sum = HistogramSum::new(&first.histogram);
    for sample in rest {
        match sum.add(&sample.histogram, 1.0) {
            Ok(notes) => reporter.notes(Notes { conflicting_resets: false, ..notes }, "aggregation"),
            Err(_) => {
                reporter.incompatible();
                return None;
            }
        }
    }
    reporter.conflicts(window.histograms.iter().map(|sample| sample.histogram.reset));
    Some(compacted(sum.total()).into())
}

fn mean_of_histograms(window: &Window<'_>, reporter: Reporter<'_>) -> Option<Datum> {
    let (first, rest) = window.histograms.split_first()?;
    let mut mean = HistogramMean::new(&first.histogram);
    for sample in rest {
        match mean.add(&sample.histogram) {
            Ok(notes) => reporter.notes(Notes { conflicting_resets: false, ..notes }, "aggregation"),
            Err(_) => {
                reporter.incompatible();
                return None;
            }
        }
    }
    reporter.conflicts(window.histograms.iter().map(|sample| sample.histogram.reset));
    Some(compacted(mean.value()).into())
}

fn check_quantile(evaluator: &Evaluator<'_>, call: &Call, scalars: &[Vec<f64>]) -> Result<(), EvalError> {
    evaluator.check_quantiles(&scalars[0], call.place.arg(0));
    Ok(())
}

fn quantile_of(samples: &[Sample], q: f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(|s| s.value).collect();
    quantile(q, &mut values)
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
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
