//! Version 2.0: texts are symbols, by their numbers.

use event::{
    Labels, MetricFamily, SampleBatch,
    proto::remote_write_v2::Metadata,
    protobuf::{Field, Fields, Malformed},
};

use super::{Written, kind, sample};
use crate::source::push::{Refusal, budget::Budget};

// The fields of a request.
const SYMBOLS: u64 = 4;
const SERIES: u64 = 5;

// The fields of a series.
const LABELS: u64 = 1;
const SAMPLES: u64 = 2;
const HISTOGRAMS: u64 = 3;
const METADATA: u64 = 5;

pub fn decode(body: &[u8], budget: Budget) -> Result<SampleBatch, Refusal> {
    let symbols = Symbols::read(body)?;
    let mut written = Written::new(budget);
    for field in Fields::new(body) {
        if let series @ Field { number: SERIES, .. } = field? {
            let metadata = symbols.read_series(series.bytes()?, &mut written)?;
            let labels = written.labels()?;
            if let Some(metadata) = metadata {
                written.add_family(symbols.family(&labels, &metadata)?)?;
            }
            written.finish(labels)?;
        }
    }
    written.batch.families.dedup();
    Ok(written.batch)
}

struct Symbols<'a>(Vec<&'a str>);

impl<'a> Symbols<'a> {
    /// Wherever they stand in the request.
    fn read(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut symbols = Vec::new();
        for field in Fields::new(body) {
            if let symbol @ Field { number: SYMBOLS, .. } = field? {
                symbols.push(symbol.text()?);
            }
        }
        Ok(Symbols(symbols))
    }

    fn get(&self, at: u64) -> Result<&'a str, String> {
        let symbol = usize::try_from(at).ok().and_then(|at| self.0.get(at)).copied();
        symbol.ok_or_else(|| format!("there is no symbol {at}: send all that are used"))
    }

    fn read_series(&self, series: &'a [u8], written: &mut Written<'a>) -> Result<Option<Metadata>, Refusal> {
        let (mut references, mut metadata) = (Vec::new(), None);
        for field in Fields::new(series) {
            match field? {
                labels @ Field { number: LABELS, .. } => labels.integers(|at| references.push(at))?,
                number @ Field { number: SAMPLES, .. } => written.samples.push(sample(number.bytes()?)?),
                histogram @ Field { number: HISTOGRAMS, .. } => written.histograms.push(histogram.bytes()?),
                found @ Field { number: METADATA, .. } => metadata = Some(found.message()?),
                _ => {}
            }
        }
        for pair in references.chunks(2) {
            let name = self.get(pair[0])?;
            written.add_label((name, pair.get(1).map_or(Ok(""), |at| self.get(*at))?))?;
        }
        Ok(metadata)
    }

    fn family(&self, labels: &Labels, metadata: &Metadata) -> Result<MetricFamily, String> {
        Ok(MetricFamily {
            name: labels.metric_name().to_owned(),
            kind: kind(metadata.r#type),
            help: self.get(metadata.help_ref.into())?.to_owned(),
            unit: self.get(metadata.unit_ref.into())?.to_owned(),
        })
    }
}
