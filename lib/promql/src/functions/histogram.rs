//! Functions of histograms: of native ones, and of series with a label `le` that count the observations up to it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use event::{Histogram, Labels};

use super::{
    Custom,
    classic::{self, Bucket},
};
use crate::{
    EvalError,
    eval::{Evaluated, Evaluator, Point, Reporter, Row, Steps, merge},
    histogram::{self as native, Nans},
    query::expr::Call,
};

/// The label that holds a bucket's upper bound.
const BOUND: &str = "le";

/// The function of this name.
pub fn find(name: &str) -> Option<Custom> {
    Some(match name {
        "histogram_avg" => |e, call, steps| of_native(e, call, steps, |h| h.sum / h.count),
        "histogram_count" => |e, call, steps| of_native(e, call, steps, |h| h.count),
        "histogram_fraction" => histogram_fraction,
        "histogram_quantile" => histogram_quantile,
        "histogram_quantiles" => histogram_quantiles,
        "histogram_stddev" => |e, call, steps| of_native(e, call, steps, |h| native::variance(h).sqrt()),
        "histogram_stdvar" => |e, call, steps| of_native(e, call, steps, native::variance),
        "histogram_sum" => |e, call, steps| of_native(e, call, steps, |h| h.sum),
        _ => return None,
    })
}

/// Of native histograms only; numbers are passed over.
fn of_native(
    evaluator: &Evaluator<'_>,
    call: &Call,
    steps: &Steps,
    value: fn(&Histogram) -> f64,
) -> Result<Evaluated, EvalError> {
    let mut rows = evaluator.vector(&call.args[0], steps)?;
    for row in &mut rows {
        let point = |(step, found): &(u32, Arc<Histogram>)| Point { step: *step, value: value(found) };
        row.points = row.histograms.iter().map(point).collect();
        row.histograms.clear();
        evaluator.forget_name(row);
    }
    rows.retain(|row| !row.is_empty());
    Ok(Evaluated::Vector(merge(rows)?))
}

fn histogram_quantile(evaluator: &Evaluator<'_>, call: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    let quantiles = evaluator.scalar(&call.args[0], steps)?;
    evaluator.check_quantiles(&quantiles, call.place.arg(0));
    Ok(Evaluated::Vector(merge(quantile_rows(evaluator, call, steps, &quantiles, 1)?)?))
}

/// Several quantiles at once, told apart by a label.
fn histogram_quantiles(
    evaluator: &Evaluator<'_>,
    call: &Call,
    steps: &Steps,
) -> Result<Evaluated, EvalError> {
    let label = evaluator.text(&call.args[1])?;
    let mut results = Vec::new();
    for (index, arg) in call.args.iter().enumerate().skip(2) {
        let quantiles = evaluator.scalar(arg, steps)?;
        evaluator.check_quantiles(&quantiles, call.place.arg(index));
        for row in quantile_rows(evaluator, call, steps, &quantiles, 0)? {
            for point in row.points {
                let value = open_metrics(quantiles[point.step as usize]);
                let labels = row.labels.with(&label, &value);
                results.push(Row { drops_name: row.drops_name, ..Row::new(labels, vec![point]) });
            }
        }
    }
    Ok(Evaluated::Vector(merge(results)?))
}

/// A number as OpenMetrics writes it: always with a point.
fn open_metrics(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".into(),
        f64::NEG_INFINITY => "-Inf".into(),
        value => format!("{value:?}"),
    }
}

/// One quantile for each step, of the histograms that are the argument of this index.
fn quantile_rows(
    evaluator: &Evaluator<'_>,
    call: &Call,
    steps: &Steps,
    quantiles: &[f64],
    arg: usize,
) -> Result<Vec<Row>, EvalError> {
    let of_buckets = |reporter: Reporter<'_>, step: usize, buckets: Vec<Bucket>| {
        let found = classic::quantile(quantiles[step], buckets);
        if found.forced {
            let fixed = "input to histogram_quantile needed to be fixed for monotonicity \
                         (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";
            reporter.inform_named(fixed);
        }
        found.value
    };
    let of_native = |reporter: Reporter<'_>, step: usize, histogram: &Histogram| {
        let (value, nans) = native::quantile(quantiles[step], histogram);
        let input = "input to histogram_quantile has NaN observations, result is";
        match nans {
            Nans::Harmless => {}
            Nans::Result => reporter.inform_named(&format!("{input} NaN")),
            Nans::Skew => reporter.inform_named(&format!("{input} skewed higher")),
        }
        value
    };
    each_histogram(evaluator, call, steps, arg, &of_buckets, &of_native)
}

fn histogram_fraction(evaluator: &Evaluator<'_>, call: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    let lower = evaluator.scalar(&call.args[0], steps)?;
    let upper = evaluator.scalar(&call.args[1], steps)?;
    let of_buckets =
        |_: Reporter<'_>, step: usize, buckets| classic::fraction(lower[step], upper[step], buckets);
    let of_native = |reporter: Reporter<'_>, step: usize, histogram: &Histogram| {
        let (value, nans) = native::fraction(lower[step], upper[step], histogram);
        if nans {
            reporter.inform_named(
                "input to histogram_fraction has NaN observations, which are excluded from all fractions",
            );
        }
        value
    };
    Ok(Evaluated::Vector(merge(each_histogram(evaluator, call, steps, 2, &of_buckets, &of_native)?)?))
}

type OfBuckets<'a> = &'a dyn Fn(Reporter<'_>, usize, Vec<Bucket>) -> f64;
type OfNative<'a> = &'a dyn Fn(Reporter<'_>, usize, &Histogram) -> f64;

/// What a series has at a step.
#[derive(Default)]
struct Found {
    buckets: Vec<Bucket>,
    native: Option<Arc<Histogram>>,
}

/// Puts the buckets of each histogram together, by ascending bound, and takes the value of these and of native
/// ones. Where a series has both, there is none.
fn each_histogram(
    evaluator: &Evaluator<'_>,
    call: &Call,
    steps: &Steps,
    arg: usize,
    of_buckets: OfBuckets<'_>,
    of_native: OfNative<'_>,
) -> Result<Vec<Row>, EvalError> {
    let at = call.place.arg(arg);
    let histograms = collect(evaluator, evaluator.vector(&call.args[arg], steps)?, at);
    let mut results = Vec::with_capacity(histograms.len());
    for (labels, steps) in histograms {
        evaluator.charge(steps.len())?;
        let reporter = Reporter { evaluator, at, labels: &labels };
        let mut points = Vec::with_capacity(steps.len());
        for (step, Found { mut buckets, native }) in steps {
            let value = match native {
                Some(_) if !buckets.is_empty() => {
                    reporter.warn_named("vector contains a mix of classic and native histograms");
                    continue;
                }
                Some(histogram) => of_native(reporter, step as usize, &histogram),
                None => {
                    buckets.sort_by(|a, b| a.bound.total_cmp(&b.bound));
                    of_buckets(reporter, step as usize, buckets)
                }
            };
            points.push(Point { step, value });
        }
        let mut row = Row::new(labels.clone(), points);
        evaluator.forget_name(&mut row);
        results.push(row);
    }
    Ok(results)
}

/// By series, and by step.
fn collect(evaluator: &Evaluator<'_>, rows: Vec<Row>, at: usize) -> Vec<(Labels, BTreeMap<u32, Found>)> {
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut histograms: Vec<(Labels, BTreeMap<u32, Found>)> = Vec::new();
    let mut place = |key: Labels, histograms: &mut Vec<_>| {
        *places.entry(key.clone()).or_insert_with(|| {
            histograms.push((key, BTreeMap::new()));
            histograms.len() - 1
        })
    };
    for row in rows {
        let bound = if row.points.is_empty() { None } else { bound(evaluator, &row.labels, at) };
        if let Some(bound) = bound {
            let steps = place(row.labels.filtered(|name| name != BOUND), &mut histograms);
            for Point { step, value } in &row.points {
                let bucket = Bucket { bound, count: *value };
                histograms[steps].1.entry(*step).or_default().buckets.push(bucket);
            }
        }
        if !row.histograms.is_empty() {
            let steps = place(row.labels.clone(), &mut histograms);
            for (step, found) in row.histograms {
                histograms[steps].1.entry(step).or_default().native = Some(found);
            }
        }
    }
    histograms
}

fn bound(evaluator: &Evaluator<'_>, labels: &Labels, at: usize) -> Option<f64> {
    let text = labels.get(BOUND).unwrap_or("");
    let parsed = text.parse().ok();
    if parsed.is_none() {
        let message = format!("bucket label \"le\" is missing or has a malformed value of {text:?}");
        Reporter { evaluator, at, labels }.warn_named(&message);
    }
    parsed
}
