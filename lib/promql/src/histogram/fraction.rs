//! Shares of observations between two values.

use event::Histogram;

use super::range::{Range, one_sided, ranges};

/// The share of observations between two values, and whether there are some that are no number: these belong to
/// no share.
pub fn fraction(lower: f64, upper: f64, histogram: &Histogram) -> (f64, bool) {
    if histogram.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return (f64::NAN, false);
    }
    if lower >= upper {
        return (0.0, false);
    }
    let all = ranges(histogram);
    let (mut count, mut nans) = (histogram.count, false);
    if histogram.sum.is_nan() {
        count = all.iter().map(|range| range.count).sum();
        nans = count < histogram.count;
    }
    let rank = |value: f64| rank(value, histogram, &all).unwrap_or(count).min(count);
    ((rank(upper) - rank(lower)) / histogram.count, nans)
}

/// How many observations are below `value`; `None` if all are.
fn rank(value: f64, histogram: &Histogram, ranges: &[Range]) -> Option<f64> {
    let mut below = 0.0;
    for range in ranges {
        let around_zero = range.lower <= 0.0 && range.upper >= 0.0;
        let range = if around_zero { one_sided(histogram, *range) } else { *range };
        if range.lower >= value {
            return Some(below);
        }
        if range.upper > value {
            // Of a bucket without a lower bound all counts as below.
            if range.lower == f64::NEG_INFINITY {
                return Some(range.count);
            }
            let linear = histogram.is_custom() || around_zero;
            return Some(below + range.count * range.share_below(value, linear));
        }
        below += range.count;
    }
    None
}
