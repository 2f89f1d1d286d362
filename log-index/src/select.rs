//! Reads samples for PromQL.

use event::{Matcher, Sample, Series};

use crate::{
    Kind, QueryError, Snapshot,
    columns::SampleColumns,
    parts::{Loader, Parts},
    snapshot::span,
};

impl Snapshot {
    /// The matching series with their samples in `[start_ms, end_ms]`, sorted by labels and by time. Of several
    /// samples of one time the first to arrive stays, as in Prometheus.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn select_samples(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Vec<Series>, QueryError> {
        let span = span(Kind::Metrics, start_ms, end_ms);
        let found = Parts::<SampleColumns>::find(self, matchers, span.clone())?;
        let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); found.streams.len()];
        let mut loader = Loader::new();
        // In the order of arrival, which is that of the blocks as well.
        for part in &found.parts {
            let read = loader.load(part).and_then(|loaded| {
                let rows = part.rows_within(&loaded, &span)?;
                samples[part.stream].extend(rows.into_iter().map(|row| loaded.samples()[row as usize]));
                Ok(())
            });
            let _ = read.inspect_err(|damage| self.note(damage));
        }
        let series = found.streams.into_iter().zip(samples).map(|(labels, mut samples)| {
            samples.sort_by_key(|sample| sample.timestamp_ms);
            samples.dedup_by_key(|sample| sample.timestamp_ms);
            Series { labels, samples }
        });
        Ok(series.filter(|series| !series.samples.is_empty()).collect())
    }
}

impl promql::Storage for Snapshot {
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Vec<Series>, promql::StorageError> {
        self.select_samples(matchers, start_ms, end_ms)
            .map_err(|error| promql::StorageError(error.to_string()))
    }
}
