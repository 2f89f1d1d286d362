//! Answers of the two APIs as text.

use std::io::{self, Write};

use event::{Labels, METRIC_NAME};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::args::Output;

/// Writes a vector, matrix or scalar.
pub fn samples(out: &mut impl Write, data: &Value, output: Output) -> io::Result<()> {
    each_sample(data, |metric, at, number| match output {
        Output::Raw => writeln!(out, "{number}"),
        Output::Json => writeln!(out, "{}", json!({"metric": metric, "timestamp": at, "value": number})),
        Output::Default => writeln!(out, "{} => {number} @[{at}]", labels(metric)),
    })
}

/// The same as comma-separated values, with a line of names first.
pub fn csv_samples(out: &mut impl Write, data: &Value) -> io::Result<()> {
    writeln!(out, "timestamp,labels,value")?;
    each_sample(data, |metric, at, number| {
        let time = Timestamp::from_millisecond((at * 1_000.0).round() as i64).unwrap_or_default();
        writeln!(out, "{time},{},{number}", csv(&labels(metric)))
    })
}

/// Hands over the labels, the time in seconds since 1970 and the value of each sample.
fn each_sample(data: &Value, mut show: impl FnMut(&Value, f64, &str) -> io::Result<()>) -> io::Result<()> {
    let mut sample = |metric: &Value, value: &Value| {
        show(metric, value[0].as_f64().unwrap_or_default(), value[1].as_str().unwrap_or_default())
    };
    let result = &data["result"];
    if matches!(data["resultType"].as_str(), Some("scalar" | "string")) {
        return sample(&json!({}), result);
    }
    for series in result.as_array().into_iter().flatten() {
        let values = series["values"].as_array().into_iter().flatten();
        values.chain(series.get("value")).try_for_each(|value| sample(&series["metric"], value))?;
    }
    Ok(())
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

/// For a terminal, which would carry out control characters. Those that end lines and put into columns stay.
pub fn visible(text: String) -> String {
    let is_carried_out = |c: char| c.is_control() && !matches!(c, '\t' | '\n');
    if !text.contains(is_carried_out) {
        return text;
    }
    let shown = |c: char| if is_carried_out(c) { format!("\\x{:02x}", u32::from(c)) } else { c.into() };
    text.chars().map(shown).collect()
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

    #[test]
    fn a_matrix_is_a_table_of_its_samples() {
        let data = json!({"resultType": "matrix", "result": [
            {"metric": {"a": "b", "c": "d"}, "values": [[1, "2"], [1.5, "NaN"]]}]});
        let mut out = Vec::new();
        csv_samples(&mut out, &data).unwrap();
        let rows = "1970-01-01T00:00:01Z,L,2\n1970-01-01T00:00:01.5Z,L,NaN\n";
        let rows = rows.replace('L', r#""{a=""b"", c=""d""}""#);
        assert_eq!(String::from_utf8(out).unwrap(), format!("timestamp,labels,value\n{rows}"));
    }
}
