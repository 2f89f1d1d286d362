//! Samples in the batch form, field by field: there are many, and most of what they bring are labels.

use super::{histogram, known::KnownLabels, put};
use crate::{
    Labels, MetricFamily, Sample, SampleBatch, Series,
    proto::event as pb,
    protobuf::{Fields, Malformed, put_integer, put_message, put_pair, put_zigzag},
};

// The fields of a batch of samples.
const SERIES: u64 = 1;
const POSITION: u64 = 2;
const FAMILIES: u64 = 3;
const HISTOGRAMS: u64 = 4;

// The fields of a series.
const LABELS: u64 = 1;
const TIMESTAMPS: u64 = 2;
const VALUES: u64 = 3;

/// What a series takes, roughly.
const SERIES_BYTES: usize = 192;

pub fn encode(batch: &SampleBatch, out: &mut Vec<u8>) {
    out.reserve(batch.series.len() * SERIES_BYTES);
    for series in &batch.series {
        put_message(out, SERIES, |out| put_series(series, out));
    }
    put_integer(out, POSITION, batch.position);
    for family in &batch.families {
        put_message(out, FAMILIES, |out| put(&family_to_pb(family), out));
    }
    for series in &batch.histograms {
        put_message(out, HISTOGRAMS, |out| put(&histogram::to_pb(series), out));
    }
}

pub fn decode(source: String, message: &[u8], known: &mut KnownLabels) -> Result<SampleBatch, Malformed> {
    let mut batch = SampleBatch { source, ..SampleBatch::default() };
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            SERIES => batch.series.push(series(field.bytes()?, known)?),
            POSITION => batch.position = field.integer()?,
            FAMILIES => batch.families.push(family_from_pb(field.message()?)),
            HISTOGRAMS => batch.histograms.push(histogram::from_pb(field.message()?)),
            _ => {}
        }
    }
    Ok(batch)
}

fn put_series(series: &Series, out: &mut Vec<u8>) {
    series.labels.iter().for_each(|label| put_pair(out, LABELS, label));
    if series.samples.is_empty() {
        return;
    }
    put_message(out, TIMESTAMPS, |out| series.samples.iter().for_each(|s| put_zigzag(out, s.timestamp_ms)));
    put_message(out, VALUES, |out| series.samples.iter().for_each(|s| out.extend(s.value.to_le_bytes())));
}

fn series(message: &[u8], known: &mut KnownLabels) -> Result<Series, Malformed> {
    let (mut samples, mut fields) = (Vec::new(), Fields::new(message));
    // Labels come first, and are then known by their bytes. Elsewhere those of the samples would be among them.
    let (mut labels_end, mut in_front, mut scattered) = (0, true, false);
    while let Some(field) = fields.next() {
        let field = field?;
        match field.number {
            LABELS if in_front => labels_end = message.len() - fields.rest().len(),
            LABELS => scattered = true,
            TIMESTAMPS => field.zigzags(|timestamp_ms| samples.push(Sample { timestamp_ms, value: 0.0 }))?,
            _ => {}
        }
        in_front &= field.number == LABELS;
    }
    put_values(message, &mut samples)?;
    let labels = match scattered {
        false => known.labels(&message[..labels_end], read_labels)?,
        true => known.labels_once(message, read_labels)?,
    };
    Ok(Series { labels, samples })
}

fn read_labels(message: &[u8]) -> Result<Labels, Malformed> {
    let mut pairs = Vec::new();
    for field in Fields::new(message) {
        let field = field?;
        if field.number == LABELS {
            pairs.push(field.pair()?);
        }
    }
    Ok(Labels::from_iter(pairs))
}

/// A reading of their own: whoever wrote the values may have written them before the times.
fn put_values(message: &[u8], samples: &mut Vec<Sample>) -> Result<(), Malformed> {
    let mut count = 0;
    for field in Fields::new(message) {
        let field = field?;
        if field.number == VALUES {
            field.doubles(|value| {
                if let Some(sample) = samples.get_mut(count) {
                    sample.value = value;
                    count += 1;
                }
            })?;
        }
    }
    samples.truncate(count);
    Ok(())
}

fn family_to_pb(family: &MetricFamily) -> pb::MetricFamily {
    let MetricFamily { name, kind, help, unit } = family.clone();
    pb::MetricFamily { name, r#type: kind, help, unit }
}

fn family_from_pb(family: pb::MetricFamily) -> MetricFamily {
    let pb::MetricFamily { name, r#type: kind, help, unit } = family;
    MetricFamily { name, kind, help, unit }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    fn series_of(samples: &[(i64, f64)]) -> Series {
        let sample = |&(timestamp_ms, value)| Sample { timestamp_ms, value };
        let labels = Labels::from([("__name__", "up"), ("job", "a")]);
        Series { labels, samples: samples.iter().map(sample).collect() }
    }

    #[test]
    fn what_is_written_is_what_the_definition_says() {
        let series = vec![series_of(&[(-1, 0.5), (1 << 45, f64::INFINITY)]), series_of(&[])];
        let families = vec![MetricFamily { name: "up".into(), kind: "gauge".into(), ..Default::default() }];
        let batch = SampleBatch { position: 300, series, families, ..SampleBatch::default() };
        let mut written = Vec::new();
        encode(&batch, &mut written);
        let defined = pb::SampleBatch::decode(&written[..]).unwrap();
        assert_eq!(defined.series[0].timestamps_ms, [-1, 1 << 45]);
        assert_eq!(defined.encode_to_vec(), written);
        assert_eq!(decode(String::new(), &written, &mut KnownLabels::default()).unwrap(), batch);
    }

    #[test]
    fn fields_may_come_in_any_order_and_numbers_one_by_one() {
        let label = b"\x0a\x0b\x0a\x03job\x12\x04many";
        let (times, values) = (b"\x10\x02\x10\x04", [b"\x19".as_slice(), &2.5_f64.to_le_bytes()].concat());
        for parts in [[&label[..], times, &values], [&values, times, label], [times, label, &values]] {
            let mut known = KnownLabels::default();
            let read = series(&parts.concat(), &mut known).unwrap();
            assert_eq!(read.labels, Labels::from([("job", "many")]));
            assert_eq!(read.samples, [Sample { timestamp_ms: 1, value: 2.5 }]);
            let again = known.labels(&parts.concat(), |_| Ok(Labels::default()));
            assert_eq!(again, Ok(Labels::default()), "a series with its samples is remembered");
        }
    }
}
