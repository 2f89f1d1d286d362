//! Native histograms as remote write has them: buckets in rows. Counts go as floats, which every receiver of native
//! histograms takes, and which holds whatever rules make of them.

use event::{
    Bucket, HistogramSample, ResetHint,
    proto::remote_write::{
        self as pb, BucketSpan,
        histogram::{Count, ResetHint as Hint, ZeroCount},
    },
};

pub fn to_pb(sample: &HistogramSample) -> pb::Histogram {
    let histogram = &sample.histogram;
    let (positive_spans, positive_counts) = rows(&histogram.positive);
    let (negative_spans, negative_counts) = rows(&histogram.negative);
    pb::Histogram {
        count: Some(Count::CountFloat(histogram.count)),
        sum: histogram.sum,
        schema: histogram.schema,
        zero_threshold: histogram.zero_threshold,
        zero_count: Some(ZeroCount::ZeroCountFloat(histogram.zero_count)),
        positive_spans,
        positive_counts,
        negative_spans,
        negative_counts,
        reset_hint: hint(histogram.reset).into(),
        timestamp: sample.timestamp_ms,
        custom_values: histogram.bounds.to_vec(),
        ..pb::Histogram::default()
    }
}

fn hint(reset: ResetHint) -> Hint {
    match reset {
        ResetHint::Unknown => Hint::Unknown,
        ResetHint::Reset => Hint::Yes,
        ResetHint::NotReset => Hint::No,
        ResetHint::Gauge => Hint::Gauge,
    }
}

/// Rows of buckets without a gap, each with its distance from the one before, and all counts.
fn rows(buckets: &[Bucket]) -> (Vec<BucketSpan>, Vec<f64>) {
    let (mut spans, mut next) = (Vec::<BucketSpan>::new(), 0);
    for bucket in buckets {
        match spans.last_mut() {
            Some(span) if bucket.index == next => span.length += 1,
            _ => spans.push(BucketSpan { offset: bucket.index - next, length: 1 }),
        }
        next = bucket.index + 1;
    }
    (spans, buckets.iter().map(|bucket| bucket.count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_without_a_gap_are_one_row() {
        let buckets = [-2, -1, 3, 4, 5, 9].map(|index| Bucket { index, count: f64::from(index) });
        let (spans, counts) = rows(&buckets);
        let shown: Vec<_> = spans.iter().map(|span| (span.offset, span.length)).collect();
        assert_eq!(shown, [(-2, 2), (3, 3), (3, 1)]);
        assert_eq!(counts, [-2.0, -1.0, 3.0, 4.0, 5.0, 9.0]);
        assert_eq!(rows(&[]), (Vec::new(), Vec::new()));
    }
}
