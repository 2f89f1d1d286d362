//! Version 1.0: each series brings the text of all its labels again.

use event::{
    MetricFamily, SampleBatch,
    proto::remote_write::MetricMetadata,
    protobuf::{Field, Fields},
};

use super::{Written, kind, sample};
use crate::source::push::{Refusal, budget::Budget};

// The fields of a request.
const SERIES: u64 = 1;
const METADATA: u64 = 3;

// The fields of a series.
const LABELS: u64 = 1;
const SAMPLES: u64 = 2;
const HISTOGRAMS: u64 = 4;

pub fn decode(body: &[u8], budget: Budget) -> Result<SampleBatch, Refusal> {
    let mut written = Written::new(budget);
    for field in Fields::new(body) {
        match field? {
            series @ Field { number: SERIES, .. } => {
                written.read(series.bytes()?)?;
                let labels = written.labels()?;
                written.finish(labels)?;
            }
            metadata @ Field { number: METADATA, .. } => written.add_family(family(metadata.message()?))?,
            _ => {}
        }
    }
    Ok(written.batch)
}

impl<'a> Written<'a> {
    fn read(&mut self, series: &'a [u8]) -> Result<(), Refusal> {
        for field in Fields::new(series) {
            match field? {
                label @ Field { number: LABELS, .. } => self.add_label(label.pair()?)?,
                number @ Field { number: SAMPLES, .. } => self.samples.push(sample(number.bytes()?)?),
                histogram @ Field { number: HISTOGRAMS, .. } => self.histograms.push(histogram.bytes()?),
                _ => {}
            }
        }
        Ok(())
    }
}

fn family(metadata: MetricMetadata) -> MetricFamily {
    MetricFamily {
        kind: kind(metadata.r#type),
        name: metadata.metric_family_name,
        help: metadata.help,
        unit: metadata.unit,
    }
}
