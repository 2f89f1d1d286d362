//! The batch form: `T`, the version, then the protobuf message of `proto/event.proto`.

mod histogram;
mod known;
mod samples;

use bytes::Bytes;
use prost::Message;

use crate::{
    DecodeError, Event, Labels, LogBatch, LogEntry, Tick,
    proto::event as pb,
    protobuf::{Fields, Malformed, put_bytes, put_message},
};

pub use known::KnownLabels;

/// The newest version that this code knows.
const VERSION: u8 = 2;

// The fields of a batch.
const SOURCE: u64 = 1;
const LOGS: u64 = 2;
const SAMPLES: u64 = 3;
const TICK: u64 = 4;

/// The oldest version that says all of `event`: readers that know no more than it needs can go on.
fn version(event: &Event) -> u8 {
    match event {
        Event::Samples(batch) if !batch.histograms.is_empty() => VERSION,
        _ => 1,
    }
}

pub fn encode(event: &Event) -> Vec<u8> {
    let mut value = vec![b'T', version(event)];
    put_bytes(&mut value, SOURCE, event.source().as_bytes());
    match event {
        Event::Logs(batch) => put_message(&mut value, LOGS, |out| put(&logs_to_pb(batch), out)),
        Event::Samples(batch) => put_message(&mut value, SAMPLES, |out| samples::encode(batch, out)),
        Event::Tick(tick) => {
            let tick = pb::Tick { timestamp_ms: tick.timestamp_ms };
            put_message(&mut value, TICK, |out| put(&tick, out));
        }
    }
    value
}

fn put(message: &impl Message, out: &mut Vec<u8>) {
    message.encode(out).expect("a vector grows as needed");
}

pub fn decode(value: &[u8], known: &mut KnownLabels) -> Result<Event, DecodeError> {
    let (version, body) = match value {
        [b'T', version, body @ ..] => (*version, body),
        _ => return Err(DecodeError::UnknownForm(value.to_vec())),
    };
    if !(1..=VERSION).contains(&version) {
        return Err(DecodeError::UnknownVersion { found: version.into(), known: VERSION.into() });
    }
    let (mut source, mut content) = ("", None);
    for field in Fields::new(body) {
        let field = field?;
        match field.number {
            SOURCE => source = field.text()?,
            LOGS | SAMPLES | TICK => content = Some(field),
            _ => {}
        }
    }
    let (source, content) = (source.to_owned(), content.ok_or(DecodeError::Empty)?);
    Ok(match content.number {
        LOGS => Event::Logs(logs_from_pb(source, logs(content.bytes()?)?)),
        SAMPLES => Event::Samples(samples::decode(source, content.bytes()?, known)?),
        _ => Event::Tick(Tick { timestamp_ms: content.message::<pb::Tick>()?.timestamp_ms }),
    })
}

/// Copied once: the lines share it.
fn logs(message: &[u8]) -> Result<pb::LogBatch, Malformed> {
    Ok(pb::LogBatch::decode(Bytes::copy_from_slice(message))?)
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
