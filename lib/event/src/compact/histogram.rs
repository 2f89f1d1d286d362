//! Native histograms in the batch form.

use super::{labels_from_pb, labels_to_pb};
use crate::{
    Bucket, Histogram, HistogramSample, HistogramSeries, ResetHint,
    proto::event::{self as pb, histogram_sample::Reset},
};

pub fn to_pb(series: &HistogramSeries) -> pb::HistogramSeries {
    pb::HistogramSeries {
        labels: labels_to_pb(&series.labels),
        samples: series.samples.iter().map(sample_to_pb).collect(),
    }
}

pub fn from_pb(series: pb::HistogramSeries) -> HistogramSeries {
    HistogramSeries {
        labels: labels_from_pb(series.labels),
        samples: series.samples.into_iter().map(sample_from_pb).collect(),
    }
}

fn sample_to_pb(sample: &HistogramSample) -> pb::HistogramSample {
    let histogram = &*sample.histogram;
    pb::HistogramSample {
        timestamp_ms: sample.timestamp_ms,
        schema: histogram.schema,
        zero_threshold: histogram.zero_threshold,
        zero_count: histogram.zero_count,
        count: histogram.count,
        sum: histogram.sum,
        positive: buckets_to_pb(&histogram.positive),
        negative: buckets_to_pb(&histogram.negative),
        bounds: histogram.bounds.to_vec(),
        reset: reset_to_pb(histogram.reset).into(),
    }
}

fn sample_from_pb(sample: pb::HistogramSample) -> HistogramSample {
    let histogram = Histogram {
        schema: sample.schema,
        zero_threshold: sample.zero_threshold,
        zero_count: sample.zero_count,
        count: sample.count,
        sum: sample.sum,
        reset: reset_from_pb(sample.reset()),
        positive: buckets_from_pb(sample.positive),
        negative: buckets_from_pb(sample.negative),
        bounds: sample.bounds.into(),
    };
    HistogramSample { timestamp_ms: sample.timestamp_ms, histogram: histogram.into() }
}

fn buckets_to_pb(buckets: &[Bucket]) -> Option<pb::Buckets> {
    let (indexes, counts) = buckets.iter().map(|b| (b.index, b.count)).unzip();
    (!buckets.is_empty()).then_some(pb::Buckets { indexes, counts })
}

fn buckets_from_pb(buckets: Option<pb::Buckets>) -> Vec<Bucket> {
    let pb::Buckets { indexes, counts } = buckets.unwrap_or_default();
    indexes.into_iter().zip(counts).map(|(index, count)| Bucket { index, count }).collect()
}

fn reset_to_pb(reset: ResetHint) -> Reset {
    match reset {
        ResetHint::Unknown => Reset::Unknown,
        ResetHint::Reset => Reset::Reset,
        ResetHint::NotReset => Reset::NotReset,
        ResetHint::Gauge => Reset::Gauge,
    }
}

fn reset_from_pb(reset: Reset) -> ResetHint {
    match reset {
        Reset::Unknown => ResetHint::Unknown,
        Reset::Reset => ResetHint::Reset,
        Reset::NotReset => ResetHint::NotReset,
        Reset::Gauge => ResetHint::Gauge,
    }
}
