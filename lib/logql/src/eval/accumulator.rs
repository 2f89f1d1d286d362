//! What a range aggregation keeps of the entries of a window. Parts of a window are accumulated apart and
//! merged in the order of time.

use super::series::nan_last;
use crate::ast::{RangeAggregation, RangeOp};

/// The state of one function.
#[derive(Clone, Debug)]
pub enum Accumulator {
    /// Of values that add up; also counts, bytes and rates.
    Sum(f64),
    /// Sum and count.
    Mean(f64, f64),
    Min(f64),
    Max(f64),
    /// Count, mean, and sum of squared distances from it (Welford; merged as Chan et al.).
    Spread {
        count: f64,
        mean: f64,
        squares: f64,
    },
    /// All values.
    Values(Vec<f64>),
    /// Time and value.
    First(i64, f64),
    Last(i64, f64),
    /// All samples.
    Samples(Vec<(i64, f64)>),
}

impl Accumulator {
    /// After the first entry.
    pub fn new(op: RangeOp, timestamp_ns: i64, value: f64) -> Self {
        match op {
            RangeOp::AvgOverTime => Accumulator::Mean(value, 1.0),
            RangeOp::MinOverTime => Accumulator::Min(value),
            RangeOp::MaxOverTime => Accumulator::Max(value),
            RangeOp::StdvarOverTime | RangeOp::StddevOverTime => {
                // NaN and infinities have no distance from the mean: 0 * value keeps them visible
                Accumulator::Spread { count: 1.0, mean: value, squares: 0.0 * value }
            }
            RangeOp::QuantileOverTime => Accumulator::Values(vec![value]),
            RangeOp::FirstOverTime => Accumulator::First(timestamp_ns, value),
            RangeOp::LastOverTime => Accumulator::Last(timestamp_ns, value),
            RangeOp::RateCounter => Accumulator::Samples(vec![(timestamp_ns, value)]),
            _ => Accumulator::Sum(value),
        }
    }

    /// Takes in what `other`, of the same function and not earlier, holds.
    pub fn merge(&mut self, other: &Accumulator) {
        use Accumulator::*;
        match (self, other) {
            (Sum(a), Sum(b)) => *a += b,
            (Mean(sum, count), Mean(s, c)) => (*sum, *count) = (*sum + s, *count + c),
            (Min(a), Min(b)) => *a = if *b < *a || a.is_nan() { *b } else { *a },
            (Max(a), Max(b)) => *a = if *b > *a || a.is_nan() { *b } else { *a },
            (Spread { count, mean, squares }, Spread { count: c, mean: m, squares: s }) => {
                let (total, delta) = (*count + c, m - *mean);
                *squares += s + delta * delta * *count * c / total;
                *mean += delta * c / total;
                *count = total;
            }
            (Values(a), Values(b)) => a.extend(b),
            (First(t, v), First(t2, v2)) if t2 < t => (*t, *v) = (*t2, *v2),
            (Last(t, v), Last(t2, v2)) if t2 >= t => (*t, *v) = (*t2, *v2),
            (Samples(a), Samples(b)) => a.extend(b),
            _ => {}
        }
    }

    /// What it holds besides itself.
    pub fn bytes(&self) -> usize {
        match self {
            Accumulator::Values(values) => size_of_val(values.as_slice()),
            Accumulator::Samples(samples) => size_of_val(samples.as_slice()),
            _ => 0,
        }
    }

    /// The function's value over the window that ends at `end_ns`.
    pub fn finish(&self, aggregation: &RangeAggregation, end_ns: i64) -> f64 {
        let seconds = aggregation.range_ns as f64 / 1e9;
        match self {
            Accumulator::Sum(sum) => match aggregation.op {
                RangeOp::Rate | RangeOp::BytesRate => sum / seconds,
                _ => *sum,
            },
            Accumulator::Mean(sum, count) => sum / count,
            Accumulator::Min(value) | Accumulator::Max(value) => *value,
            Accumulator::First(_, value) | Accumulator::Last(_, value) => *value,
            Accumulator::Spread { count, squares, .. } => match aggregation.op {
                RangeOp::StddevOverTime => (squares / count).sqrt(),
                _ => squares / count,
            },
            Accumulator::Values(values) => quantile(aggregation.parameter.unwrap_or(0.5), values.clone()),
            Accumulator::Samples(samples) => counter_rate(samples.clone(), end_ns, aggregation.range_ns),
        }
    }
}

/// Interpolates between the two nearest values, as Prometheus does.
fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    // NaN counts as the smallest
    values.sort_by(|a, b| b.is_nan().cmp(&a.is_nan()).then_with(|| nan_last(*a, *b)));
    let rank = q * (values.len() - 1) as f64;
    let (low, weight) = (rank.floor() as usize, rank - rank.floor());
    let high = (low + 1).min(values.len() - 1);
    values[low] * (1.0 - weight) + values[high] * weight
}

/// Rate of a counter that may start again from 0, extrapolated to the edges of its window where samples lie
/// near enough (Prometheus' `rate`).
fn counter_rate(mut samples: Vec<(i64, f64)>, end_ns: i64, range_ns: i64) -> f64 {
    samples.sort_by_key(|(timestamp_ns, _)| *timestamp_ns);
    let (Some(&(first_ns, first)), Some(&(last_ns, last))) = (samples.first(), samples.last()) else {
        return 0.0;
    };
    if samples.len() < 2 || first_ns == last_ns {
        return 0.0;
    }
    let resets: f64 = samples.windows(2).filter(|w| w[1].1 < w[0].1).map(|w| w[0].1).sum();
    let increase = last - first + resets;
    let seconds = |ns: i64| ns as f64 / 1e9;
    let sampled = seconds(last_ns - first_ns);
    let average = sampled / (samples.len() - 1) as f64;
    let edge = |gap: f64| if gap < average * 1.1 { gap } else { average / 2.0 };
    let mut before = edge(seconds(first_ns - (end_ns - range_ns)));
    if increase > 0.0 && first >= 0.0 {
        before = before.min(sampled * first / increase);
    }
    let behind = edge(seconds(end_ns - last_ns));
    increase * (sampled + before + behind) / sampled / seconds(range_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(0.5, vec![3.0, 1.0]), 2.0);
        assert_eq!(quantile(1.0, vec![3.0, 1.0]), 3.0);
        assert_eq!(quantile(1.5, vec![1.0]), f64::INFINITY);
        assert!(quantile(0.0, vec![1.0, f64::NAN]).is_nan());
    }

    #[test]
    fn a_counter_that_starts_again_only_grows() {
        let at = |s: i64, v: f64| (s * 1_000_000_000, v);
        let samples = vec![at(60, 60.0), at(90, 90.0), at(120, 30.0), at(150, 60.0)];
        let rate = counter_rate(samples, 150_000_000_000, 120_000_000_000);
        assert!((rate - 1.0).abs() < 1e-9, "{rate}");
        assert_eq!(counter_rate(vec![at(1, 5.0)], 2_000_000_000, 1_000_000_000), 0.0);
    }

    #[test]
    fn a_spread_is_the_same_in_parts_as_in_one() {
        let values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        let one = |v: &f64| Accumulator::new(RangeOp::StdvarOverTime, 0, *v);
        let sum = |values: &[f64]| {
            let mut all = one(&values[0]);
            values[1..].iter().for_each(|v| all.merge(&one(v)));
            all
        };
        let mut parts = sum(&values[..3]);
        parts.merge(&sum(&values[3..]));
        let Accumulator::Spread { count, squares, .. } = parts else { panic!("{parts:?}") };
        assert!((squares / count - 4.0).abs() < 1e-12);
    }
}
