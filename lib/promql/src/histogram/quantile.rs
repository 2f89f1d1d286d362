//! Quantiles of native histograms.

use event::Histogram;

use super::range::{Range, one_sided, ranges};

/// What observations that are no number do to a quantile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nans {
    /// Nothing; or there are none.
    Harmless,
    /// It falls among them.
    Result,
    /// It lies higher than among the others alone.
    Skew,
}

/// Interpolates within the bucket where the quantile lies: on a line around zero and between custom bounds,
/// else on a scale of logarithms.
pub fn quantile(q: f64, histogram: &Histogram) -> (f64, Nans) {
    let harmless = |value| (value, Nans::Harmless);
    if q < 0.0 {
        return harmless(f64::NEG_INFINITY);
    }
    if q > 1.0 {
        return harmless(f64::INFINITY);
    }
    if histogram.count == 0.0 || q.is_nan() {
        return harmless(f64::NAN);
    }
    // Counted from the nearer end; observations that are no number count as the greatest.
    let nans = histogram.sum.is_nan();
    let from_below = nans || q < 0.5;
    let mut all = ranges(histogram);
    if !from_below {
        all.reverse();
    }
    let rank = if from_below { q } else { 1.0 - q } * histogram.count;
    let (range, count) = find(&all, rank);
    let range = match ends(histogram, range) {
        Ok(range) => range,
        Err(value) => return harmless(value),
    };
    let count = count.min(histogram.count);
    if count < rank {
        return if nans { (f64::NAN, Nans::Result) } else { harmless(range.upper) };
    }
    let within = if from_below { rank - (count - range.count) } else { count - rank };
    let observed: f64 = all.iter().map(|range| range.count).sum();
    let skew = if nans && observed < histogram.count { Nans::Skew } else { Nans::Harmless };
    (interpolated(histogram, range, within / range.count), skew)
}

/// The bucket with the observation of this rank, and how many there are up to its end.
fn find(ranges: &[Range], rank: f64) -> (Range, f64) {
    let mut count = 0.0;
    let mut last = Range { lower: 0.0, upper: 0.0, count: 0.0 };
    for range in ranges {
        last = *range;
        count += range.count;
        if range.count != 0.0 && count >= rank {
            break;
        }
    }
    (last, count)
}

/// The bucket with bounds that can be used; `Err`: the answer itself.
fn ends(histogram: &Histogram, range: Range) -> Result<Range, f64> {
    if !histogram.is_custom() {
        let around_zero = range.lower < 0.0 && range.upper > 0.0;
        return Ok(if around_zero { one_sided(histogram, range) } else { range });
    }
    match range {
        Range { lower: f64::NEG_INFINITY, upper, .. } if upper <= 0.0 => Err(upper),
        Range { lower: f64::NEG_INFINITY, .. } => Ok(Range { lower: 0.0, ..range }),
        Range { lower, upper: f64::INFINITY, .. } => Err(lower),
        range => Ok(range),
    }
}

fn interpolated(histogram: &Histogram, Range { lower, upper, .. }: Range, share: f64) -> f64 {
    if histogram.is_custom() || (lower <= 0.0 && upper >= 0.0) {
        return lower + (upper - lower) * share;
    }
    let (log_lower, log_upper) = (lower.abs().log2(), upper.abs().log2());
    if lower > 0.0 {
        (log_lower + (log_upper - log_lower) * share).exp2()
    } else {
        -(log_upper + (log_lower - log_upper) * (1.0 - share)).exp2()
    }
}
