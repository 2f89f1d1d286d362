//! Native histograms: arithmetic and what is read off them. None of it changes what a histogram says beyond
//! what its buckets can tell.

mod fraction;
mod layout;
mod mean;
mod quantile;
mod range;
mod reset;
mod sum;
mod text;
mod trim;

use event::{Histogram, ResetHint};

pub use fraction::fraction;
pub use mean::HistogramMean;
pub use quantile::{Nans, quantile};
pub use range::{Range, ranges};
pub use reset::is_reset;
pub use sum::{HistogramSum, Incompatible, Notes};
pub use text::text;
pub use trim::trimmed;

/// All counts and the sum times `factor`.
pub fn scaled(histogram: &Histogram, factor: f64) -> Histogram {
    let mut scaled = each(histogram, |value| value * factor);
    if factor < 0.0 {
        scaled.reset = ResetHint::Gauge;
    }
    scaled
}

/// All counts and the sum divided; zero leaves no buckets.
pub fn divided(histogram: &Histogram, divisor: f64) -> Histogram {
    let mut divided = each(histogram, |value| value / divisor);
    if divisor == 0.0 {
        divided.positive.clear();
        divided.negative.clear();
    }
    if divisor < 0.0 {
        divided.reset = ResetHint::Gauge;
    }
    divided
}

fn each(histogram: &Histogram, value: impl Fn(f64) -> f64) -> Histogram {
    let mut new = histogram.clone();
    for number in [&mut new.zero_count, &mut new.count, &mut new.sum] {
        *number = value(*number);
    }
    for bucket in new.positive.iter_mut().chain(&mut new.negative) {
        bucket.count = value(bucket.count);
    }
    new
}

/// Without empty buckets.
pub fn compacted(mut histogram: Histogram) -> Histogram {
    histogram.positive.retain(|bucket| bucket.count != 0.0);
    histogram.negative.retain(|bucket| bucket.count != 0.0);
    histogram
}

/// `left + right`, or `left - right` if `sign` is -1.
pub fn combined(left: &Histogram, right: &Histogram, sign: f64) -> Result<(Histogram, Notes), Incompatible> {
    let mut sum = HistogramSum::new(left);
    let notes = sum.add(right, sign)?;
    Ok((sum.total(), notes))
}

/// Whether both say the same; what a restart hints at does not count.
pub fn equal(left: &Histogram, right: &Histogram) -> bool {
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
    let buckets = |a: &[event::Bucket], b: &[event::Bucket]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.index == b.index && same(a.count, b.count))
    };
    left.schema == right.schema
        && same(left.count, right.count)
        && same(left.sum, right.sum)
        && left.bounds == right.bounds
        && left.zero_threshold == right.zero_threshold
        && same(left.zero_count, right.zero_count)
        && buckets(&left.positive, &right.positive)
        && buckets(&left.negative, &right.negative)
}

/// Sum of the squared distances from the mean over the count, with each observation in the middle of its bucket.
pub fn variance(histogram: &Histogram) -> f64 {
    let mean = histogram.sum / histogram.count;
    let mut squares = crate::functions::sum::Sum::default();
    for range in ranges(histogram).into_iter().filter(|range| range.count != 0.0) {
        let middle = match range {
            _ if histogram.is_custom() => (range.upper + range.lower) / 2.0,
            Range { lower, upper, .. } if lower <= 0.0 && upper >= 0.0 => 0.0,
            Range { lower, upper, .. } if upper < 0.0 => -(upper * lower).sqrt(),
            Range { lower, upper, .. } => (upper * lower).sqrt(),
        };
        squares.add(range.count * (middle - mean) * (middle - mean));
    }
    squares.raw_total() / histogram.count
}
