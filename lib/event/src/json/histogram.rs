//! Native histograms in the JSON form.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{HISTOGRAMS, number, rfc3339};
use crate::{Bucket, DecodeError, Histogram, HistogramSample, HistogramSeries, METRIC_NAME, ResetHint};

/// Fields that are not there are zero or empty.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Written {
    schema: i32,
    #[serde(with = "number")]
    zero_threshold: f64,
    #[serde(with = "number")]
    zero_count: f64,
    #[serde(with = "number")]
    count: f64,
    #[serde(with = "number")]
    sum: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    positive: Vec<WrittenBucket>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    negative: Vec<WrittenBucket>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bounds: Vec<WrittenBound>,
    reset: ResetHint,
}

/// `[index, count]`
#[derive(Serialize, Deserialize)]
struct WrittenBucket(i32, #[serde(with = "number")] f64);

#[derive(Serialize, Deserialize)]
struct WrittenBound(#[serde(with = "number")] f64);

pub fn to_json(series: &HistogramSeries) -> impl Iterator<Item = Value> {
    series.samples.iter().map(|sample| {
        json!({
            "version": HISTOGRAMS,
            "name": series.labels.metric_name(),
            "tags": series.labels.filtered(|n| n != METRIC_NAME),
            "timestamp": rfc3339(sample.timestamp_ms * 1_000_000),
            "kind": "absolute",
            "histogram": written(&sample.histogram),
        })
    })
}

pub fn from_json(timestamp_ms: i64, value: Value) -> Result<HistogramSample, DecodeError> {
    let written: Written = serde_json::from_value(value)?;
    let buckets = |buckets: Vec<WrittenBucket>| {
        buckets.into_iter().map(|WrittenBucket(index, count)| Bucket { index, count }).collect()
    };
    let histogram = Histogram {
        schema: written.schema,
        zero_threshold: written.zero_threshold,
        zero_count: written.zero_count,
        count: written.count,
        sum: written.sum,
        positive: buckets(written.positive),
        negative: buckets(written.negative),
        bounds: written.bounds.into_iter().map(|WrittenBound(bound)| bound).collect(),
        reset: written.reset,
    };
    Ok(HistogramSample { timestamp_ms, histogram: histogram.into() })
}

fn written(histogram: &Histogram) -> Written {
    let buckets = |buckets: &[Bucket]| buckets.iter().map(|b| WrittenBucket(b.index, b.count)).collect();
    Written {
        schema: histogram.schema,
        zero_threshold: histogram.zero_threshold,
        zero_count: histogram.zero_count,
        count: histogram.count,
        sum: histogram.sum,
        positive: buckets(&histogram.positive),
        negative: buckets(&histogram.negative),
        bounds: histogram.bounds.iter().map(|bound| WrittenBound(*bound)).collect(),
        reset: histogram.reset,
    }
}
