//! Answers in Loki's JSON.

use std::time::Duration;

use axum::{
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use event::Sample;
use logql::{Answer, Direction, EntryAnswer, LabelSet, SampleAnswer, SeriesAnswer, StreamAnswer, Value};
use serde::{Serialize, Serializer};

use super::{query_stats, request::Wishes};
use crate::{
    BlockStats,
    http::number::{Plain, Seconds, loki_pair},
};

/// A body that is JSON already.
pub(super) fn json(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json; charset=UTF-8")], body).into_response()
}

/// `data` in the envelope that all answers have.
pub(super) fn data(data: &impl Serialize, warnings: &[String]) -> Vec<u8> {
    to_json(&Envelope { status: "success", warnings, data })
}

/// The answer to a query.
pub(super) fn query(
    answer: Answer,
    blocks: BlockStats,
    warnings: &[String],
    wishes: &Wishes,
    took: Duration,
) -> Vec<u8> {
    let stats = query_stats::json(&answer.stats, blocks, took);
    let (result_type, result) = Outcome::of(answer.value, wishes);
    let encoding_flags = wishes.encoding_flags();
    data(&QueryData { result_type, encoding_flags, result, stats }, warnings)
}

/// Any body.
pub(super) fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("all keys are strings, and memory takes all that is written")
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    status: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
    data: &'a T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QueryData {
    result_type: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    encoding_flags: &'static [&'static str],
    result: Outcome,
    stats: serde_json::Value,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Streams(Vec<Stream>),
    Matrix(Vec<Series>),
    Vector(Vec<Element>),
    Scalar((Seconds, Plain)),
}

impl Outcome {
    /// With the name of its type.
    fn of(value: Value, wishes: &Wishes) -> (&'static str, Self) {
        match value {
            Value::Streams(found) => ("streams", Outcome::Streams(streams(found, wishes))),
            Value::Matrix(series) => {
                ("matrix", Outcome::Matrix(series.into_iter().map(Series::from).collect()))
            }
            Value::Vector(elements) => {
                ("vector", Outcome::Vector(elements.into_iter().map(Element::from).collect()))
            }
            Value::Scalar(value) => {
                let sample = Sample { timestamp_ms: wishes.time_ns / 1_000_000, value };
                ("scalar", Outcome::Scalar(loki_pair(sample)))
            }
        }
    }
}

/// The streams, by all their labels or by those of the stream alone.
pub(super) fn streams(found: Vec<StreamAnswer>, wishes: &Wishes) -> Vec<Stream> {
    if !wishes.categorize {
        return found
            .into_iter()
            .map(|s| Stream { stream: s.labels, values: Lines::Plain(s.entries) })
            .collect();
    }
    let groups = logql::categorized(found, wishes.direction == Direction::Backward).into_iter();
    groups.map(|s| Stream { stream: s.stream, values: Lines::Categorized(s.entries) }).collect()
}

/// One stream and its lines.
#[derive(Serialize)]
pub(super) struct Stream {
    stream: LabelSet,
    values: Lines,
}

enum Lines {
    Plain(Vec<EntryAnswer>),
    Categorized(Vec<EntryAnswer>),
}

impl Serialize for Lines {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Lines::Plain(entries) => serializer.collect_seq(entries.iter().map(|e| (time(e), &e.line))),
            Lines::Categorized(entries) => {
                let line = |e| (time(e), &e.line, Categories::of(e));
                serializer.collect_seq(entries.iter().map(line))
            }
        }
    }
}

fn time(entry: &EntryAnswer) -> String {
    entry.timestamp_ns.to_string()
}

/// A line's labels that are not its stream's.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Categories {
    #[serde(skip_serializing_if = "LabelSet::is_empty")]
    structured_metadata: LabelSet,
    #[serde(skip_serializing_if = "LabelSet::is_empty")]
    parsed: LabelSet,
}

impl Categories {
    fn of(entry: &EntryAnswer) -> Self {
        Categories {
            structured_metadata: entry.metadata.iter().cloned().collect(),
            parsed: entry.parsed.iter().cloned().collect(),
        }
    }
}

#[derive(Serialize)]
struct Series {
    metric: LabelSet,
    values: Vec<(Seconds, Plain)>,
}

impl From<SeriesAnswer> for Series {
    fn from(series: SeriesAnswer) -> Self {
        Series { metric: series.labels, values: series.samples.into_iter().map(loki_pair).collect() }
    }
}

#[derive(Serialize)]
struct Element {
    metric: LabelSet,
    value: (Seconds, Plain),
}

impl From<SampleAnswer> for Element {
    fn from(element: SampleAnswer) -> Self {
        Element { metric: element.labels, value: loki_pair(element.sample) }
    }
}

/// One message of a live tail. Batches that the client was too slow for are named by one entry without labels.
pub(super) fn tailed(found: Vec<StreamAnswer>, wishes: &Wishes, missed: u64, now_ns: i64) -> String {
    let note = format!("{missed} batches were left out: the client reads too slowly");
    let lost = (missed > 0).then(|| Dropped { labels: LabelSet::default(), timestamp: now_ns.to_string() });
    let body = Tailed {
        streams: streams(found, wishes),
        dropped_entries: lost.into_iter().collect(),
        warnings: (missed > 0).then_some(note).into_iter().collect(),
        encoding_flags: wishes.encoding_flags(),
    };
    serde_json::to_string(&body).expect("all keys are strings, and memory takes all that is written")
}

#[derive(Serialize)]
struct Tailed {
    streams: Vec<Stream>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dropped_entries: Vec<Dropped>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(rename = "encodingFlags", skip_serializing_if = "<[_]>::is_empty")]
    encoding_flags: &'static [&'static str],
}

#[derive(Serialize)]
struct Dropped {
    labels: LabelSet,
    timestamp: String,
}
