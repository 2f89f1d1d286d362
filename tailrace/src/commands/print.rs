//! Answers of the two APIs as text.

use std::io::{self, Write};

use event::{Labels, METRIC_NAME};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::args::Output;

/// One line of a log answer.
pub struct LogLine<'a> {
    pub timestamp_ns: i64,
    pub labels: &'a Value,
    pub line: &'a str,
}

/// The lines of all streams of an answer.
pub fn lines(streams: &Value) -> Vec<LogLine<'_>> {
    let mut all = Vec::new();
    for stream in streams.as_array().into_iter().flatten() {
        for value in stream["values"].as_array().into_iter().flatten() {
            all.push(LogLine {
                timestamp_ns: value[0].as_str().and_then(|t| t.parse().ok()).unwrap_or(0),
                labels: &stream["stream"],
                line: value[1].as_str().unwrap_or_default(),
            });
        }
    }
    all
}

/// Writes one log line.
pub fn log_line(out: &mut impl Write, line: &LogLine<'_>, output: Output) -> io::Result<()> {
    let time = Timestamp::from_nanosecond(line.timestamp_ns.into()).unwrap_or(Timestamp::UNIX_EPOCH);
    match output {
        Output::Raw => writeln!(out, "{}", line.line),
        Output::Json => {
            writeln!(out, "{}", json!({"timestamp": time, "labels": line.labels, "line": line.line}))
        }
        Output::Default => writeln!(out, "{time} {} {}", labels(line.labels), line.line),
    }
}

/// Writes a vector, matrix or scalar.
pub fn samples(out: &mut impl Write, data: &Value, output: Output) -> io::Result<()> {
    let result = &data["result"];
    if matches!(data["resultType"].as_str(), Some("scalar" | "string")) {
        return sample(out, &json!({}), result, output);
    }
    for series in result.as_array().into_iter().flatten() {
        let values = series["values"].as_array().into_iter().flatten();
        for value in values.chain(series.get("value")) {
            sample(out, &series["metric"], value, output)?;
        }
    }
    Ok(())
}

fn sample(out: &mut impl Write, metric: &Value, value: &Value, output: Output) -> io::Result<()> {
    let (at, number) = (value[0].as_f64().unwrap_or_default(), value[1].as_str().unwrap_or_default());
    match output {
        Output::Raw => writeln!(out, "{number}"),
        Output::Json => writeln!(out, "{}", json!({"metric": metric, "timestamp": at, "value": number})),
        Output::Default => writeln!(out, "{} => {number} @[{at}]", labels(metric)),
    }
}

/// `name{label="value"}`
fn labels(object: &Value) -> String {
    let labels: Labels = serde_json::from_value(object.clone()).unwrap_or_default();
    let rest = labels.filtered(|name| name != METRIC_NAME);
    match labels.metric_name() {
        "" => rest.to_string(),
        name if rest.is_empty() => name.to_owned(),
        name => format!("{name}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(data: &Value, output: Output) -> String {
        let mut out = Vec::new();
        samples(&mut out, data, output).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_vector_prints_like_promtool() {
        let data = json!({"resultType": "vector", "result": [
            {"metric": {"__name__": "up", "job": "node"}, "value": [1700000000.5, "1"]}]});
        assert_eq!(printed(&data, Output::Default), "up{job=\"node\"} => 1 @[1700000000.5]\n");
        assert_eq!(printed(&data, Output::Raw), "1\n");
    }

    #[test]
    fn a_log_line_shows_time_labels_and_text() {
        let streams = json!([{"stream": {"job": "a"}, "values": [["1000000000", "hi"]]}]);
        let (mut out, all) = (Vec::new(), lines(&streams));
        log_line(&mut out, &all[0], Output::Default).unwrap();
        assert_eq!(out, b"1970-01-01T00:00:01Z {job=\"a\"} hi\n");
    }
}
