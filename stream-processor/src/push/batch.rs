//! Samples that wait for a remote write request, grouped by series, as many as one request should hold.

use std::collections::VecDeque;

use event::{SampleBatch, Series, proto::remote_write as pb};
use prost::Message;

/// Prometheus' own default for `max_samples_per_send`.
const SAMPLES_PER_REQUEST: usize = 2000;

/// In the order of arrival.
#[derive(Default)]
pub struct Pending {
    series: VecDeque<Series>,
    families: Vec<pb::MetricMetadata>,
}

impl Pending {
    pub fn push(&mut self, batch: &SampleBatch, accepts: impl Fn(&event::Labels) -> bool) {
        self.series.extend(batch.series.iter().filter(|s| accepts(&s.labels)).cloned());
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
            samples += series.samples.len();
            samples <= SAMPLES_PER_REQUEST || samples == series.samples.len()
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
        histograms: Vec::new(),
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
    use event::{Labels, Sample};

    use super::*;

    fn series(samples: usize) -> Series {
        let sample = |i| Sample { timestamp_ms: i as i64, value: 1.0 };
        Series { labels: Labels::from([("__name__", "a")]), samples: (0..samples).map(sample).collect() }
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
        let raw = snap::raw::Decoder::new().decompress_vec(&body(&[series(2)], &[])).unwrap();
        let request = pb::WriteRequest::decode(raw.as_slice()).unwrap();
        assert_eq!(request.timeseries[0].labels[0].name, "__name__");
        assert_eq!(request.timeseries[0].samples[1].timestamp, 1);
    }
}
