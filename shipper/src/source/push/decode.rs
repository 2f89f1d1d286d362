//! The two bodies of a push request, JSON and protobuf, plain or compressed.

use std::collections::BTreeMap;

use bytes::Bytes;
use event::{Labels, LogBatch, LogEntry, proto::loki};
use prost::Message;
use serde::Deserialize;

use super::{RECORD, budget::Budget, metadata_bytes, packing::Packing, selector};

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `application/json`
    Json,
    /// `application/x-protobuf`, always in snappy's block format unless another was named.
    Protobuf,
}

/// The setting behind [`Limits::request`].
pub const REQUEST_LIMIT: &str = "shipper.push.request_limit";
/// The setting behind [`Limits::labels`].
const LABEL_LIMIT: &str = "shipper.push.label_limit";

/// What a client can send at once. Every error that comes from one of the limits names its setting.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes after decompression.
    pub request: usize,
    /// Labels of a stream.
    pub labels: usize,
    /// Bytes of a line; longer ones are kept in pieces.
    pub line: usize,
}

#[derive(Deserialize)]
struct JsonPush {
    streams: Vec<JsonStream>,
}

#[derive(Deserialize)]
struct JsonStream {
    stream: BTreeMap<String, String>,
    values: Vec<JsonEntry>,
}

/// Nanoseconds, line, metadata.
#[derive(Deserialize)]
struct JsonEntry(String, String, #[serde(default)] BTreeMap<String, String>);

/// # Errors
/// What is wrong with the body, for the client.
pub fn decode(body: &[u8], form: Form, packing: Packing, limits: &Limits) -> Result<Vec<LogBatch>, String> {
    let body = packing.open(body, limits)?;
    let streams = match form {
        Form::Json => json(&body)?,
        Form::Protobuf if packing == Packing::Plain => protobuf(&unsnap(&body, limits.request)?)?,
        Form::Protobuf => protobuf(&body)?,
    };
    let mut budget = Budget::new(limits);
    streams.into_iter().map(|batch| checked(batch, limits, &mut budget)).collect()
}

/// What snappy's block format holds.
pub fn unsnap(body: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    let length = snap::raw::decompress_len(body).map_err(|e| format!("snappy: {e}"))?;
    if length > limit {
        return Err(too_large(limit));
    }
    snap::raw::Decoder::new().decompress_vec(body).map_err(|e| format!("snappy: {e}"))
}

pub fn too_large(limit: usize) -> String {
    format!(
        "the request has more than {limit} bytes after decompression (limit: {REQUEST_LIMIT}); send smaller ones"
    )
}

fn json(body: &[u8]) -> Result<Vec<LogBatch>, String> {
    let push: JsonPush = serde_json::from_slice(body).map_err(|e| format!("push request: {e}"))?;
    push.streams.into_iter().map(json_stream).collect()
}

fn json_stream(stream: JsonStream) -> Result<LogBatch, String> {
    let labels: Labels = stream.stream.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let entry = |JsonEntry(timestamp, line, metadata): JsonEntry| {
        let wrong = |_| format!("timestamp {timestamp:?} of stream {labels} is no number of nanoseconds");
        let timestamp_ns = timestamp.parse().map_err(wrong)?;
        Ok(LogEntry {
            timestamp_ns,
            line: line.into(),
            metadata: metadata.into_iter().collect(),
            position: 0,
        })
    };
    let entries: Result<Vec<_>, String> = stream.values.into_iter().map(entry).collect();
    Ok(LogBatch { source: String::new(), entries: entries?, labels })
}

fn protobuf(body: &[u8]) -> Result<Vec<LogBatch>, String> {
    let request =
        loki::PushRequest::decode(Bytes::copy_from_slice(body)).map_err(|e| format!("push request: {e}"))?;
    request.streams.into_iter().map(protobuf_stream).collect()
}

fn protobuf_stream(stream: loki::Stream) -> Result<LogBatch, String> {
    let labels = selector::parse(&stream.labels)?;
    let entry = |entry: loki::Entry| {
        let time = entry.timestamp.unwrap_or_default();
        let ns = time.seconds.checked_mul(1_000_000_000).and_then(|ns| ns.checked_add(time.nanos.into()));
        let timestamp_ns =
            ns.ok_or_else(|| format!("timestamp {} s of stream {labels} is out of range", time.seconds))?;
        let metadata = entry.structured_metadata.into_iter().map(|pair| (pair.name, pair.value)).collect();
        Ok(LogEntry { timestamp_ns, line: entry.line.into(), metadata, position: 0 })
    };
    let entries: Result<Vec<_>, String> = stream.entries.into_iter().map(entry).collect();
    Ok(LogBatch { source: String::new(), entries: entries?, labels })
}

/// The batch with long lines in pieces.
///
/// # Errors
/// When its labels are not what a stream can have, or metadata take too much.
pub fn checked(batch: LogBatch, limits: &Limits, budget: &mut Budget) -> Result<LogBatch, String> {
    if batch.labels.is_empty() {
        return Err("error at least one label pair is required per stream".into());
    }
    if batch.labels.len() > limits.labels {
        let (count, limit) = (batch.labels.len(), limits.labels);
        return Err(format!(
            "stream {} has {count} labels, more than {limit} (limit: {LABEL_LIMIT}); send some as metadata",
            batch.labels
        ));
    }
    if let Some((name, _)) = batch.labels.iter().find(|(name, _)| !selector::is_label_name(name)) {
        return Err(format!(
            "stream {} has the label name {name:?}; use letters, digits and underscores",
            batch.labels
        ));
    }
    if let Some(bytes) = batch.entries.iter().map(metadata_bytes).find(|bytes| *bytes > RECORD) {
        return Err(format!(
            "an entry of stream {} has {bytes} bytes of metadata; the limit is {RECORD}: send some of it as the line",
            batch.labels
        ));
    }
    let mut entries = Vec::with_capacity(batch.entries.len());
    for mut entry in batch.entries {
        name_metadata(&mut entry, &batch.labels)?;
        add_pieces(entry, limits.line, budget, &mut entries)?;
    }
    Ok(LogBatch { entries, ..batch })
}

/// Queries can name metadata only as they name labels.
fn name_metadata(entry: &mut LogEntry, labels: &Labels) -> Result<(), String> {
    for (name, _) in entry.metadata.iter_mut().filter(|(name, _)| !selector::is_label_name(name)) {
        if name.is_empty() {
            return Err(format!("an entry of stream {labels} has metadata without a name"));
        }
        *name = selector::label_name(name);
    }
    Ok(())
}

/// Each piece has the metadata of all.
fn add_pieces(
    entry: LogEntry,
    limit: usize,
    budget: &mut Budget,
    entries: &mut Vec<LogEntry>,
) -> Result<(), String> {
    if entry.line.len() <= limit {
        entries.push(entry);
        return Ok(());
    }
    for start in (0..entry.line.len()).step_by(limit) {
        budget.take_pairs(entry.metadata.iter().map(|(name, value)| (name, value)))?;
        let line = entry.line.slice(start..entry.line.len().min(start + limit));
        entries.push(LogEntry { line, ..entry.clone() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { request: 1000, labels: 3, line: 10 };

    fn json(body: &str) -> Result<Vec<LogBatch>, String> {
        decode(body.as_bytes(), Form::Json, Packing::Plain, &LIMITS)
    }

    #[test]
    fn json_and_protobuf_give_the_same_entries() {
        let json =
            json(r#"{"streams":[{"stream":{"job":"a"},"values":[["1700000000000000001","x",{"k":"v"}]]}]}"#);
        let entry = loki::Entry {
            timestamp: Some(loki::Timestamp { seconds: 1_700_000_000, nanos: 1 }),
            line: b"x".to_vec(),
            structured_metadata: vec![loki::LabelPair { name: "k".into(), value: "v".into() }],
        };
        let stream = loki::Stream { labels: r#"{job="a"}"#.into(), entries: vec![entry] };
        let plain = loki::PushRequest { streams: vec![stream] }.encode_to_vec();
        let body = snap::raw::Encoder::new().compress_vec(&plain).unwrap();
        assert_eq!(decode(&body, Form::Protobuf, Packing::Plain, &LIMITS), json);
        assert_eq!(json.unwrap()[0].entries[0].metadata, [("k".to_owned(), "v".to_owned())]);
    }

    #[test]
    fn metadata_have_names_that_queries_can_say() {
        let body = |name: &str| {
            format!(r#"{{"streams":[{{"stream":{{"job":"a"}},"values":[["1","x",{{"{name}":"v"}}]]}}]}}"#)
        };
        for (sent, kept) in [("trace.id", "trace_id"), ("1st é", "key_1st__"), ("_a1", "_a1")] {
            assert_eq!(json(&body(sent)).unwrap()[0].entries[0].metadata[0].0, kept);
        }
        assert!(json(&body("")).unwrap_err().contains("{job=\"a\"} has metadata without a name"));
    }

    #[test]
    fn long_lines_come_in_pieces() {
        let batches =
            json(r#"{"streams":[{"stream":{"job":"a"},"values":[["1","0123456789abc"]]}]}"#).unwrap();
        let lines: Vec<_> = batches[0].entries.iter().map(|e| e.line.clone()).collect();
        assert_eq!(lines, ["0123456789", "abc"]);
        let (line, value) = ("x".repeat(500), "v".repeat(300));
        let body = format!(
            r#"{{"streams":[{{"stream":{{"job":"a"}},"values":[["1","{line}",{{"k":"{value}"}}]]}}]}}"#
        );
        assert!(json(&body).unwrap_err().contains("more than 4000 bytes"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |body: &str| json(body).unwrap_err();
        assert!(error("{\"streams\":[}").contains("line 1 column"));
        assert!(error(r#"{"streams":[{"stream":{},"values":[]}]}"#).contains("at least one label pair"));
        assert!(error(r#"{"streams":[{"stream":{"a":"b"},"values":[["x","y"]]}]}"#).contains("\"x\""));
        assert!(error(r#"{"streams":[{"stream":{"a-b":"b"},"values":[]}]}"#).contains("a-b"));
        let many = r#"{"streams":[{"stream":{"a":"1","b":"1","c":"1","d":"1"},"values":[]}]}"#;
        assert!(error(many).contains("4 labels, more than 3 (limit: shipper.push.label_limit)"));
        let value = "v".repeat(RECORD);
        let labels = Labels::from([("job", "a")]);
        let entry = LogEntry { metadata: vec![("k".to_owned(), value)], ..LogEntry::default() };
        let batch = LogBatch { labels, entries: vec![entry], ..LogBatch::default() };
        let refusal = checked(batch, &LIMITS, &mut Budget::new(&LIMITS)).unwrap_err();
        assert!(refusal.contains("{job=\"a\"} has 262161 bytes of metadata"), "{refusal}");
        let bomb = snap::raw::Encoder::new().compress_vec(&[0; 5000]).unwrap();
        assert!(
            decode(&bomb, Form::Protobuf, Packing::Plain, &LIMITS)
                .unwrap_err()
                .contains("more than 1000 bytes after decompression (limit: shipper.push.request_limit)")
        );
        assert!(
            decode(b"\xff\xff\xff", Form::Protobuf, Packing::Plain, &LIMITS).unwrap_err().contains("snappy")
        );
        assert!(decode(b"no gzip", Form::Json, Packing::Gzip, &LIMITS).unwrap_err().contains("gzip"));
    }
}
