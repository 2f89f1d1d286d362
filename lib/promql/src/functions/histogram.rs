//! Histograms in buckets: series with a label `le` that count the observations up to it.

use std::collections::{BTreeMap, HashMap};

use event::{Labels, METRIC_NAME};

use super::Custom;
use crate::{
    EvalError,
    eval::{Evaluated, Evaluator, Point, Row, Steps, merge},
    query::expr::Call,
};

/// The label that holds a bucket's upper bound.
const BOUND: &str = "le";

/// The function of this name.
pub fn find(name: &str) -> Option<Custom> {
    Some(match name {
        "histogram_quantile" => histogram_quantile,
        "histogram_quantiles" => histogram_quantiles,
        "histogram_fraction" => histogram_fraction,
        "histogram_avg" | "histogram_count" | "histogram_stddev" | "histogram_stdvar" | "histogram_sum" => {
            of_native
        }
        _ => return None,
    })
}

/// How many observations are not greater than a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    bound: f64,
    count: f64,
}

/// These work on native histograms only and pass over floats, as all samples here are.
fn of_native(evaluator: &Evaluator<'_>, call: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    evaluator.vector(&call.args[0], steps)?;
    Ok(Evaluated::Vector(Vec::new()))
}

fn histogram_quantile(evaluator: &Evaluator<'_>, call: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    let quantiles = evaluator.scalar(&call.args[0], steps)?;
    evaluator.check_quantiles(&quantiles, call.place.arg(0));
    Ok(Evaluated::Vector(quantile_rows(evaluator, call, steps, &quantiles, 1)?))
}

/// One quantile for each step, of the histograms that are the argument of this index.
fn quantile_rows(
    evaluator: &Evaluator<'_>,
    call: &Call,
    steps: &Steps,
    quantiles: &[f64],
    arg: usize,
) -> Result<Vec<Row>, EvalError> {
    let place = call.place.arg(arg);
    let rows = evaluator.vector(&call.args[arg], steps)?;
    each_histogram(evaluator, rows, place, |name, step, buckets| {
        let found = quantile(quantiles[step], buckets);
        if found.forced {
            let metric = if name.is_empty() { String::new() } else { format!(" for metric name {name:?}") };
            let message = format!(
                "input to histogram_quantile needed to be fixed for monotonicity \
                 (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)\
                 {metric}"
            );
            evaluator.inform(message, place);
        }
        found.value
    })
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
                results.push(Row { labels: row.labels.with(&label, &value), points: vec![point] });
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

fn histogram_fraction(evaluator: &Evaluator<'_>, call: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    let lower = evaluator.scalar(&call.args[0], steps)?;
    let upper = evaluator.scalar(&call.args[1], steps)?;
    let rows = evaluator.vector(&call.args[2], steps)?;
    each_histogram(evaluator, rows, call.place.arg(2), |_, step, buckets| {
        fraction(lower[step], upper[step], buckets)
    })
    .map(Evaluated::Vector)
}

/// Puts the buckets of each histogram together and calls `value` for each step with the metric's name, the step
/// and the buckets by ascending bound.
fn each_histogram(
    evaluator: &Evaluator<'_>,
    rows: Vec<Row>,
    at: usize,
    value: impl Fn(&str, usize, Vec<Bucket>) -> f64,
) -> Result<Vec<Row>, EvalError> {
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut histograms: Vec<(Labels, String, BTreeMap<u32, Vec<Bucket>>)> = Vec::new();
    for row in rows {
        let Some(bound) = bound(evaluator, &row.labels, at) else { continue };
        let key = row.labels.filtered(|name| name != BOUND && name != METRIC_NAME);
        let place = *places.entry(key.clone()).or_insert_with(|| {
            histograms.push((key, row.labels.metric_name().to_string(), BTreeMap::new()));
            histograms.len() - 1
        });
        let steps = &mut histograms[place].2;
        for point in row.points {
            steps.entry(point.step).or_default().push(Bucket { bound, count: point.value });
        }
    }
    let mut results = Vec::with_capacity(histograms.len());
    for (labels, name, steps) in histograms {
        evaluator.charge(steps.len())?;
        let point = |(step, mut buckets): (u32, Vec<Bucket>)| {
            buckets.sort_by(|a, b| a.bound.total_cmp(&b.bound));
            Point { step, value: value(&name, step as usize, buckets) }
        };
        results.push(Row { labels, points: steps.into_iter().map(point).collect() });
    }
    Ok(results)
}

fn bound(evaluator: &Evaluator<'_>, labels: &Labels, at: usize) -> Option<f64> {
    let text = labels.get(BOUND).unwrap_or("");
    let parsed = text.parse().ok();
    if parsed.is_none() {
        let metric = labels.metric_name();
        let message = format!(
            "bucket label \"le\" is missing or has a malformed value of {text:?} for metric name {metric:?}"
        );
        evaluator.warn(message, at);
    }
    parsed
}

struct Found {
    value: f64,
    /// Whether counts had to be raised so that they never fall.
    forced: bool,
}

/// Interpolates within the bucket where the quantile lies. The lowest bucket begins at 0 if its bound is
/// positive; in the highest one the answer is its lower bound.
fn quantile(q: f64, buckets: Vec<Bucket>) -> Found {
    let known = |value| Found { value, forced: false };
    if q.is_nan() {
        return known(f64::NAN);
    }
    if q < 0.0 {
        return known(f64::NEG_INFINITY);
    }
    if q > 1.0 {
        return known(f64::INFINITY);
    }
    if buckets.last().is_none_or(|last| last.bound != f64::INFINITY) {
        return known(f64::NAN);
    }
    let mut buckets = coalesced(buckets);
    let forced = make_monotonic(&mut buckets);
    Found { value: interpolate(q, &buckets), forced }
}

fn interpolate(q: f64, buckets: &[Bucket]) -> f64 {
    let [lower @ .., last] = buckets else { return f64::NAN };
    let (Some(highest), false) = (lower.last(), last.count == 0.0) else { return f64::NAN };
    let rank = q * last.count;
    let at = lower.iter().position(|bucket| bucket.count >= rank).unwrap_or(lower.len());
    let Some(bucket) = lower.get(at) else { return highest.bound };
    let below = match at.checked_sub(1).map(|below| lower[below]) {
        Some(below) => below,
        None if bucket.bound <= 0.0 => return bucket.bound,
        None => Bucket { bound: 0.0, count: 0.0 },
    };
    let share = (rank - below.count) / (bucket.count - below.count);
    below.bound + (bucket.bound - below.bound) * share
}

/// Buckets of the same bound become one.
fn coalesced(buckets: Vec<Bucket>) -> Vec<Bucket> {
    let mut one_each: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match one_each.last_mut() {
            Some(last) if last.bound == bucket.bound => last.count += bucket.count,
            _ => one_each.push(bucket),
        }
    }
    one_each
}

/// Raises counts that are lower than the one before them. Says whether that was more than rounding.
fn make_monotonic(buckets: &mut [Bucket]) -> bool {
    let mut forced = false;
    let mut before = buckets.first().map_or(0.0, |bucket| bucket.count);
    for bucket in buckets.iter_mut().skip(1) {
        if almost_equal(before, bucket.count) {
            bucket.count = before;
        } else if bucket.count < before {
            bucket.count = before;
            forced = true;
        } else {
            before = bucket.count;
        }
    }
    forced
}

/// Up to one part in 10^12: what rates of the same increase differ by.
fn almost_equal(a: f64, b: f64) -> bool {
    const TOLERANCE: f64 = 1e-12;
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

/// The share of observations between two values, interpolated as for quantiles.
fn fraction(lower: f64, upper: f64, buckets: Vec<Bucket>) -> f64 {
    if buckets.last().is_none_or(|last| last.bound != f64::INFINITY) {
        return f64::NAN;
    }
    let buckets = coalesced(buckets);
    let total = buckets.last().map_or(0.0, |last| last.count);
    if total == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank(upper, &buckets, total) - rank(lower, &buckets, total)) / total
}

/// How many observations are not greater than `value`.
fn rank(value: f64, buckets: &[Bucket], total: f64) -> f64 {
    let mut below = match buckets.first() {
        Some(first) if first.bound > 0.0 => Bucket { bound: 0.0, count: 0.0 },
        _ => Bucket { bound: f64::NEG_INFINITY, count: 0.0 },
    };
    for bucket in buckets {
        if below.bound >= value {
            return below.count.min(total);
        }
        if bucket.bound > value {
            let share = (value - below.bound) / (bucket.bound - below.bound);
            let within = if share.is_nan() { 0.0 } else { (bucket.count - below.count) * share };
            return (below.count + within).min(total);
        }
        below = *bucket;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(pairs: &[(f64, f64)]) -> Vec<Bucket> {
        pairs.iter().map(|&(bound, count)| Bucket { bound, count }).collect()
    }

    #[test]
    fn quantiles_need_the_bucket_that_holds_all() {
        assert!(quantile(0.5, buckets(&[(1.0, 5.0)])).value.is_nan());
        assert!(quantile(0.5, Vec::new()).value.is_nan());
        let found = quantile(0.5, buckets(&[(1.0, 5.0), (f64::INFINITY, 10.0)]));
        assert_eq!(found.value, 1.0);
    }

    #[test]
    fn counts_that_fall_are_raised_and_reported() {
        let found = quantile(0.9, buckets(&[(1.0, 9.0), (2.0, 5.0), (f64::INFINITY, 10.0)]));
        assert!(found.forced);
        assert_eq!(found.value, 1.0);
    }

    #[test]
    fn fractions_interpolate_within_buckets() {
        let all = buckets(&[(1.0, 10.0), (2.0, 30.0), (f64::INFINITY, 40.0)]);
        assert_eq!(fraction(0.5, 1.5, all.clone()), 0.375);
        assert_eq!(fraction(f64::NEG_INFINITY, f64::INFINITY, all), 1.0);
    }
}
