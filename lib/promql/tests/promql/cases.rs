//! Runs the cases of `tests/cases/*.test`.
//!
//! ```text
//! load 1m                       forget all series; what follows are new ones, a sample every minute from 0
//!   up{job="a"} 1 0+2x3 _ stale     a value; 0 2 4 6; no sample; the end of the series
//! eval 5m: up * 2               a query at an instant, and its answer: series, or a number, or a text
//!   {job="a"} 2
//! eval 0..10m/5m: up            a query over a range with a step, and the values at each step, `_` for none
//!   up{job="a"} 1 2 _
//! eval 5m: up * on() up
//!   error: many-to-many         a part of the message; likewise `warning:` and `info:`
//! ```

use std::{fs, path::Path};

use crate::memory::Memory;
use event::{Labels, MatchOp, Sample, Series};
use promql::{Answer, Options, Value, parse, query_instant, query_range};

#[test]
fn cases_give_the_expected_answers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut failures = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        for case in cases(&fs::read_to_string(&path).unwrap()) {
            count += 1;
            let found = case.run();
            if !agrees(&case.expected, &found) {
                let (line, query) = (case.line, &case.query);
                failures.push(format!("{file}:{line}: {query}\n  not {:?}\n  but {found:?}", case.expected));
            }
        }
    }
    assert!(count > 100, "only {count} cases were found");
    assert!(failures.is_empty(), "{} of {count} cases fail:\n{}", failures.len(), failures.join("\n"));
}

struct Case {
    line: usize,
    series: Vec<Series>,
    query: String,
    /// First and last step and their distance.
    range: Option<(i64, i64, i64)>,
    instant: i64,
    expected: Vec<String>,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let (mut series, mut step, mut loading) = (Vec::new(), 0, false);
    let lines = text.lines().zip(1..).filter(|(l, _)| !l.trim().is_empty() && !l.starts_with('#'));
    for (line, number) in lines {
        if let Some(distance) = line.strip_prefix("load ") {
            (series, step, loading) = (Vec::new(), duration(distance), true);
        } else if let Some(rest) = line.strip_prefix("eval ") {
            loading = false;
            cases.push(Case::new(number, rest, &series));
        } else if loading {
            series.push(load(line, step));
        } else {
            cases.last_mut().unwrap().expected.push(canonical(line));
        }
    }
    cases
}

impl Case {
    fn new(line: usize, header: &str, series: &[Series]) -> Self {
        let (time, query) = header.split_once(": ").unwrap();
        let range = time.split_once("..").map(|(start, rest)| {
            let (end, step) = rest.split_once('/').unwrap();
            (duration(start), duration(end), duration(step))
        });
        let instant = if range.is_none() { duration(time) } else { 0 };
        Case { line, series: series.to_vec(), query: query.into(), range, instant, expected: Vec::new() }
    }

    fn run(&self) -> Vec<String> {
        let storage = Memory(self.series.clone());
        let options = Options::default();
        let query = match parse(&self.query) {
            Ok(query) => query,
            Err(error) => return vec![format!("error: {error}")],
        };
        let answer = match self.range {
            Some((start, end, step)) => query_range(&query, &storage, start, end, step, &options),
            None => query_instant(&query, &storage, self.instant, &options),
        };
        match answer {
            Ok(answer) => self.write(answer),
            Err(error) => vec![format!("error: {error}")],
        }
    }

    fn write(&self, answer: Answer) -> Vec<String> {
        let mut lines = match answer.value {
            Value::Scalar(sample) => vec![sample.value.to_string()],
            Value::String { value, .. } => vec![format!("{value:?}")],
            Value::Vector(samples) => {
                samples.iter().map(|(labels, s)| format!("{labels} {}", s.value)).collect()
            }
            Value::Matrix(series) => series.iter().map(|s| self.write_series(s)).collect(),
        };
        lines.extend(answer.warnings.iter().map(|text| format!("warning: {text}")));
        lines.extend(answer.infos.iter().map(|text| format!("info: {text}")));
        lines
    }

    /// The values at each step; of a raw range as they are.
    fn write_series(&self, series: &Series) -> String {
        let values: Vec<String> = match self.range {
            None => series.samples.iter().map(|s| s.value.to_string()).collect(),
            Some((start, end, step)) => {
                let at = |time| series.samples.iter().find(|s| s.timestamp_ms == time);
                let steps = (0..=(end - start) / step).map(|i| start + i * step);
                steps.map(|time| at(time).map_or("_".into(), |s| s.value.to_string())).collect()
            }
        };
        format!("{} {}", series.labels, values.join(" "))
    }
}

/// Whether both say the same: numbers up to rounding, messages if one is part of the other.
fn agrees(expected: &[String], found: &[String]) -> bool {
    expected.len() == found.len() && expected.iter().zip(found).all(|(e, f)| same_line(e, f))
}

fn same_line(expected: &str, found: &str) -> bool {
    for kind in ["error: ", "warning: ", "info: "] {
        if let Some(part) = expected.strip_prefix(kind) {
            return found.starts_with(kind) && found.contains(part);
        }
    }
    let (expected, found) = (expected.split(' '), found.split(' '));
    expected.clone().count() == found.clone().count() && expected.zip(found).all(|(e, f)| same_word(e, f))
}

fn same_word(expected: &str, found: &str) -> bool {
    match (expected.parse::<f64>(), found.parse::<f64>()) {
        (Ok(e), Ok(f)) => e == f || (e.is_nan() && f.is_nan()) || (e - f).abs() <= 1e-12 * e.abs(),
        _ => expected == found,
    }
}

/// The line with its labels in their usual form.
fn canonical(line: &str) -> String {
    let line = line.trim();
    match split_series(line) {
        Some((labels, values)) => format!("{labels} {values}"),
        None => line.to_string(),
    }
}

fn split_series(line: &str) -> Option<(Labels, &str)> {
    let end = line.find("} ").map(|brace| brace + 1).or_else(|| line.find(' '))?;
    let (metric, values) = line.split_at(end);
    if metric == "{}" {
        return Some((Labels::default(), values.trim()));
    }
    let query = parse(metric).ok().filter(|_| !metric.ends_with(':'))?;
    let selectors = query.selectors();
    let matchers = selectors.first()?.matchers.iter().filter(|m| m.op == MatchOp::Equal);
    Some((matchers.map(|m| (m.name.as_str(), m.value.as_str())).collect(), values.trim()))
}

fn load(line: &str, step_ms: i64) -> Series {
    let (labels, values) = split_series(line.trim()).unwrap_or_else(|| panic!("no series: {line}"));
    let mut all = Vec::new();
    values.split(' ').for_each(|word| expand(word, &mut all));
    let sample = |(value, at): (Option<f64>, i64)| Some(Sample { timestamp_ms: at * step_ms, value: value? });
    Series { labels, samples: all.into_iter().zip(0..).filter_map(sample).collect() }
}

/// One word of a series: `3`, `_`, `stale`, `_x5`, `3x5`, `3+2x5`, `3-2x5`; `xN` repeats N more times.
fn expand(word: &str, values: &mut Vec<Option<f64>>) {
    let number = |text: &str| text.parse::<f64>().unwrap_or_else(|_| panic!("no number: {word}"));
    let (what, more) = match word.rsplit_once('x') {
        Some((what, more)) => (what, more.parse::<u32>().unwrap()),
        None => (word, 0),
    };
    let (start, growth) = match what.char_indices().skip(1).find(|(_, c)| "+-".contains(*c)) {
        Some((at, _)) => (&what[..at], number(&what[at..])),
        None => (what, 0.0),
    };
    for i in 0..=more {
        values.push(match start {
            "_" => None,
            "stale" => Some(f64::from_bits(Sample::STALE_BITS)),
            _ => Some(number(start) + growth * f64::from(i)),
        });
    }
}

fn duration(text: &str) -> i64 {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "h" => 3_600_000.0,
        "m" => 60_000.0,
        "ms" => 1.0,
        _ => 1000.0,
    };
    (digits.parse::<f64>().unwrap() * unit) as i64
}
