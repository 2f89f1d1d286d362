//! The batch form: `T`, the version, then the protobuf message of `proto/event.proto`.

mod histogram;

use prost::Message;

use crate::{
    DecodeError, Event, Labels, LogBatch, LogEntry, MetricFamily, Sample, SampleBatch, Series, Tick,
    proto::event::{self as pb, batch::Content},
};

/// The newest version that this code knows.
const VERSION: u8 = 2;

/// The oldest version that says all of `event`: readers that know no more than it needs can go on.
fn version(event: &Event) -> u8 {
    match event {
        Event::Samples(batch) if !batch.histograms.is_empty() => VERSION,
        _ => 1,
    }
}

pub fn encode(event: &Event) -> Vec<u8> {
    let content = match event {
        Event::Logs(batch) => Content::Logs(logs_to_pb(batch)),
        Event::Samples(batch) => Content::Samples(samples_to_pb(batch)),
        Event::Tick(tick) => Content::Tick(pb::Tick { timestamp_ms: tick.timestamp_ms }),
    };
    let batch = pb::Batch { source: event.source().into(), content: Some(content) };
    let mut value = Vec::with_capacity(2 + batch.encoded_len());
    value.extend([b'T', version(event)]);
    batch.encode(&mut value).expect("a vector grows as needed");
    value
}

pub fn decode(value: &[u8]) -> Result<Event, DecodeError> {
    let (version, body) = match value {
        [b'T', version, body @ ..] => (*version, bytes::Bytes::copy_from_slice(body)),
        _ => return Err(DecodeError::UnknownForm(value.to_vec())),
    };
    if !(1..=VERSION).contains(&version) {
        return Err(DecodeError::UnknownVersion { found: version.into(), known: VERSION.into() });
    }
    let batch = pb::Batch::decode(body)?;
    Ok(match batch.content.ok_or(DecodeError::Empty)? {
        Content::Logs(logs) => Event::Logs(logs_from_pb(batch.source, logs)),
        Content::Samples(samples) => Event::Samples(samples_from_pb(batch.source, samples)),
        Content::Tick(tick) => Event::Tick(Tick { timestamp_ms: tick.timestamp_ms }),
    })
}

fn label(name: &str, value: &str) -> pb::Label {
    pb::Label { name: name.into(), value: value.into() }
}

fn labels_to_pb(labels: &Labels) -> Vec<pb::Label> {
    labels.iter().map(|(n, v)| label(n, v)).collect()
}

fn labels_from_pb(labels: Vec<pb::Label>) -> Labels {
    labels.into_iter().map(|l| (l.name, l.value)).collect()
}

fn logs_to_pb(batch: &LogBatch) -> pb::LogBatch {
    let entry = |e: &LogEntry| pb::LogEntry {
        timestamp_ns: e.timestamp_ns,
        line: e.line.clone(),
        metadata: e.metadata.iter().map(|(n, v)| label(n, v)).collect(),
        position: e.position,
    };
    pb::LogBatch { labels: labels_to_pb(&batch.labels), entries: batch.entries.iter().map(entry).collect() }
}

fn logs_from_pb(source: String, batch: pb::LogBatch) -> LogBatch {
    let entry = |e: pb::LogEntry| LogEntry {
        timestamp_ns: e.timestamp_ns,
        line: e.line,
        metadata: e.metadata.into_iter().map(|l| (l.name, l.value)).collect(),
        position: e.position,
    };
    LogBatch {
        source,
        labels: labels_from_pb(batch.labels),
        entries: batch.entries.into_iter().map(entry).collect(),
    }
}

fn samples_to_pb(batch: &SampleBatch) -> pb::SampleBatch {
    let series = |s: &Series| pb::Series {
        labels: labels_to_pb(&s.labels),
        timestamps_ms: s.samples.iter().map(|x| x.timestamp_ms).collect(),
        values: s.samples.iter().map(|x| x.value).collect(),
    };
    let family = |f: &MetricFamily| pb::MetricFamily {
        name: f.name.clone(),
        r#type: f.kind.clone(),
        help: f.help.clone(),
        unit: f.unit.clone(),
    };
    pb::SampleBatch {
        series: batch.series.iter().map(series).collect(),
        position: batch.position,
        families: batch.families.iter().map(family).collect(),
        histograms: batch.histograms.iter().map(histogram::to_pb).collect(),
    }
}

fn samples_from_pb(source: String, batch: pb::SampleBatch) -> SampleBatch {
    let sample = |(timestamp_ms, value)| Sample { timestamp_ms, value };
    let series = |s: pb::Series| Series {
        labels: labels_from_pb(s.labels),
        samples: s.timestamps_ms.into_iter().zip(s.values).map(sample).collect(),
    };
    let family =
        |f: pb::MetricFamily| MetricFamily { name: f.name, kind: f.r#type, help: f.help, unit: f.unit };
    SampleBatch {
        source,
        position: batch.position,
        series: batch.series.into_iter().map(series).collect(),
        families: batch.families.into_iter().map(family).collect(),
        histograms: batch.histograms.into_iter().map(histogram::from_pb).collect(),
    }
}
