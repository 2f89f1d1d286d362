//! Pushed samples in records of moderate size.

use event::{HistogramSeries, SampleBatch, Series};

use super::histogram;

/// Samples in one record: it then stays well below a megabyte.
const RECORD: usize = 10_000;
/// Labels weigh about as much as so many samples.
const LABELS: usize = 10;

/// Splits what was pushed at once.
pub fn records(batch: SampleBatch) -> Vec<SampleBatch> {
    let first = SampleBatch { families: batch.families, ..SampleBatch::default() };
    let mut records = Records { all: Vec::new(), last: first, weight: 0 };
    for Series { labels, samples } in batch.series {
        let put = |record: &mut SampleBatch, samples| {
            record.series.push(Series { labels: labels.clone(), samples });
        };
        records.add(samples, |_| 1, put);
    }
    for HistogramSeries { labels, samples } in batch.histograms {
        let put = |record: &mut SampleBatch, samples| {
            record.histograms.push(HistogramSeries { labels: labels.clone(), samples });
        };
        records.add(samples, histogram::weight, put);
    }
    records.close();
    records.all
}

struct Records {
    all: Vec<SampleBatch>,
    last: SampleBatch,
    weight: usize,
}

impl Records {
    /// Takes the samples of a series; a long one is cut.
    fn add<S>(&mut self, samples: Vec<S>, weight: fn(&S) -> usize, put: impl Fn(&mut SampleBatch, Vec<S>)) {
        self.weight += LABELS;
        let all: usize = samples.iter().map(weight).sum();
        if self.weight + all <= RECORD && !samples.is_empty() {
            self.weight += all;
            return put(&mut self.last, samples);
        }
        let mut piece = Vec::new();
        for sample in samples {
            self.weight += weight(&sample);
            if self.weight > RECORD {
                if !piece.is_empty() {
                    put(&mut self.last, std::mem::take(&mut piece));
                }
                self.close();
                self.weight = LABELS + weight(&sample);
            }
            piece.push(sample);
        }
        if !piece.is_empty() {
            put(&mut self.last, piece);
        }
    }

    fn close(&mut self) {
        let record = std::mem::take(&mut self.last);
        if record.samples() > 0 || !record.families.is_empty() {
            self.all.push(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use event::{Bucket, Histogram, HistogramSample, Labels, METRIC_NAME, Sample};

    use super::*;

    #[test]
    fn long_series_come_in_records_of_moderate_size() {
        let labels = Labels::from([(METRIC_NAME, "up")]);
        let series = vec![Series { labels: labels.clone(), samples: vec![Sample::default(); 2 * RECORD] }];
        let histogram = Histogram { positive: vec![Bucket::default(); RECORD / 2], ..Histogram::default() };
        let sample = HistogramSample { timestamp_ms: 0, histogram: histogram.into() };
        let histograms = vec![HistogramSeries { labels, samples: vec![sample; 2] }];
        let batch = SampleBatch { series, histograms, ..SampleBatch::default() };
        let counts: Vec<usize> = records(batch).iter().map(SampleBatch::samples).collect();
        assert_eq!(counts, [RECORD - LABELS, RECORD - LABELS, 2 * LABELS + 1, 1]);
    }

    #[test]
    fn nothing_makes_no_record() {
        assert_eq!(records(SampleBatch::default()), []);
    }
}
