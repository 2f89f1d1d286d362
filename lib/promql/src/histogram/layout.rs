//! Where buckets lie, and how they fall into those of a coarser histogram.

use event::{Bucket, Histogram};

/// The upper bound of an exponential bucket; the largest finite one ends with the numbers themselves.
pub fn bound(index: i32, schema: i32) -> f64 {
    let exponent = match schema {
        ..=0 => f64::from(index) * f64::from(1u32 << (-schema).min(30)),
        _ => f64::from(index) / f64::from(1u32 << schema.min(30)),
    };
    if exponent == 1024.0 { f64::MAX } else { exponent.exp2() }
}

/// The index of the coarser bucket that holds the bucket of this index.
pub fn coarser(index: i32, from: i32, to: i32) -> i32 {
    ((index - 1) >> (from - to).clamp(0, 31)) + 1
}

/// Of a bucket: its bounds without sign.
pub fn bounds(histogram: &Histogram, index: i32) -> (f64, f64) {
    if !histogram.is_custom() {
        return (bound(index - 1, histogram.schema), bound(index, histogram.schema));
    }
    let at = |index: i32| match usize::try_from(index) {
        Ok(index) => histogram.bounds.get(index).copied().unwrap_or(f64::INFINITY),
        Err(_) => f64::NEG_INFINITY,
    };
    (at(index - 1), at(index))
}

/// The histogram with a wider bucket around zero, which may have to grow further to end where another begins:
/// its count and its bound. A threshold that is no number widens nothing.
pub fn widened(histogram: &Histogram, threshold: f64) -> (f64, f64) {
    if threshold == histogram.zero_threshold {
        return (histogram.zero_count, threshold);
    }
    let mut threshold = threshold;
    loop {
        let before = threshold;
        let mut count = crate::functions::sum::Sum::new(histogram.zero_count);
        for bucket in histogram.positive.iter().chain(&histogram.negative) {
            let (lower, upper) = bounds(histogram, bucket.index);
            if lower < threshold {
                count.add(bucket.count);
                if upper > threshold && bucket.count != 0.0 {
                    threshold = upper;
                }
            }
        }
        // NaN equals nothing, and does not grow either.
        if threshold.total_cmp(&before).is_eq() {
            return (count.raw_total(), threshold);
        }
    }
}

/// The bounds that both have.
pub fn common(left: &[f64], right: &[f64]) -> Vec<f64> {
    left.iter().copied().filter(|bound| right.contains(bound)).collect()
}

/// The index among `target` of the bucket that holds the bucket of this index among `bounds`.
pub fn mapped(bucket: Bucket, bounds: &[f64], target: &[f64]) -> i32 {
    let upper = usize::try_from(bucket.index).ok().and_then(|index| bounds.get(index));
    let place = upper.map_or(target.len(), |upper| target.partition_point(|bound| bound < upper));
    i32::try_from(place).unwrap_or(i32::MAX)
}
