//! Native histograms in a block: how many; then of each its row, what its buckets are unless they are those of the
//! one before, and its counts as differences from that one. The sums are with the numbers.

use std::sync::Arc;

use event::{Bucket, Histogram, ResetHint, Sample};

use crate::codec::{Damaged, Input, put_i64, put_u64};

/// Bits of the byte that each histogram begins with.
const SAME_LAYOUT: u8 = 1;
const WHOLE: u8 = 2;
const RESET_SHIFT: u8 = 2;

const RESETS: [ResetHint; 4] = [ResetHint::Unknown, ResetHint::Reset, ResetHint::NotReset, ResetHint::Gauge];

/// Bytes in memory besides the row, roughly.
pub fn weight(histogram: &Histogram) -> usize {
    let buckets = histogram.positive.len() + histogram.negative.len();
    size_of::<Histogram>() + buckets * size_of::<Bucket>() + histogram.bounds.len() * size_of::<f64>()
}

pub fn encode(histograms: &[(u32, Arc<Histogram>)]) -> Vec<u8> {
    let mut out = Vec::new();
    put_u64(&mut out, histograms.len() as u64);
    let (mut row_before, mut before) = (0, &Histogram::default());
    for (row, histogram) in histograms {
        put_u64(&mut out, u64::from(row - row_before));
        put(&mut out, histogram, before);
        (row_before, before) = (*row, histogram);
    }
    out
}

fn put(out: &mut Vec<u8>, histogram: &Histogram, before: &Histogram) {
    let same = has_layout_of(histogram, before);
    let before = if same { counts(before) } else { Vec::new() };
    let counts = counts(histogram);
    let whole = counts.iter().chain(&before).all(|count| is_whole(*count));
    let reset = RESETS.iter().position(|reset| *reset == histogram.reset).unwrap_or(0) as u8;
    let (is_same, is_whole) = (u8::from(same) * SAME_LAYOUT, u8::from(whole) * WHOLE);
    out.push(is_same | is_whole | reset << RESET_SHIFT);
    if !same {
        put_layout(out, histogram);
    }
    for (at, count) in counts.into_iter().enumerate() {
        let before = before.get(at).copied().unwrap_or(0.0);
        match whole {
            true => put_i64(out, count as i64 - before as i64),
            false => out.extend((count.to_bits() ^ before.to_bits()).to_le_bytes()),
        }
    }
}

/// A whole number that is its own in 64 bits, with room for differences.
fn is_whole(count: f64) -> bool {
    count.abs() < (1_u64 << 62) as f64 && (count as i64 as f64).to_bits() == count.to_bits()
}

fn has_layout_of(histogram: &Histogram, before: &Histogram) -> bool {
    let bits = |histogram: &Histogram| -> Vec<u64> {
        histogram.bounds.iter().chain([&histogram.zero_threshold]).map(|bound| bound.to_bits()).collect()
    };
    let indexes = |buckets: &[Bucket]| buckets.iter().map(|bucket| bucket.index).collect::<Vec<_>>();
    histogram.schema == before.schema
        && indexes(&histogram.positive) == indexes(&before.positive)
        && indexes(&histogram.negative) == indexes(&before.negative)
        && bits(histogram) == bits(before)
}

fn counts(histogram: &Histogram) -> Vec<f64> {
    let buckets = histogram.positive.iter().chain(&histogram.negative).map(|bucket| bucket.count);
    [histogram.count, histogram.zero_count].into_iter().chain(buckets).collect()
}

fn put_layout(out: &mut Vec<u8>, histogram: &Histogram) {
    put_i64(out, histogram.schema.into());
    out.extend(histogram.zero_threshold.to_bits().to_le_bytes());
    for buckets in [&histogram.positive, &histogram.negative] {
        put_u64(out, buckets.len() as u64);
        let mut before = 0;
        for bucket in buckets {
            put_i64(out, i64::from(bucket.index) - before);
            before = bucket.index.into();
        }
    }
    put_u64(out, histogram.bounds.len() as u64);
    histogram.bounds.iter().for_each(|bound| out.extend(bound.to_bits().to_le_bytes()));
}

/// `samples` are the block's numbers.
pub fn decode(raw: &[u8], samples: &[Sample]) -> Result<Vec<(u32, Arc<Histogram>)>, Damaged> {
    let mut input = Input(raw);
    let mut found: Vec<(u32, Arc<Histogram>)> = Vec::new();
    for _ in 0..input.count()? {
        let step = input.u32()?;
        let (row, before) = match found.last() {
            Some(_) if step == 0 => return Err(Damaged),
            Some((row, before)) => (row.checked_add(step).ok_or(Damaged)?, Some(&**before)),
            None => (step, None),
        };
        let sum = samples.get(row as usize).ok_or(Damaged)?.value;
        let histogram = take(&mut input, before.unwrap_or(&Histogram::default()), sum)?;
        found.push((row, histogram.into()));
    }
    if input.0.is_empty() { Ok(found) } else { Err(Damaged) }
}

fn take(input: &mut Input<'_>, before: &Histogram, sum: f64) -> Result<Histogram, Damaged> {
    let [flags] = input.take(1)? else { return Err(Damaged) };
    let reset = *RESETS.get(usize::from(flags >> RESET_SHIFT)).ok_or(Damaged)?;
    let same = flags & SAME_LAYOUT != 0;
    let mut histogram = if same { before.clone() } else { take_layout(input)? };
    histogram.sum = sum;
    histogram.reset = reset;
    let buckets =
        histogram.positive.iter_mut().chain(&mut histogram.negative).map(|bucket| &mut bucket.count);
    for count in [&mut histogram.count, &mut histogram.zero_count].into_iter().chain(buckets) {
        *count = match flags & WHOLE != 0 {
            true => (*count as i64).wrapping_add(input.i64()?) as f64,
            false => f64::from_bits(count.to_bits() ^ bits(input)?),
        };
    }
    Ok(histogram)
}

fn take_layout(input: &mut Input<'_>) -> Result<Histogram, Damaged> {
    let schema = input.i64()?.try_into().map_err(|_| Damaged)?;
    let zero_threshold = f64::from_bits(bits(input)?);
    let (positive, negative) = (take_buckets(input)?, take_buckets(input)?);
    let bounds = (0..input.count()?).map(|_| Ok(f64::from_bits(bits(input)?))).collect::<Result<_, _>>()?;
    Ok(Histogram { schema, zero_threshold, positive, negative, bounds, ..Histogram::default() })
}

fn take_buckets(input: &mut Input<'_>) -> Result<Vec<Bucket>, Damaged> {
    let (count, mut index) = (input.count()?, 0_i64);
    let bucket = |_| {
        index = index.wrapping_add(input.i64()?);
        Ok(Bucket { index: index.try_into().map_err(|_| Damaged)?, count: 0.0 })
    };
    (0..count).map(bucket).collect()
}

fn bits(input: &mut Input<'_>) -> Result<u64, Damaged> {
    let bytes = input.take(size_of::<u64>())?;
    bytes.try_into().map(u64::from_le_bytes).map_err(|_| Damaged)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn buckets() -> impl Strategy<Value = Vec<Bucket>> {
        let count = prop_oneof![any::<f64>(), (0..1_000_000_i64).prop_map(|n| n as f64)];
        vec((any::<i32>(), count), 0..4)
            .prop_map(|all| all.into_iter().map(|(index, count)| Bucket { index, count }).collect())
    }

    fn histogram() -> impl Strategy<Value = Histogram> {
        let numbers = [any::<f64>(), any::<f64>(), any::<f64>()];
        (-4..9, numbers, buckets(), buckets(), vec(any::<f64>(), 0..3), 0..4_usize).prop_map(
            |(schema, [zero_threshold, zero_count, count], positive, negative, bounds, reset)| Histogram {
                schema,
                zero_threshold,
                zero_count,
                count,
                sum: 0.5,
                positive,
                negative,
                bounds: bounds.into(),
                reset: RESETS[reset],
            },
        )
    }

    /// As text, since a NaN equals nothing.
    fn text(histograms: &[(u32, Arc<Histogram>)]) -> String {
        format!("{histograms:?}")
    }

    proptest! {
        #[test]
        fn any_histograms_come_back(all in vec((1..9_u32, histogram(), 0..3_usize), 0..5)) {
            let (mut histograms, mut row) = (Vec::new(), 0);
            for (step, histogram, again) in all {
                // Of one layout, as they are in a series.
                for round in 0..=again {
                    row += step;
                    let count = histogram.count + round as f64;
                    histograms.push((row, Arc::new(Histogram { count, ..histogram.clone() })));
                }
            }
            let samples = vec![Sample { timestamp_ms: 0, value: 0.5 }; row as usize + 1];
            let raw = encode(&histograms);
            prop_assert_eq!(text(&decode(&raw, &samples).unwrap()), text(&histograms));
            for length in 0..raw.len() {
                prop_assert!(decode(&raw[..length], &samples).is_err());
            }
        }
    }

    #[test]
    fn a_row_that_is_not_there_is_damage() {
        let raw = encode(&[(3, Arc::default())]);
        assert_eq!(decode(&raw, &[Sample::default(); 3]), Err(Damaged));
    }
}
