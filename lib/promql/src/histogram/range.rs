//! Buckets with their bounds, from the lowest to the highest.

use event::{Bucket, Histogram};

use super::layout::bounds;

/// Observations between two values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The lower bound.
    pub lower: f64,
    /// The upper bound.
    pub upper: f64,
    /// How many observations lie between them.
    pub count: f64,
}

impl Range {
    /// Whether the lower and the upper bound themselves belong to the range, as one of this histogram: of
    /// exponential buckets it is the one further from zero, of custom ones the upper.
    pub fn includes(&self, histogram: &Histogram) -> (bool, bool) {
        match self {
            Range { lower, .. } if histogram.is_custom() => (*lower < 0.0, true),
            Range { lower, upper, .. } if *lower <= 0.0 && *upper >= 0.0 => (true, true),
            Range { upper, .. } => (*upper <= 0.0, *upper > 0.0),
        }
    }

    /// The share of the range up to `value`, which lies within: on a line, or on a scale of logarithms.
    pub fn share_below(&self, value: f64, linear: bool) -> f64 {
        if linear {
            return (value - self.lower) / (self.upper - self.lower);
        }
        let [lower, upper, at] = [self.lower, self.upper, value].map(|bound| bound.abs().log2());
        if value > 0.0 { (at - lower) / (upper - lower) } else { 1.0 - (at - upper) / (lower - upper) }
    }
}

/// All buckets; those beside the one around zero begin where it ends.
pub fn ranges(histogram: &Histogram) -> Vec<Range> {
    let zero = histogram.zero_threshold;
    let positive = |bucket: &Bucket| {
        let (lower, upper) = bounds(histogram, bucket.index);
        let lower = if lower > 0.0 { lower.max(zero) } else { lower };
        Range { lower, upper, count: bucket.count }
    };
    let negative = |bucket: &Bucket| {
        let Range { lower, upper, count } = positive(bucket);
        Range { lower: -upper, upper: -lower, count }
    };
    let around_zero = Range { lower: -zero, upper: zero, count: histogram.zero_count };
    let below = histogram.negative.iter().rev().map(negative);
    let middle = (histogram.zero_count > 0.0).then_some(around_zero);
    below.chain(middle).chain(histogram.positive.iter().map(positive)).collect()
}

/// Bounds of the bucket around zero: it does not reach to the side on which there is nothing.
pub fn one_sided(histogram: &Histogram, range: Range) -> Range {
    match (histogram.negative.is_empty(), histogram.positive.is_empty()) {
        (true, false) => Range { lower: 0.0, ..range },
        (false, true) => Range { upper: 0.0, ..range },
        _ => range,
    }
}
