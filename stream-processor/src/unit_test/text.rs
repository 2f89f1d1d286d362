//! Expected and found values in promtool's words.

use std::{collections::BTreeMap, time::Duration};

use event::{HistogramSeries, Labels, Series};
use promql::{Storage, StorageError, describe_histogram};
use similar::{ChangeTag, TextDiff};

use super::file::{ExpectedAlert, ExpectedEvidence, ExpectedSample};
use crate::engine::Until;

/// `5m`, as Prometheus writes it.
pub fn duration(ms: i64) -> String {
    config::Duration(Duration::from_millis(ms.unsigned_abs())).to_string()
}

/// `5m0s`, as Go writes it.
pub fn go_duration(ms: i64) -> String {
    let seconds = ms / 1_000;
    let rest = format!("{}", (ms % 60_000) as f64 / 1_000.0);
    match (seconds / 3_600, seconds / 60 % 60) {
        (0, 0) if ms != 0 && ms < 1_000 => format!("{ms}ms"),
        (0, 0) => format!("{rest}s"),
        (0, minutes) => format!("{minutes}m{rest}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{rest}s"),
    }
}

/// In double quotes.
pub fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// A numbered list, each alert with its labels, its annotations and, where it counts, its evidence.
pub fn alerts(alerts: &[ExpectedAlert]) -> String {
    if alerts.is_empty() {
        return "[]".into();
    }
    let margin = " ".repeat(12);
    let shown = alerts.iter().enumerate().map(|(number, alert)| {
        let (labels, annotations) = (&alert.labels, &alert.annotations);
        let evidence = alert.evidence.as_ref().map(|found| evidence(found, &margin)).unwrap_or_default();
        format!(
            "\n{margin}{number}:\n{margin}  Labels:{labels}\n{margin}  Annotations:{annotations}{evidence}"
        )
    });
    format!("[{}\n{margin}]", shown.collect::<Vec<_>>().join(","))
}

/// A row for each sample and each line.
fn evidence(evidence: &ExpectedEvidence, margin: &str) -> String {
    let lines = evidence.lines.iter().map(|found| format!("{} {}", found.labels, quoted(&found.line)));
    let rows = evidence.samples.iter().map(sample).chain(lines);
    let rows: String = rows.map(|row| format!("\n{margin}    {row}")).collect();
    format!("\n{margin}  Evidence:{}", if rows.is_empty() { "[]" } else { &rows })
}

/// One after the other, or `nil`.
pub fn samples(samples: &[ExpectedSample], separator: &str) -> String {
    if samples.is_empty() {
        return "nil".into();
    }
    samples.iter().map(sample).collect::<Vec<_>>().join(separator)
}

fn sample(sample: &ExpectedSample) -> String {
    match sample.histogram.as_str() {
        "" => format!("{} {}", sample.labels, exponential(sample.value)),
        histogram => format!("{} {histogram}", sample.labels),
    }
}

/// Line by line: `-` is expected and not there, `+` is there and not expected.
pub fn difference(expected: &str, found: &str) -> String {
    let changes = TextDiff::from_lines(expected, found);
    let lines = changes.iter_all_changes().map(|change| {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        format!("      {sign} {}", change.value().trim_end())
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// All series up to `last_ms`, each with its samples.
pub fn data(store: &Until<'_>, last_ms: i64) -> Result<String, StorageError> {
    let mut all: BTreeMap<Labels, BTreeMap<i64, String>> = BTreeMap::new();
    let found = store.select(&[], i64::MIN, last_ms, &|_| false)?;
    for Series { labels, samples } in found.numbers {
        let samples = samples.into_iter().map(|sample| (sample.timestamp_ms, sample.value.to_string()));
        all.entry(labels).or_default().extend(samples);
    }
    for HistogramSeries { labels, samples } in found.histograms {
        let samples = samples.into_iter().map(|s| (s.timestamp_ms, describe_histogram(&s.histogram)));
        all.entry(labels).or_default().extend(samples);
    }
    let series = all.iter().map(|(labels, samples)| {
        let samples: String = samples.iter().map(|(ms, value)| format!("\n{value} @[{ms}]")).collect();
        format!("{labels} =>{samples}")
    });
    Ok(series.collect::<Vec<_>>().join("\n"))
}

/// `1.5E+00`
fn exponential(value: f64) -> String {
    match value {
        f64::INFINITY => return "+Inf".into(),
        f64::NEG_INFINITY => return "-Inf".into(),
        value if value.is_nan() => return "NaN".into(),
        _ => {}
    }
    let text = format!("{value:E}");
    let (digits, exponent) = text.split_once('E').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}E{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers_are_written_as_go_writes_them() {
        let shown = [0, 500, 1_500, 300_000, 90_061_000].map(go_duration);
        assert_eq!(shown, ["0s", "500ms", "1.5s", "5m0s", "25h1m1s"]);
        let shown = [0.0, 3.0, -1234.5, 1e-7, f64::INFINITY].map(exponential);
        assert_eq!(shown, ["0E+00", "3E+00", "-1.2345E+03", "1E-07", "+Inf"]);
    }
}
