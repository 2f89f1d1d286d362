//! Histograms in buckets: quantiles and shares of counts up to rising bounds.

/// How many observations are not greater than a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    pub bound: f64,
    pub count: f64,
}

/// A quantile.
pub struct Found {
    pub value: f64,
    /// Whether counts had to be raised so that they never fall.
    pub forced: bool,
}

/// Interpolates within the bucket where the quantile lies. The lowest bucket begins at 0 if its bound is
/// positive; in the highest one the answer is its lower bound.
pub fn quantile(q: f64, buckets: Vec<Bucket>) -> Found {
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
pub fn fraction(lower: f64, upper: f64, buckets: Vec<Bucket>) -> f64 {
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
            // Of a bucket without a lower bound all counts as below.
            if below.bound == f64::NEG_INFINITY {
                return bucket.count.min(total);
            }
            let share = (value - below.bound) / (bucket.bound - below.bound);
            return (below.count + (bucket.count - below.count) * share).min(total);
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
