//! Answers in Prometheus' JSON.

use axum::{
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use event::{HistogramSeries, Labels, Sample, Series};
use promql::{Answer, Value};
use serde::Serialize;

use super::{
    histogram::{Written, pair},
    request::Limit,
    stats::Stats,
};
use crate::http::number::{Number, Seconds, prometheus_pair};

/// A body that is JSON already.
pub(super) fn json(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// `data` in the envelope that all answers have.
pub(super) fn data(data: &impl Serialize, warnings: &[String], infos: &[String]) -> Vec<u8> {
    let body = Envelope { status: "success", data, warnings, infos };
    serde_json::to_vec(&body).expect("all keys are strings, and memory takes all that is written")
}

/// The answer to a query.
pub(super) fn query(
    answer: Answer,
    mut warnings: Vec<String>,
    limit: &Limit,
    stats: Option<Stats>,
) -> Vec<u8> {
    let (result_type, mut result) = Outcome::of(answer.value, answer.histograms);
    match &mut result {
        Outcome::Matrix(rows) => limit.apply(rows, &mut warnings),
        Outcome::Vector(elements) => limit.apply(elements, &mut warnings),
        Outcome::Scalar(_) | Outcome::Text(_) => {}
    }
    data(&QueryData { result_type, result, stats }, &warnings, &answer.infos)
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    status: &'static str,
    data: &'a T,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    infos: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QueryData {
    result_type: &'static str,
    result: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<Stats>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Matrix(Vec<Row>),
    Vector(Vec<Element>),
    Scalar((Seconds, Number)),
    Text((Seconds, String)),
}

impl Outcome {
    /// With the name of its type.
    fn of(value: Value, histograms: Vec<HistogramSeries>) -> (&'static str, Self) {
        match value {
            Value::Matrix(series) => ("matrix", Outcome::Matrix(rows(series, histograms))),
            Value::Vector(elements) => {
                let numbers = elements.into_iter().map(Element::from);
                (
                    "vector",
                    Outcome::Vector(numbers.chain(histograms.into_iter().map(Element::from)).collect()),
                )
            }
            Value::Scalar(sample) => ("scalar", Outcome::Scalar(prometheus_pair(sample))),
            Value::String { timestamp_ms, value } => {
                ("string", Outcome::Text((Seconds(timestamp_ms), value)))
            }
        }
    }
}

#[derive(Default, Serialize)]
struct Row {
    metric: Labels,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<(Seconds, Number)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    histograms: Vec<(Seconds, Written)>,
}

/// A row for each series, sorted by labels if there are histograms: numbers alone are sorted already.
fn rows(series: Vec<Series>, histograms: Vec<HistogramSeries>) -> Vec<Row> {
    let number = |series: Series| Row {
        metric: series.labels,
        values: series.samples.into_iter().map(prometheus_pair).collect(),
        ..Row::default()
    };
    let mut rows: Vec<Row> = series.into_iter().map(number).collect();
    for HistogramSeries { labels, samples } in histograms {
        let place = rows.binary_search_by(|row| row.metric.cmp(&labels)).unwrap_or_else(|place| {
            rows.insert(place, Row { metric: labels, ..Row::default() });
            place
        });
        rows[place].histograms = samples.iter().map(pair).collect();
    }
    rows
}

#[derive(Serialize)]
struct Element {
    metric: Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<(Seconds, Number)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram: Option<(Seconds, Written)>,
}

impl From<(Labels, Sample)> for Element {
    fn from((metric, sample): (Labels, Sample)) -> Self {
        Element { metric, value: Some(prometheus_pair(sample)), histogram: None }
    }
}

impl From<HistogramSeries> for Element {
    fn from(series: HistogramSeries) -> Self {
        Element { metric: series.labels, value: None, histogram: series.samples.first().map(pair) }
    }
}
