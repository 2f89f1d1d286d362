//! Log entries and samples in batches: the values of the records on the bus.

use bytes::Bytes;

use crate::{HistogramSeries, Labels, LabelsTooLong};

/// What one record of the topics for logs, metrics and derived series holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Log entries of one stream.
    Logs(LogBatch),
    /// Samples of any number of series.
    Samples(SampleBatch),
    /// Event time moves on although nothing happened.
    Tick(Tick),
}

impl Event {
    /// Identity of the source; empty if it has none.
    pub fn source(&self) -> &str {
        match self {
            Event::Logs(batch) => &batch.source,
            Event::Samples(batch) => &batch.source,
            Event::Tick(_) => "",
        }
    }

    /// # Errors
    /// When a label set in it is too long for the index.
    pub fn check_labels(&self) -> Result<(), LabelsTooLong> {
        match self {
            Event::Logs(batch) => batch.labels.check_size(),
            Event::Samples(batch) => {
                let histograms = batch.histograms.iter().map(|series| &series.labels);
                batch
                    .series
                    .iter()
                    .map(|series| &series.labels)
                    .chain(histograms)
                    .try_for_each(Labels::check_size)
            }
            Event::Tick(_) => Ok(()),
        }
    }
}

/// Entries of one stream and one source, in the order of their positions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogBatch {
    /// Identity of the source. Empty: repetitions cannot be recognised.
    pub source: String,
    /// The stream.
    pub labels: Labels,
    /// In the order of their positions.
    pub entries: Vec<LogEntry>,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogEntry {
    /// Nanoseconds since 1970.
    pub timestamp_ns: i64,
    /// Without its line end, byte for byte; may be any bytes.
    pub line: Bytes,
    /// Structured metadata: belongs to the entry, not to the stream.
    pub metadata: Vec<(String, String)>,
    /// Grows strictly within a source. For a file: the byte offset behind the line.
    pub position: u64,
}

/// Samples that one source took together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleBatch {
    /// Identity of the source. Empty: repetitions cannot be recognised.
    pub source: String,
    /// Grows strictly within a source.
    pub position: u64,
    /// The series and their samples.
    pub series: Vec<Series>,
    /// The series of native histograms and theirs.
    pub histograms: Vec<HistogramSeries>,
    /// Types and help texts; sent with the first batch and now and then after it.
    pub families: Vec<MetricFamily>,
}

impl SampleBatch {
    /// How many samples there are, of both kinds.
    pub fn samples(&self) -> usize {
        self.series.iter().map(|s| s.samples.len()).sum::<usize>()
            + self.histograms.iter().map(|s| s.samples.len()).sum::<usize>()
    }
}

/// A label set with `__name__`, and its samples in the order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Names the series.
    pub labels: Labels,
    /// In the order of time.
    pub samples: Vec<Sample>,
}

/// One measured value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
    /// The value; the NaN of [`Sample::STALE_BITS`] says that the series has ended.
    pub value: f64,
}

impl Sample {
    /// Prometheus' stale marker.
    pub const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

    /// Whether this says that the series has ended.
    pub fn is_stale(&self) -> bool {
        self.value.to_bits() == Self::STALE_BITS
    }
}

/// What Prometheus calls a metric's metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricFamily {
    /// The metric's name.
    pub name: String,
    /// `counter`, `gauge`, `histogram`, `summary`, `info`, `stateset` or `unknown`.
    pub kind: String,
    /// One sentence.
    pub help: String,
    /// For example `bytes`; often empty.
    pub unit: String,
}

/// Event time has come this far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_checked_wherever_they_stand() {
        let labels = Labels::from([("a", "x".repeat(40_000).as_str())]);
        let logs = Event::Logs(LogBatch { labels: labels.clone(), ..LogBatch::default() });
        let series = vec![Series { labels: labels.clone(), ..Series::default() }];
        let histograms = vec![HistogramSeries { labels, samples: vec![] }];
        let numbers = Event::Samples(SampleBatch { series, ..SampleBatch::default() });
        let histograms = Event::Samples(SampleBatch { histograms, ..SampleBatch::default() });
        for event in [logs, numbers, histograms] {
            assert!(event.check_labels().unwrap_err().to_string().contains("take 40001 bytes"));
        }
        assert_eq!(Event::Samples(SampleBatch::default()).check_labels(), Ok(()));
    }
}
