//! Native histograms as remote write sends them: rows of buckets, whole numbers as differences, floats as they are.

use event::{
    Bucket, Histogram, HistogramSample, ResetHint,
    proto::remote_write::{self as pb, BucketSpan, histogram::Count, histogram::ZeroCount},
};

/// Far more than any client makes, and small enough for a record.
pub const MOST_BUCKETS: usize = 10_000;
const SCHEMAS: std::ops::RangeInclusive<i32> = -4..=8;

/// # Errors
/// What is wrong with it.
pub fn sample(sent: pb::Histogram) -> Result<HistogramSample, String> {
    let (timestamp_ms, is_whole) = (sent.timestamp, matches!(sent.count, Some(Count::CountInt(_))));
    let histogram = Histogram {
        schema: sent.schema,
        zero_threshold: sent.zero_threshold,
        zero_count: match sent.zero_count {
            Some(ZeroCount::ZeroCountInt(count)) => count as f64,
            Some(ZeroCount::ZeroCountFloat(count)) => count,
            None => 0.0,
        },
        count: match sent.count {
            Some(Count::CountInt(count)) => count as f64,
            Some(Count::CountFloat(count)) => count,
            None => 0.0,
        },
        sum: sent.sum,
        reset: reset(sent.reset_hint()),
        positive: buckets(
            &sent.positive_spans,
            counts(is_whole, sent.positive_deltas, sent.positive_counts),
        )?,
        negative: buckets(
            &sent.negative_spans,
            counts(is_whole, sent.negative_deltas, sent.negative_counts),
        )?,
        bounds: sent.custom_values.into(),
    };
    check(&histogram, is_whole)?;
    Ok(HistogramSample { timestamp_ms, histogram: histogram.into() })
}

fn reset(hint: pb::histogram::ResetHint) -> ResetHint {
    match hint {
        pb::histogram::ResetHint::Unknown => ResetHint::Unknown,
        pb::histogram::ResetHint::Yes => ResetHint::Reset,
        pb::histogram::ResetHint::No => ResetHint::NotReset,
        pb::histogram::ResetHint::Gauge => ResetHint::Gauge,
    }
}

fn counts(is_whole: bool, deltas: Vec<i64>, counts: Vec<f64>) -> Vec<f64> {
    if !is_whole {
        return counts;
    }
    let add = |count: &mut i64, delta| {
        *count = count.wrapping_add(delta);
        Some(*count as f64)
    };
    deltas.into_iter().scan(0, add).collect()
}

fn buckets(spans: &[BucketSpan], counts: Vec<f64>) -> Result<Vec<Bucket>, String> {
    let wanted: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    if wanted != counts.len() as u64 {
        return Err(format!("its spans need {wanted} buckets, have {}", counts.len()));
    }
    if counts.len() > MOST_BUCKETS {
        return Err(format!("it has {} buckets; the limit is {MOST_BUCKETS}", counts.len()));
    }
    let (mut all, mut counts, mut next) = (Vec::with_capacity(counts.len()), counts.into_iter(), 0_i64);
    for (at, span) in spans.iter().enumerate() {
        if at > 0 && span.offset < 0 {
            return Err(format!("span {} has the negative offset {}", at + 1, span.offset));
        }
        next += i64::from(span.offset);
        for count in counts.by_ref().take(span.length as usize) {
            let index = i32::try_from(next).map_err(|_| format!("there is no bucket {next}"))?;
            all.push(Bucket { index, count });
            next += 1;
        }
    }
    Ok(all)
}

fn check(histogram: &Histogram, is_whole: bool) -> Result<(), String> {
    match histogram.schema {
        Histogram::CUSTOM => check_custom(histogram)?,
        schema if !SCHEMAS.contains(&schema) => {
            return Err(format!("schema {schema} is not known; send -4 to 8, or -53 with custom bounds"));
        }
        _ if !histogram.bounds.is_empty() => return Err("only schema -53 has custom bounds".into()),
        _ => {}
    }
    let threshold = histogram.zero_threshold;
    if !threshold.is_finite() || threshold < 0.0 {
        return Err(format!("its zero threshold is {threshold}; send a finite one of 0 or more"));
    }
    let buckets = histogram.positive.iter().chain(&histogram.negative).map(|bucket| bucket.count);
    let counts = || buckets.clone().chain([histogram.zero_count]);
    if let Some(wrong) = counts().chain([histogram.count]).find(|count| count.is_nan() || *count < 0.0) {
        return Err(format!("it counts {wrong} observations"));
    }
    let sum: f64 = counts().sum();
    // Observations that are no number are in no bucket.
    if is_whole && (sum > histogram.count || sum < histogram.count && !histogram.sum.is_nan()) {
        return Err(format!("{sum} observations are in its buckets, {} in all", histogram.count));
    }
    Ok(())
}

fn check_custom(histogram: &Histogram) -> Result<(), String> {
    let bounds = &histogram.bounds;
    if bounds.len() > MOST_BUCKETS {
        return Err(format!("it has {} bounds; the limit is {MOST_BUCKETS}", bounds.len()));
    }
    if bounds.iter().any(|bound| !bound.is_finite()) || !bounds.is_sorted_by(|a, b| a < b) {
        return Err("its custom bounds do not rise, or are no numbers".into());
    }
    let last = histogram.positive.last().map_or(0, |bucket| bucket.index);
    let first = histogram.positive.first().map_or(0, |bucket| bucket.index);
    if first < 0 || last as usize > bounds.len() {
        return Err(format!("bucket {last} has no bound: there are {}", bounds.len()));
    }
    if !histogram.negative.is_empty() || histogram.zero_count != 0.0 {
        return Err("with custom bounds there are neither negative buckets nor one for zero".into());
    }
    Ok(())
}

/// Of the same weight as so many numbers in a record.
pub fn weight(sample: &HistogramSample) -> usize {
    let histogram = &sample.histogram;
    5 + histogram.positive.len() + histogram.negative.len() + histogram.bounds.len()
}

#[cfg(test)]
mod tests {
    use event::Sample;

    use super::*;

    fn span(offset: i32, length: u32) -> BucketSpan {
        BucketSpan { offset, length }
    }

    fn whole() -> pb::Histogram {
        pb::Histogram {
            count: Some(Count::CountInt(9)),
            sum: 4.5,
            schema: 2,
            zero_threshold: 0.001,
            zero_count: Some(ZeroCount::ZeroCountInt(1)),
            positive_spans: vec![span(-1, 2), span(3, 1)],
            positive_deltas: vec![1, 1, -1],
            negative_spans: vec![span(4, 1)],
            negative_deltas: vec![4],
            reset_hint: 2,
            timestamp: 77,
            ..pb::Histogram::default()
        }
    }

    #[test]
    fn whole_numbers_and_floats_give_the_same() {
        let bucket = |index, count| Bucket { index, count };
        let from_whole = sample(whole()).unwrap();
        assert_eq!(from_whole.timestamp_ms, 77);
        assert_eq!(from_whole.histogram.positive, [bucket(-1, 1.0), bucket(0, 2.0), bucket(4, 1.0)]);
        assert_eq!(from_whole.histogram.negative, [bucket(4, 4.0)]);
        assert_eq!(from_whole.histogram.reset, ResetHint::NotReset);
        let float = pb::Histogram {
            count: Some(Count::CountFloat(9.0)),
            zero_count: Some(ZeroCount::ZeroCountFloat(1.0)),
            positive_counts: vec![1.0, 2.0, 1.0],
            positive_deltas: Vec::new(),
            negative_counts: vec![4.0],
            negative_deltas: Vec::new(),
            ..whole()
        };
        assert_eq!(sample(float), Ok(from_whole));
    }

    #[test]
    fn what_is_wrong_is_said() {
        type Change = fn(&mut pb::Histogram);
        let cases: [(Change, &str); 12] = [
            (|h| h.positive_spans.push(span(0, u32::MAX)), "need 4294967298 buckets, have 3"),
            (|h| h.positive_spans[1].offset = -1, "negative offset -1"),
            (|h| h.positive_spans[0].offset = i32::MAX, "no bucket 2147483648"),
            (|h| h.schema = 9, "schema 9 is not known"),
            (|h| h.custom_values = vec![1.0], "only schema -53"),
            (|h| h.zero_threshold = f64::NAN, "zero threshold is NaN"),
            (|h| h.zero_threshold = f64::INFINITY, "zero threshold is inf"),
            (|h| h.zero_threshold = -1.0, "zero threshold is -1"),
            (|h| h.positive_deltas[0] = -5, "counts -5"),
            (|h| h.count = Some(Count::CountInt(8)), "9 observations are in its buckets, 8 in all"),
            (|h| (h.schema, h.custom_values) = (-53, vec![2.0, 1.0]), "do not rise"),
            (
                |h| (h.schema, h.positive_spans[0].offset, h.custom_values) = (-53, 0, vec![1.0]),
                "bucket 5 has no bound",
            ),
        ];
        for (change, wanted) in cases {
            let mut histogram = whole();
            change(&mut histogram);
            let error = sample(histogram).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }

    #[test]
    fn the_end_of_a_series_comes_through() {
        let sum = f64::from_bits(Sample::STALE_BITS);
        let stale = pb::Histogram { sum, ..pb::Histogram::default() };
        assert!(sample(stale).unwrap().histogram.is_stale());
    }
}
