//! Native histograms come out as they went in, from memory, from segments of any level, and after a crash.

use std::sync::Arc;

use event::{
    Bucket, Event, Histogram, HistogramSample, HistogramSeries, Labels, ResetHint, Sample, SampleBatch,
    Series,
};
use proptest::{collection::vec, prelude::*};

use crate::support::Bench;

fn labels(name: &str) -> Labels {
    Labels::from([("__name__", name), ("job", "a")])
}

fn counts() -> impl Strategy<Value = Vec<f64>> {
    vec(prop_oneof![(0..1_000_000_u32).prop_map(f64::from), -1e9..1e9], 0..5)
}

fn histogram() -> impl Strategy<Value = Histogram> {
    let hints = [ResetHint::Unknown, ResetHint::Reset, ResetHint::NotReset, ResetHint::Gauge];
    let bounds = prop_oneof![Just(Vec::new()), vec(-1e3..1e3, 1..4)];
    (counts(), counts(), -40..40_i32, -1e9..1e9, bounds, prop::sample::select(hints.to_vec())).prop_map(
        |(positive, negative, first, sum, bounds, reset)| {
            let buckets = |counts: Vec<f64>| {
                let counts = counts.into_iter().zip(first..);
                counts.map(|(count, index)| Bucket { index, count }).collect::<Vec<_>>()
            };
            let count = positive.iter().chain(&negative).sum();
            Histogram {
                schema: if bounds.is_empty() { 3 } else { Histogram::CUSTOM },
                zero_threshold: 1e-128,
                zero_count: 0.0,
                count,
                sum,
                positive: buckets(positive),
                negative: buckets(negative),
                bounds: bounds.into(),
                reset,
            }
        },
    )
}

/// A series may change from numbers to histograms.
fn batch(first_ms: i64, histograms: &[Histogram]) -> SampleBatch {
    let at = |(at, histogram): (usize, &Histogram)| HistogramSample {
        timestamp_ms: first_ms + at as i64,
        histogram: Arc::new(histogram.clone()),
    };
    let samples = histograms.iter().enumerate().map(at).collect();
    let number = Sample { timestamp_ms: first_ms - 1, value: 0.5 };
    SampleBatch {
        series: ["latency", "up"].map(|name| Series { labels: labels(name), samples: vec![number] }).to_vec(),
        histograms: vec![HistogramSeries { labels: labels("latency"), samples }],
        ..SampleBatch::default()
    }
}

fn check(bench: &Bench, sent: &[SampleBatch]) {
    let found = bench.index().snapshot().select_samples(&[], i64::MIN, i64::MAX, &|_| false).unwrap();
    let expected: Vec<HistogramSample> =
        sent.iter().flat_map(|batch| &batch.histograms).flat_map(|s| s.samples.clone()).collect();
    assert_eq!(found.histograms.into_iter().flat_map(|series| series.samples).collect::<Vec<_>>(), expected);
    assert_eq!(found.numbers.iter().map(|series| series.samples.len()).collect::<Vec<_>>(), [sent.len(); 2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_histograms_come_out_as_they_went_in(all in vec(vec(histogram(), 1..4), 8)) {
        let mut bench = Bench::new();
        let mut sent = Vec::new();
        for (at, histograms) in all.iter().enumerate() {
            sent.push(batch(100 * at as i64 + 1, histograms));
            bench.send(&Event::Samples(sent[at].clone()));
            check(&bench, &sent);
            bench.index().flush().unwrap();
        }
        check(&bench, &sent);
        bench.index().merge(&|| false).unwrap();
        assert_eq!(bench.index().status().segments, 1);
        check(&bench, &sent);
        bench.crash();
        check(&bench, &sent);
    }
}

#[test]
fn of_a_number_and_a_histogram_of_one_time_the_histogram_stays() {
    let mut bench = Bench::new();
    let mut both = batch(5, &[Histogram::default()]);
    both.series[0].samples[0].timestamp_ms = 5;
    bench.send(&Event::Samples(both));
    let found = bench.index().snapshot().select_samples(&[], 5, 5, &|_| false).unwrap();
    assert_eq!((found.numbers.len(), found.histograms[0].samples.len()), (0, 1));
}
