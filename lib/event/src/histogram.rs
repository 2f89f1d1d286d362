//! Native histograms: one sample holds a whole distribution in buckets.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Labels, Sample};

/// A distribution. Its buckets are kept sparsely: those that are not there are empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Each power of two is divided into 2^schema buckets (-4 to 8), or [`Histogram::CUSTOM`].
    pub schema: i32,
    /// Observations up to this distance from zero are in the bucket around zero.
    pub zero_threshold: f64,
    /// How many these are.
    pub zero_count: f64,
    /// How many observations there are in all.
    pub count: f64,
    /// Their sum; the NaN of [`Sample::STALE_BITS`] says that the series has ended.
    pub sum: f64,
    /// Buckets of positive observations, or of all if the bounds are custom; by index, each once.
    pub positive: Vec<Bucket>,
    /// Buckets of negative observations, mirrored.
    pub negative: Vec<Bucket>,
    /// The upper bounds of custom buckets, rising; the last bucket has none.
    pub bounds: Arc<[f64]>,
    /// What is known of a restart since the sample before.
    pub reset: ResetHint,
}

/// How many observations are in the bucket of this index.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bucket {
    /// Exponential: the upper bound is 2^(index · 2^-schema). Custom: the index of the upper bound.
    pub index: i32,
    /// May be any number: buckets can be subtracted.
    pub count: f64,
}

/// What is known of a restart since the sample before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetHint {
    /// Nothing.
    #[default]
    Unknown,
    /// The counter has started again.
    Reset,
    /// It has not.
    NotReset,
    /// This is no counter.
    Gauge,
}

impl Histogram {
    /// The schema of histograms that bring their bounds.
    pub const CUSTOM: i32 = -53;

    /// Whether the histogram brings its bounds.
    pub fn is_custom(&self) -> bool {
        self.schema == Self::CUSTOM
    }

    /// Whether this says that the series has ended.
    pub fn is_stale(&self) -> bool {
        self.sum.to_bits() == Sample::STALE_BITS
    }
}

/// A distribution and its time.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSample {
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Shared, as queries hand histograms on unchanged.
    pub histogram: Arc<Histogram>,
}

/// A label set with `__name__`, and its native histograms in the order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistogramSeries {
    /// Names the series.
    pub labels: Labels,
    /// In the order of time.
    pub samples: Vec<HistogramSample>,
}
