//! Answers in Prometheus' JSON.

use axum::{
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use event::{Labels, Sample, Series};
use promql::{Answer, Value};
use serde::Serialize;

use crate::http::number::{Seconds, prometheus_pair};

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
pub(super) fn query(answer: Answer, warnings: &[String]) -> Vec<u8> {
    let (result_type, result) = Outcome::of(answer.value);
    data(&QueryData { result_type, result }, warnings, &answer.infos)
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
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Matrix(Vec<Row>),
    Vector(Vec<Element>),
    Single((Seconds, String)),
}

impl Outcome {
    /// With the name of its type.
    fn of(value: Value) -> (&'static str, Self) {
        match value {
            Value::Matrix(rows) => ("matrix", Outcome::Matrix(rows.into_iter().map(Row::from).collect())),
            Value::Vector(elements) => {
                ("vector", Outcome::Vector(elements.into_iter().map(Element::from).collect()))
            }
            Value::Scalar(sample) => ("scalar", Outcome::Single(prometheus_pair(sample))),
            Value::String { timestamp_ms, value } => {
                ("string", Outcome::Single((Seconds(timestamp_ms), value)))
            }
        }
    }
}

#[derive(Serialize)]
struct Row {
    metric: Labels,
    values: Vec<(Seconds, String)>,
}

impl From<Series> for Row {
    fn from(series: Series) -> Self {
        Row { metric: series.labels, values: series.samples.into_iter().map(prometheus_pair).collect() }
    }
}

#[derive(Serialize)]
struct Element {
    metric: Labels,
    value: (Seconds, String),
}

impl From<(Labels, Sample)> for Element {
    fn from((metric, sample): (Labels, Sample)) -> Self {
        Element { metric, value: prometheus_pair(sample) }
    }
}
