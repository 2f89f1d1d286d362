//! Series in memory, for tests.

use event::{Labels, Matcher, Sample, Series};
use promql::{Selected, Stop, Storage, StorageError};

/// A storage of a few series, each sorted by time.
#[derive(Default)]
pub struct Memory(pub Vec<Series>);

impl Memory {
    /// One series of samples (milliseconds, value).
    pub fn with(mut self, labels: Labels, samples: &[(i64, f64)]) -> Self {
        let sample = |&(timestamp_ms, value): &(i64, f64)| Sample { timestamp_ms, value };
        self.0.push(Series { labels, samples: samples.iter().map(sample).collect() });
        self
    }
}

impl Storage for Memory {
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        _stop: Stop<'_>,
    ) -> Result<Selected, StorageError> {
        let fits = |series: &&Series| matchers.iter().all(|m| m.matches_labels(&series.labels));
        let within = |sample: &&Sample| (start_ms..=end_ms).contains(&sample.timestamp_ms);
        let cut = |series: &Series| Series {
            labels: series.labels.clone(),
            samples: series.samples.iter().filter(within).copied().collect(),
        };
        let numbers = self.0.iter().filter(fits).map(cut).collect();
        Ok(Selected { numbers, ..Selected::default() })
    }
}
