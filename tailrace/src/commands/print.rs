//! Answers of the two APIs as text.

use std::io::{self, Write};

use event::{Labels, METRIC_NAME};
use serde_json::{Value, json};

use crate::args::Output;

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
pub fn labels(object: &Value) -> String {
    let labels: Labels = serde_json::from_value(object.clone()).unwrap_or_default();
    let rest = labels.filtered(|name| name != METRIC_NAME);
    match labels.metric_name() {
        "" => rest.to_string(),
        name if rest.is_empty() => name.to_owned(),
        name => format!("{name}{rest}"),
    }
}

/// A time in seconds since 1970, as short as it can be.
pub fn seconds(timestamp_ms: i64) -> String {
    (timestamp_ms as f64 / 1_000.0).to_string()
}

/// A field of comma-separated values, in quotes where RFC 4180 asks for them.
pub fn csv(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.into()
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
}
