//! Reads samples for PromQL.

use event::{HistogramSample, HistogramSeries, Labels, Matcher, Sample, Series};
use promql::{Selected, Stop, StorageError};

use crate::{
    Kind, QueryError, Snapshot,
    columns::SampleColumns,
    parts::{Loader, Parts},
    snapshot::span,
};

/// Samples of a series.
#[derive(Default)]
struct Found {
    numbers: Vec<Sample>,
    histograms: Vec<HistogramSample>,
}

impl Snapshot {
    /// The matching series with their samples in `[start_ms, end_ms]`, sorted by labels and by time, numbers and
    /// native histograms apart. Of several samples of one time the first to arrive stays, as in Prometheus; of a
    /// number and a histogram the histogram. Reads no further when `stop` says so.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn select_samples(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        stop: Stop<'_>,
    ) -> Result<Selected, QueryError> {
        let span = span(Kind::Metrics, start_ms, end_ms);
        let parts = Parts::<SampleColumns>::find(self, matchers, span.clone())?;
        let mut found: Vec<Found> = parts.streams.iter().map(|_| Found::default()).collect();
        let (mut loader, mut read) = (Loader::new(), 0);
        // In the order of arrival, which is that of the blocks as well.
        for part in &parts.parts {
            if stop(read) {
                break;
            }
            let loaded = loader.load(part).and_then(|loaded| {
                let rows = part.rows_within(&loaded, &span)?;
                found[part.stream].extend(loaded.columns(), &rows);
                read += rows.len();
                Ok(())
            });
            let _ = loaded.inspect_err(|damage| self.note(damage));
        }
        Ok(by_kind(parts.streams.into_iter().zip(found)))
    }
}

impl Found {
    fn extend(&mut self, columns: &SampleColumns, rows: &[u32]) {
        let rows = rows.iter().map(|row| *row as usize);
        if !columns.has_histograms() {
            return self.numbers.extend(rows.map(|row| columns.samples()[row]));
        }
        for row in rows {
            match columns.histogram(row) {
                Some(histogram) => self.histograms.push(histogram),
                None => self.numbers.push(columns.samples()[row]),
            }
        }
    }

    fn sorted(mut self) -> Self {
        self.numbers.sort_by_key(|sample| sample.timestamp_ms);
        self.numbers.dedup_by_key(|sample| sample.timestamp_ms);
        if !self.histograms.is_empty() {
            self.histograms.sort_by_key(|sample| sample.timestamp_ms);
            self.histograms.dedup_by_key(|sample| sample.timestamp_ms);
            let at = |time| self.histograms.binary_search_by_key(&time, |sample| sample.timestamp_ms);
            self.numbers.retain(|sample| at(sample.timestamp_ms).is_err());
        }
        self
    }
}

fn by_kind(found: impl Iterator<Item = (Labels, Found)>) -> Selected {
    let mut selected = Selected::default();
    for (labels, found) in found {
        let found = found.sorted();
        if !found.histograms.is_empty() {
            selected.histograms.push(HistogramSeries { labels: labels.clone(), samples: found.histograms });
        }
        if !found.numbers.is_empty() {
            selected.numbers.push(Series { labels, samples: found.numbers });
        }
    }
    selected
}

impl promql::Storage for Snapshot {
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        stop: Stop<'_>,
    ) -> Result<Selected, StorageError> {
        self.select_samples(matchers, start_ms, end_ms, stop).map_err(|error| StorageError(error.to_string()))
    }
}
