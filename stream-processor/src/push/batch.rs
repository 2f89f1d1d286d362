//! Samples that wait for a remote write request, grouped by series, as many as one request should hold.

use std::collections::VecDeque;

use event::{HistogramSample, Labels, Sample, SampleBatch, proto::remote_write as pb};
use prost::Message;

use super::histogram;

/// Prometheus' own default for `max_samples_per_send`.
const SAMPLES_PER_REQUEST: usize = 2000;

/// A series, and its samples of both kinds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    pub labels: Labels,
    pub samples: Vec<Sample>,
    pub histograms: Vec<HistogramSample>,
}

impl Series {
    pub fn len(&self) -> usize {
        self.samples.len() + self.histograms.len()
    }

    /// Two halves of its samples.
    pub fn halves(&self) -> [Series; 2] {
        let (samples, histograms) = (&self.samples, &self.histograms);
        let numbers = samples.len().min(self.len() / 2);
        let (first, second) = histograms.split_at(self.len() / 2 - numbers);
        [(&samples[..numbers], first), (&samples[numbers..], second)].map(|(samples, histograms)| Series {
            labels: self.labels.clone(),
            samples: samples.to_vec(),
            histograms: histograms.to_vec(),
        })
    }
}

/// In the order of arrival.
#[derive(Default)]
pub struct Pending {
    /// Whether native histograms are wanted.
    histograms: bool,
    series: VecDeque<Series>,
    families: Vec<pb::MetricMetadata>,
}

impl Pending {
    /// `histograms`: whether native histograms are wanted.
    pub fn new(histograms: bool) -> Self {
        Pending { histograms, ..Pending::default() }
    }

    pub fn push(&mut self, batch: &SampleBatch, accepts: impl Fn(&Labels) -> bool) {
        let numbers = batch.series.iter().map(|s| (&s.labels, s.samples.clone(), Vec::new()));
        let histograms = batch.histograms.iter().filter(|_| self.histograms);
        let histograms = histograms.map(|s| (&s.labels, Vec::new(), s.samples.clone()));
        for (labels, samples, histograms) in numbers.chain(histograms).filter(|(labels, ..)| accepts(labels))
        {
            self.series.push_back(Series { labels: labels.clone(), samples, histograms });
        }
        self.families = if batch.families.is_empty() {
            std::mem::take(&mut self.families)
        } else {
            batch.families.iter().map(metadata).collect()
        };
    }

    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The next series, up to one request's worth of samples.
    pub fn next_request(&self) -> Vec<Series> {
        let mut samples = 0;
        let fits = |series: &&Series| {
            samples += series.len();
            samples <= SAMPLES_PER_REQUEST || samples == series.len()
        };
        self.series.iter().take_while(fits).cloned().collect()
    }

    /// The first `count` series have been delivered.
    pub fn done(&mut self, count: usize) {
        self.series.drain(..count);
        self.families.clear();
    }

    /// Types and help texts that wait too.
    pub fn families(&self) -> &[pb::MetricMetadata] {
        &self.families
    }
}

/// The body of a remote write 1.0 request: protobuf in Snappy's block format.
pub fn body(series: &[Series], families: &[pb::MetricMetadata]) -> Vec<u8> {
    let request =
        pb::WriteRequest { timeseries: series.iter().map(to_pb).collect(), metadata: families.to_vec() };
    snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).expect("a request is below 4 GiB")
}

fn to_pb(series: &Series) -> pb::TimeSeries {
    let label = |(name, value): (&str, &str)| pb::Label { name: name.into(), value: value.into() };
    let sample = |s: &event::Sample| pb::Sample { value: s.value, timestamp: s.timestamp_ms };
    pb::TimeSeries {
        labels: series.labels.iter().map(label).collect(),
        samples: series.samples.iter().map(sample).collect(),
        histograms: series.histograms.iter().map(histogram::to_pb).collect(),
    }
}

fn metadata(family: &event::MetricFamily) -> pb::MetricMetadata {
    let kind = pb::metric_metadata::Type::from_str_name(&family.kind.to_uppercase()).unwrap_or_default();
    pb::MetricMetadata {
        r#type: kind.into(),
        metric_family_name: family.name.clone(),
        help: family.help.clone(),
        unit: family.unit.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(samples: usize) -> event::Series {
        let sample = |i| Sample { timestamp_ms: i as i64, value: 1.0 };
        event::Series {
            labels: Labels::from([("__name__", "a")]),
            samples: (0..samples).map(sample).collect(),
        }
    }

    #[test]
    fn a_request_holds_at_most_so_many_samples_but_never_none() {
        let mut pending = Pending::default();
        let batch =
            SampleBatch { series: vec![series(5000), series(1500), series(600)], ..Default::default() };
        pending.push(&batch, |_| true);
        for expected in [1, 1, 1, 0] {
            let request = pending.next_request();
            assert_eq!(request.len(), expected);
            pending.done(request.len());
        }
        assert!(pending.is_empty());
    }

    #[test]
    fn the_body_decodes_to_what_went_in() {
        let mut pending = Pending::new(true);
        let histogram = HistogramSample { timestamp_ms: 5, histogram: Default::default() };
        let labels = Labels::from([("__name__", "b")]);
        let histograms = vec![event::HistogramSeries { labels, samples: vec![histogram] }];
        let batch = SampleBatch { series: vec![series(2)], histograms, ..SampleBatch::default() };
        pending.push(&batch, |_| true);
        let body = body(&pending.next_request(), &[]);
        let raw = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
        let request = pb::WriteRequest::decode(raw.as_slice()).unwrap();
        assert_eq!(request.timeseries[0].labels[0].name, "__name__");
        assert_eq!(request.timeseries[0].samples[1].timestamp, 1);
        assert_eq!(request.timeseries[1].labels[0].value, "b");
        assert_eq!(request.timeseries[1].histograms[0].timestamp, 5);
        let mut numbers_only = Pending::default();
        numbers_only.push(&batch, |_| true);
        assert_eq!(numbers_only.next_request().len(), 1);
    }

    #[test]
    fn halves_hold_every_sample_once_and_neither_is_empty() {
        let histogram = |ms| HistogramSample { timestamp_ms: ms, histogram: Default::default() };
        for (numbers, histograms) in [(0, 2), (2, 0), (1, 1), (1, 4), (4, 1), (3, 3)] {
            let whole = Series {
                samples: series(numbers).samples,
                histograms: (0..histograms).map(histogram).collect(),
                ..Series::default()
            };
            let [first, second] = whole.halves();
            assert!(first.len() > 0 && second.len() > 0);
            assert_eq!([first.samples, second.samples].concat(), whole.samples);
            assert_eq!([first.histograms, second.histograms].concat(), whole.histograms);
        }
    }
}
