//! Runs a case and compares.

use std::collections::BTreeMap;

use event::{Bucket, Histogram, Labels};
use promql::{Answer, Features, Options, Reading, Value, parse_with, query_instant, query_range};

use crate::{
    script::{Case, Expected, Text, Times},
    series::Described,
    storage::Memory,
};

type Checked = Result<(), String>;

/// What a series has at each time.
type Found = BTreeMap<Labels, BTreeMap<i64, Reading>>;

pub fn check(case: &Case, storage: &Memory) -> Checked {
    let options = Options::default();
    let features = Features { delayed_name_removal: true, use_start_timestamps: true, ..Features::default() };
    let query = parse_with(&case.query, features).map_err(|e| e.to_string());
    let answer = query.and_then(|query| {
        let answer = match case.times {
            Times::Instant(time) => query_instant(&query, storage, time, &options),
            Times::Range(start, end, step) => query_range(&query, storage, start, end, step, &options),
        };
        answer.map_err(|e| e.to_string())
    });
    match answer {
        Err(error) if case.expected.fails => notes(&case.expected, "fail", &[error]),
        Err(error) => Err(error),
        Ok(_) if case.expected.fails => Err("an error is expected".into()),
        Ok(answer) => {
            notes(&case.expected, "warn", &answer.warnings)?;
            notes(&case.expected, "info", &answer.infos)?;
            compare(case, answer)
        }
    }
}

fn notes(expected: &Expected, kind: &str, found: &[String]) -> Checked {
    for note in &expected.notes {
        let unwanted = note.kind.strip_prefix("no_") == Some(kind);
        if unwanted && !found.is_empty() {
            return Err(format!("no {kind} is expected: {found:?}"));
        }
        let fits = |text: &String| match &note.text {
            None => true,
            Some(Text::Is(expected)) => text.contains(expected.as_str()),
            Some(Text::Matches(pattern)) => {
                regex::Regex::new(pattern.trim_matches('"')).unwrap().is_match(text)
            }
        };
        if note.kind == kind && !found.iter().any(fits) {
            let wanted = match &note.text {
                None => "any",
                Some(Text::Is(text) | Text::Matches(text)) => text,
            };
            return Err(format!("{kind} {wanted:?} is expected: {found:?}"));
        }
    }
    Ok(())
}

fn compare(case: &Case, answer: Answer) -> Checked {
    let expected = &case.expected;
    match (&answer.value, expected.scalar, &expected.text) {
        (Value::String { value, .. }, _, Some(text)) if value == text => return Ok(()),
        (Value::Scalar(sample), Some(value), _) => return same_number(value, sample.value),
        (Value::Scalar(_) | Value::String { .. }, ..) => return Err(format!("{:?}", answer.value)),
        _ => {}
    }
    if expected.ordered {
        order(expected, &answer)?;
    }
    let wanted = wanted(case);
    let found = found(answer);
    for (labels, times) in &wanted {
        let with_hint = expected.series.iter().any(|series| series.with_hint && series.labels == *labels);
        let Some(other) = found.get(labels) else { return Err(format!("{labels} is missing")) };
        if !times.keys().eq(other.keys()) {
            return Err(format!("{labels} has samples at {:?}, not at {:?}", other.keys(), times.keys()));
        }
        for (time, value) in times {
            same(value, &other[time], with_hint).map_err(|why| format!("{labels} at {time}: {why}"))?;
        }
    }
    match found.iter().find(|(labels, _)| !wanted.contains_key(*labels)) {
        Some((labels, times)) => Err(format!("{labels} is not expected: {:?}", times.values().next())),
        None => Ok(()),
    }
}

fn order(expected: &Expected, answer: &Answer) -> Checked {
    let Value::Vector(elements) = &answer.value else { return Err("no vector".into()) };
    let found: Vec<&Labels> = elements.iter().map(|(labels, _)| labels).collect();
    let wanted: Vec<&Labels> = expected.series.iter().map(|series| &series.labels).collect();
    if found == wanted { Ok(()) } else { Err(format!("order: {found:?}")) }
}

fn wanted(case: &Case) -> Found {
    let (start, step) = match (case.times, case.expected.range) {
        (Times::Range(start, _, step), _) | (_, Some((start, _, step))) => (start, step),
        (Times::Instant(time), None) => (time, 1),
    };
    let scalar = case.expected.scalar.map(|value| {
        let Times::Range(start, end, step) = case.times else { return Vec::new() };
        vec![Some(Reading::Number(value)); ((end - start) / step + 1) as usize]
    });
    let scalar = scalar.map(|values| Described { labels: Labels::default(), values, with_hint: false });
    let times = |series: &Described| {
        let values = series.values.iter().zip(0..);
        values.filter_map(|(value, at)| Some((start + at * step, value.clone()?))).collect()
    };
    let all = case.expected.series.iter().chain(&scalar);
    all.map(|series| (series.labels.clone(), times(series))).collect()
}

fn found(answer: Answer) -> Found {
    let mut found = Found::new();
    let mut add = |labels: &Labels, time, value| {
        found.entry(labels.clone()).or_default().insert(time, value);
    };
    match answer.value {
        Value::Vector(elements) => {
            elements.iter().for_each(|(labels, s)| add(labels, s.timestamp_ms, Reading::Number(s.value)));
        }
        Value::Matrix(all) => all.iter().for_each(|series| {
            series.samples.iter().for_each(|s| add(&series.labels, s.timestamp_ms, Reading::Number(s.value)));
        }),
        Value::Scalar(_) | Value::String { .. } => {}
    }
    for series in answer.histograms {
        for sample in series.samples {
            add(&series.labels, sample.timestamp_ms, Reading::Histogram((*sample.histogram).clone()));
        }
    }
    found
}

fn same(wanted: &Reading, found: &Reading, with_hint: bool) -> Checked {
    match (wanted, found) {
        (Reading::Number(wanted), Reading::Number(found)) => same_number(*wanted, *found),
        (Reading::Histogram(wanted), Reading::Histogram(found)) => {
            let hints = !with_hint || wanted.reset == found.reset;
            match hints && same_histogram(wanted, found) {
                true => Ok(()),
                false => Err(format!("{found:?}\n    is not {wanted:?}")),
            }
        }
        _ => Err(format!("{found:?} is not {wanted:?}")),
    }
}

fn same_histogram(a: &Histogram, b: &Histogram) -> bool {
    let near = |pair: &(f64, f64)| almost(pair.0, pair.1);
    let numbers = [(a.count, b.count), (a.sum, b.sum), (a.zero_count, b.zero_count)];
    a.schema == b.schema
        && a.bounds == b.bounds
        && a.zero_threshold == b.zero_threshold
        && numbers.iter().all(near)
        && same_buckets(&a.positive, &b.positive)
        && same_buckets(&a.negative, &b.negative)
}

fn same_buckets(a: &[Bucket], b: &[Bucket]) -> bool {
    let full = |buckets: &[Bucket]| buckets.iter().filter(|b| b.count != 0.0).copied().collect::<Vec<_>>();
    let (a, b) = (full(a), full(b));
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.index == b.index && almost(a.count, b.count))
}

fn same_number(wanted: f64, found: f64) -> Checked {
    if almost(wanted, found) { Ok(()) } else { Err(format!("{found} is not {wanted}")) }
}

/// Up to a millionth, as the scripts' own runner compares.
fn almost(a: f64, b: f64) -> bool {
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < 1e-6 * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < 1e-6
}
