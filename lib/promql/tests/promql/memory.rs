//! Series in memory, for tests.

use event::{HistogramSeries, Labels, Matcher, Sample, Series};
use promql::{Selected, StartSeries, Stop, Storage, StorageError};

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
        let within = |sample: &&Sample| (start_ms..=end_ms).contains(&sample.timestamp_ms);
        let cut = |series: &Series| Series {
            labels: series.labels.clone(),
            samples: series.samples.iter().filter(within).copied().collect(),
        };
        let numbers = self.0.iter().filter(|series| fit(&series.labels, matchers)).map(cut).collect();
        Ok(Selected { numbers, ..Selected::default() })
    }
}

/// A storage of samples of every kind.
pub struct Everything {
    pub numbers: Memory,
    pub histograms: Vec<HistogramSeries>,
    pub starts: Vec<StartSeries>,
}

impl Storage for Everything {
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        stop: Stop<'_>,
    ) -> Result<Selected, StorageError> {
        let within = |time: i64| (start_ms..=end_ms).contains(&time);
        let (mut histograms, mut starts) = (self.histograms.clone(), self.starts.clone());
        histograms.retain(|series| fit(&series.labels, matchers));
        histograms.iter_mut().for_each(|series| series.samples.retain(|s| within(s.timestamp_ms)));
        starts.retain(|series| fit(&series.labels, matchers));
        starts.iter_mut().for_each(|series| series.starts.retain(|s| within(s.timestamp_ms)));
        Ok(Selected { histograms, starts, ..self.numbers.select(matchers, start_ms, end_ms, stop)? })
    }
}

fn fit(labels: &Labels, matchers: &[Matcher]) -> bool {
    matchers.iter().all(|matcher| matcher.matches_labels(labels))
}
