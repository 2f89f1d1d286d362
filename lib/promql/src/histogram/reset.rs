//! Whether a counter has started again between two samples.

use std::iter::Peekable;

use event::{Bucket, Histogram, ResetHint};

use super::layout::{bound, coarser, common, mapped, widened};

/// Whether something has become less, or is now told in more detail than a running counter could.
pub fn is_reset(before: &Histogram, after: &Histogram) -> bool {
    match after.reset {
        ResetHint::Reset => return true,
        ResetHint::NotReset => return false,
        ResetHint::Unknown | ResetHint::Gauge => {}
    }
    if after.count < before.count || (after.is_custom() && !before.is_custom()) {
        return true;
    }
    if after.is_custom() {
        return custom_fell(before, after);
    }
    if after.schema > before.schema || after.zero_threshold < before.zero_threshold {
        return true;
    }
    let (zero_count, threshold) = widened(before, after.zero_threshold);
    threshold != after.zero_threshold
        || after.zero_count < zero_count
        || exponential_fell(before, &before.positive, after, &after.positive)
        || exponential_fell(before, &before.negative, after, &after.negative)
}

fn exponential_fell(before: &Histogram, old: &[Bucket], after: &Histogram, new: &[Bucket]) -> bool {
    let outside = old.iter().filter(|bucket| bound(bucket.index, before.schema) > after.zero_threshold);
    let old = outside.map(|bucket| (coarser(bucket.index, before.schema, after.schema), bucket.count));
    fell(old, new.iter().map(|bucket| (bucket.index, bucket.count)))
}

fn custom_fell(before: &Histogram, after: &Histogram) -> bool {
    let target = common(&before.bounds, &after.bounds);
    let map =
        |histogram: &Histogram, bucket: &Bucket| (mapped(*bucket, &histogram.bounds, &target), bucket.count);
    let (old, new) = (before.positive.iter(), after.positive.iter());
    fell(old.map(|bucket| map(before, bucket)), new.map(|bucket| map(after, bucket)))
}

/// Whether any bucket of the old ones has more than it has among the new ones; both come by index.
fn fell(old: impl Iterator<Item = (i32, f64)>, new: impl Iterator<Item = (i32, f64)>) -> bool {
    let (mut old, mut new) = (old.peekable(), new.peekable());
    while let Some((index, _)) = old.peek().into_iter().chain(new.peek()).min_by_key(|(index, _)| *index) {
        let index = *index;
        if count(&mut new, index) < count(&mut old, index) {
            return true;
        }
    }
    false
}

/// What is next of this index.
fn count(buckets: &mut Peekable<impl Iterator<Item = (i32, f64)>>, index: i32) -> f64 {
    std::iter::from_fn(|| buckets.next_if(|(next, _)| *next == index)).map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_around_zero_without_a_bound_is_compared_all_the_same() {
        let buckets = vec![Bucket { index: 1, count: 2.0 }];
        let some = Histogram { count: 2.0, positive: buckets, ..Histogram::default() };
        let endless = Histogram { zero_threshold: f64::NAN, ..some.clone() };
        // It fits nothing that came before it.
        assert!(is_reset(&some, &endless) && is_reset(&endless, &endless));
        assert!(!is_reset(&some, &some));
    }
}
