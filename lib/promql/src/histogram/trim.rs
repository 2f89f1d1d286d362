//! What is left of a histogram on one side of a value.

use event::{Bucket, Histogram};

use super::{
    compacted,
    layout::bounds,
    range::{Range, one_sided},
};

/// The observations up to `value` if `upper`, else those from it on. Sum and count are estimated from the buckets
/// that remain, unless all do.
pub fn trimmed(histogram: &Histogram, value: f64, upper: bool) -> Histogram {
    let mut left = Left { value, upper, custom: histogram.is_custom(), count: 0.0, sum: 0.0 };
    let mut kept = histogram.clone();
    let side = |left: &mut Left, buckets: &mut Vec<Bucket>, positive: bool| {
        for bucket in buckets.iter_mut().filter(|bucket| bucket.count != 0.0) {
            let (lower, upper) = bounds(histogram, bucket.index);
            let (lower, upper) = if positive { (lower, upper) } else { (-upper, -lower) };
            bucket.count = left.keep(Range { lower, upper, count: bucket.count }, positive);
        }
    };
    side(&mut left, &mut kept.positive, true);
    side(&mut left, &mut kept.negative, false);
    if histogram.zero_count > 0.0 {
        let zero = histogram.zero_threshold;
        let range = Range { lower: -zero, upper: zero, count: histogram.zero_count };
        kept.zero_count = left.keep_zero(one_sided(&populated(histogram), range));
    }
    if super::equal(&kept, histogram) {
        return kept;
    }
    (kept.count, kept.sum) = (left.count, left.sum);
    compacted(kept)
}

fn populated(histogram: &Histogram) -> Histogram {
    compacted(histogram.clone())
}

/// What has been kept so far.
struct Left {
    value: f64,
    upper: bool,
    custom: bool,
    count: f64,
    sum: f64,
}

impl Left {
    /// How many observations of the bucket stay.
    fn keep(&mut self, range: Range, positive: bool) -> f64 {
        let (whole, part) = match self.upper {
            true => (range.upper <= self.value, range.lower < self.value),
            false => (range.lower >= self.value, range.upper > self.value),
        };
        let (count, middle) = match (whole, part) {
            (true, _) => (range.count, self.middle(range.lower, range.upper, positive)),
            (false, true) if range.lower.is_infinite() || range.upper.is_infinite() => self.open(range),
            (false, true) => self.part(range, positive),
            (false, false) => (0.0, 0.0),
        };
        self.take(count, middle)
    }

    fn take(&mut self, count: f64, middle: f64) -> f64 {
        self.count += count;
        self.sum += middle * count;
        count
    }

    fn part(&self, range: Range, positive: bool) -> (f64, f64) {
        let below = match self.value {
            value if value <= range.lower => 0.0,
            value if value >= range.upper => range.count,
            value => range.count * range.share_below(value, self.custom),
        };
        match self.upper {
            true => (below, self.middle(range.lower, self.value, positive)),
            false => (range.count - below, self.middle(self.value, range.upper, positive)),
        }
    }

    /// Of a bucket that ends nowhere.
    fn open(&self, Range { lower, upper, count }: Range) -> (f64, f64) {
        let finite = |bound: f64| if bound.is_infinite() { 0.0 } else { bound };
        let value = self.value;
        let bounded = !upper.is_infinite();
        match (lower == f64::NEG_INFINITY, self.upper) {
            (true, true) if value >= upper => (count, 0.0),
            (true, true) if value > 0.0 && upper > 0.0 && bounded => (count * value / upper, value / 2.0),
            (true, true) if upper <= 0.0 => (count, value),
            (true, false) if value <= lower => (count, 0.0),
            (true, false) if value >= 0.0 && upper > value && bounded => {
                (count * (1.0 - value / upper), (value + upper) / 2.0)
            }
            (true, _) => (0.0, finite(upper)),
            (false, false) if value >= lower => (count, value),
            (false, _) => (0.0, finite(lower)),
        }
    }

    fn keep_zero(&mut self, Range { lower, upper, count }: Range) -> f64 {
        let value = self.value;
        let (from, to) = match self.upper {
            true if value <= lower => return self.take(0.0, 0.0),
            false if value >= upper && value > lower => return self.take(0.0, 0.0),
            true => (lower, value.min(upper)),
            false => (value.max(lower), upper),
        };
        let share = if from == lower && to == upper { 1.0 } else { (to - from) / (upper - lower) };
        self.take(count * share, (from + to) / 2.0)
    }

    fn middle(&self, lower: f64, upper: f64, positive: bool) -> f64 {
        match (lower.is_infinite(), upper.is_infinite()) {
            (true, true) => 0.0,
            (true, false) if upper > 0.0 => upper / 2.0,
            (true, false) => upper,
            (false, true) => lower,
            (false, false) if self.custom => (lower + upper) / 2.0,
            (false, false) => (lower * upper).abs().sqrt() * if positive { 1.0 } else { -1.0 },
        }
    }
}
