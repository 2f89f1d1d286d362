//! Sums of histograms that lose little, over whatever buckets these have.

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use event::{Bucket, Histogram, ResetHint};

use super::layout::{bound, coarser, common, mapped, widened};
use crate::functions::sum::Sum;

/// Exponential and custom buckets have nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incompatible;

/// What the user should know of an addition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// One counter has started again and the other has not.
    pub conflicting_resets: bool,
    /// Only the bounds that both have remain.
    pub reconciled_bounds: bool,
}

/// A histogram whose numbers are sums.
#[derive(Clone, Debug)]
pub struct HistogramSum {
    schema: i32,
    zero_threshold: f64,
    bounds: Arc<[f64]>,
    reset: ResetHint,
    zero_count: Sum,
    count: Sum,
    sum: Sum,
    positive: BTreeMap<i32, Sum>,
    negative: BTreeMap<i32, Sum>,
}

impl HistogramSum {
    /// Of one histogram.
    pub fn new(first: &Histogram) -> Self {
        let sums = |buckets: &[Bucket]| buckets.iter().map(|b| (b.index, Sum::new(b.count))).collect();
        HistogramSum {
            schema: first.schema,
            zero_threshold: first.zero_threshold,
            bounds: first.bounds.clone(),
            reset: first.reset,
            zero_count: Sum::new(first.zero_count),
            count: Sum::new(first.count),
            sum: Sum::new(first.sum),
            positive: sums(&first.positive),
            negative: sums(&first.negative),
        }
    }

    /// One more, times `sign`.
    pub fn add(&mut self, other: &Histogram, sign: f64) -> Result<Notes, Incompatible> {
        if (self.schema == Histogram::CUSTOM) != other.is_custom() {
            return Err(Incompatible);
        }
        let conflicting_resets = self.adjust_reset(other.reset);
        self.count.add(sign * other.count);
        self.sum.add(sign * other.sum);
        let reconciled_bounds = if other.is_custom() {
            self.add_custom(other, sign)
        } else {
            self.add_exponential(other, sign);
            false
        };
        Ok(Notes { conflicting_resets, reconciled_bounds })
    }

    fn adjust_reset(&mut self, other: ResetHint) -> bool {
        use ResetHint::{Gauge, Unknown};
        let before = self.reset;
        self.reset = match (before, other) {
            (Gauge, _) | (_, Gauge) => Gauge,
            (a, b) if a == b => a,
            _ => Unknown,
        };
        before != other && ![before, other].iter().any(|hint| matches!(hint, Gauge | Unknown))
    }

    fn add_custom(&mut self, other: &Histogram, sign: f64) -> bool {
        let reconciled = self.bounds != other.bounds;
        let target =
            if reconciled { common(&self.bounds, &other.bounds).into() } else { self.bounds.clone() };
        if reconciled {
            let bounds = std::mem::replace(&mut self.bounds, Arc::clone(&target));
            let old = std::mem::take(&mut self.positive);
            for (index, sum) in old {
                let index = mapped(Bucket { index, count: 0.0 }, &bounds, &target);
                self.positive.entry(index).or_default().join(sum);
            }
        }
        for bucket in &other.positive {
            let index = if reconciled { mapped(*bucket, &other.bounds, &target) } else { bucket.index };
            self.positive.entry(index).or_default().add(sign * bucket.count);
        }
        reconciled
    }

    fn add_exponential(&mut self, other: &Histogram, sign: f64) {
        let (zero_count, zero_threshold) = self.reconcile_zero(other);
        self.zero_count.add(sign * zero_count);
        if other.schema < self.schema {
            self.coarsen(other.schema);
        }
        let (from, to) = (other.schema, self.schema);
        for (sums, buckets) in [(&mut self.positive, &other.positive), (&mut self.negative, &other.negative)]
        {
            // What lies around zero by now has been counted there.
            for bucket in buckets.iter().filter(|bucket| bound(bucket.index, from) > zero_threshold) {
                sums.entry(coarser(bucket.index, from, to)).or_default().add(sign * bucket.count);
            }
        }
    }

    /// Makes both buckets around zero reach equally far, unless NaN says how far one does; tells the other's count,
    /// and how far that is.
    fn reconcile_zero(&mut self, other: &Histogram) -> (f64, f64) {
        let (mut count, mut threshold) = (other.zero_count, other.zero_threshold);
        while threshold.partial_cmp(&self.zero_threshold).is_some_and(Ordering::is_ne) {
            if self.zero_threshold > threshold {
                (count, threshold) = widened(other, self.zero_threshold);
            }
            if threshold > self.zero_threshold {
                let (own, reached) = widened(&self.total(), threshold);
                (self.zero_count, self.zero_threshold) = (Sum::new(own), reached);
                let schema = self.schema;
                for sums in [&mut self.positive, &mut self.negative] {
                    sums.retain(|index, _| bound(*index, schema) > reached);
                }
            }
        }
        (count, threshold)
    }

    fn coarsen(&mut self, schema: i32) {
        for sums in [&mut self.positive, &mut self.negative] {
            for (index, sum) in std::mem::take(sums) {
                sums.entry(coarser(index, self.schema, schema)).or_default().join(sum);
            }
        }
        self.schema = schema;
    }

    /// All counts and the sum times `factor`.
    pub fn scale(&mut self, factor: f64) {
        let buckets = self.positive.values_mut().chain(self.negative.values_mut());
        for sum in buckets.chain([&mut self.zero_count, &mut self.count, &mut self.sum]) {
            *sum = sum.scaled(factor);
        }
    }

    /// The histogram with what the additions lost.
    pub fn total(&self) -> Histogram {
        let buckets = |sums: &BTreeMap<i32, Sum>| {
            sums.iter().map(|(index, sum)| Bucket { index: *index, count: sum.total() }).collect()
        };
        Histogram {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count.total(),
            count: self.count.total(),
            sum: self.sum.total(),
            positive: buckets(&self.positive),
            negative: buckets(&self.negative),
            bounds: self.bounds.clone(),
            reset: self.reset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(schema: i32, buckets: &[(i32, f64)]) -> Histogram {
        let positive: Vec<Bucket> = buckets.iter().map(|&(index, count)| Bucket { index, count }).collect();
        Histogram { schema, count: positive.iter().map(|b| b.count).sum(), positive, ..Histogram::default() }
    }

    fn counts(sum: &HistogramSum) -> Vec<(i32, f64)> {
        sum.total().positive.iter().map(|bucket| (bucket.index, bucket.count)).collect()
    }

    #[test]
    fn the_coarser_of_two_schemas_stays() {
        let mut sum = HistogramSum::new(&histogram(1, &[(1, 1.0), (2, 2.0), (3, 4.0)]));
        sum.add(&histogram(0, &[(1, 10.0), (5, 20.0)]), 1.0).unwrap();
        assert_eq!(counts(&sum), [(1, 13.0), (2, 4.0), (5, 20.0)]);
    }

    #[test]
    fn the_wider_bucket_around_zero_takes_the_buckets_within_it() {
        let mut sum = HistogramSum::new(&histogram(0, &[(0, 1.0), (1, 2.0), (2, 4.0)]));
        let wide = Histogram { zero_threshold: 2.0, zero_count: 8.0, ..histogram(0, &[(2, 1.0)]) };
        sum.add(&wide, 1.0).unwrap();
        assert_eq!(counts(&sum), [(2, 5.0)]);
        assert_eq!(sum.total().zero_count, 11.0);
    }

    #[test]
    fn a_bucket_around_zero_without_a_bound_ends_the_sum_all_the_same() {
        let some = histogram(0, &[(1, 2.0)]);
        let endless = Histogram { zero_threshold: f64::NAN, ..some.clone() };
        for (first, second) in [(&some, &endless), (&endless, &some), (&endless, &endless)] {
            let mut sum = HistogramSum::new(first);
            sum.add(second, 1.0).unwrap();
            assert_eq!(sum.total().count, 4.0);
        }
    }

    #[test]
    fn of_custom_bounds_only_the_common_ones_stay() {
        let custom = |bounds: &[f64], buckets| Histogram {
            bounds: bounds.into(),
            ..histogram(Histogram::CUSTOM, buckets)
        };
        let mut sum = HistogramSum::new(&custom(&[1.0, 2.0, 5.0], &[(0, 1.0), (1, 2.0), (3, 4.0)]));
        let notes = sum.add(&custom(&[2.0, 5.0], &[(0, 10.0), (1, 20.0)]), 1.0).unwrap();
        assert!(notes.reconciled_bounds);
        assert_eq!(counts(&sum), [(0, 13.0), (1, 20.0), (2, 4.0)]);
        assert_eq!(sum.add(&histogram(0, &[]), 1.0), Err(Incompatible));
    }
}
