//! Series as the scripts describe them: `up{job="a"} 1 2+3x4 _ stale {{sum:1 count:2}}x3`.

use event::{Labels, MatchOp, Sample};
use promql::parse_selector;

use crate::histogram::{Expected, combined, histogram};

/// A value at a step; `None` for no sample.
pub type Value = Option<Measured>;

#[derive(Clone, Debug)]
pub enum Measured {
    Number(f64),
    Histogram(Expected),
}

/// A series and its values.
pub struct Described {
    pub labels: Labels,
    pub values: Vec<Value>,
}

pub fn described(line: &str) -> Described {
    let end = metric_end(line);
    let values = words(line[end..].trim()).into_iter().flat_map(|word| expanded(&word));
    Described { labels: labels(&line[..end]), values: values.collect() }
}

/// Where the values begin: behind the braces that are not within quotes, or at the first blank.
fn metric_end(line: &str) -> usize {
    let mut quote = None;
    let mut open = false;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(q), _) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') if open => quote = Some(c),
            (None, '{') if line[at..].starts_with("{{") => return at,
            (None, '{') => open = true,
            (None, '}') => return at + 1,
            (None, c) if c.is_whitespace() && !open && !line[at..].trim_start().starts_with('{') => {
                return at;
            }
            (None, c) if c.is_whitespace() && !open && line[at..].trim_start().starts_with("{{") => {
                return at;
            }
            _ => {}
        }
    }
    line.len()
}

fn labels(text: &str) -> Labels {
    let text = text.trim();
    if text == "{}" {
        return Labels::default();
    }
    // With one more matcher, as a selector may not match everything.
    let all = match text.strip_suffix('}') {
        Some(open) if open.ends_with('{') => format!("{open}__any__!=\"\"}}"),
        Some(open) => format!("{},__any__!=\"\"}}", open.trim_end_matches([',', ' '])),
        None => text.to_string(),
    };
    let matchers = parse_selector(&all).unwrap_or_else(|e| panic!("{text}: {e}"));
    let equal = matchers.iter().filter(|matcher| matcher.op == MatchOp::Equal);
    equal.map(|matcher| (matcher.name.as_str(), matcher.value.as_str())).collect()
}

/// Words between blanks; histograms contain some.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (taken, blank) = match rest.strip_prefix("{{") {
            Some(inside) => (inside.find("}}").map_or(rest.len(), |end| end + 4), false),
            None => (c.len_utf8(), c.is_whitespace()),
        };
        match words.last_mut() {
            Some(last) if !blank => last.push_str(&rest[..taken]),
            _ => words.push(String::new()),
        }
        rest = &rest[taken..];
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `1+2x3` is 1 3 5 7: the first value, and so many more.
fn expanded(word: &str) -> Vec<Value> {
    if let Some(text) = word.strip_prefix("{{") {
        return histograms(text);
    }
    let (what, times) = match word.rsplit_once('x') {
        Some((what, times)) => (what, times.parse::<usize>().unwrap_or_else(|_| panic!("{word}"))),
        None => (word, 0),
    };
    if what == "_" {
        return vec![None; times.max(1)];
    }
    let (start, growth) = growing(what);
    let mut value = start;
    let mut values = Vec::new();
    for _ in 0..=times {
        values.push(Some(Measured::Number(value)));
        if growth != 0.0 {
            value += growth;
        }
    }
    values
}

fn growing(text: &str) -> (f64, f64) {
    if text == "stale" {
        return (f64::from_bits(Sample::STALE_BITS), 0.0);
    }
    if let Some(value) = number(text) {
        return (value, 0.0);
    }
    let signs = text.char_indices().skip(1).filter(|(_, c)| "+-".contains(*c));
    let split = signs.filter_map(|(at, _)| Some((number(&text[..at])?, number(&text[at..])?))).next();
    split.unwrap_or_else(|| panic!("no value: {text}"))
}

fn histograms(text: &str) -> Vec<Value> {
    let (first, rest) = text.split_once("}}").unwrap();
    let first = histogram(first);
    let value = |found: &Expected| Some(Measured::Histogram(found.clone()));
    if let Some(times) = rest.strip_prefix('x') {
        return vec![value(&first); times.parse::<usize>().unwrap() + 1];
    }
    let Some((growth, times)) = rest.get(1..).and_then(|more| more.strip_prefix("{{")?.split_once("}}x"))
    else {
        return vec![value(&first)];
    };
    let (sign, growth) = (if rest.starts_with('-') { -1.0 } else { 1.0 }, histogram(growth));
    let mut all = vec![first];
    for _ in 0..times.parse::<usize>().unwrap() {
        let next = combined(all.last().unwrap(), &growth, sign);
        all.push(next);
    }
    all.iter().map(value).collect()
}

/// A number as Go reads it.
pub fn number(text: &str) -> Option<f64> {
    let plain = text.trim_start_matches(['+', '-']);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    if let Some(digits) = plain.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok().map(|value| sign * value as f64);
    }
    let starts = plain.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let named = ["inf", "nan"].iter().any(|name| plain.eq_ignore_ascii_case(name));
    if starts || named { text.parse().ok() } else { None }
}

/// In milliseconds.
pub fn duration(text: &str) -> i64 {
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds * 1000.0) as i64;
    }
    let units = [
        ("ms", 1),
        ("s", 1000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
        ("w", 604_800_000),
        ("y", 31_536_000_000),
    ];
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let mut ms = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or_else(|| panic!("{text}"));
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let name = &rest[digits..unit];
        let (_, length) = units.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{text}"));
        ms += rest[..digits].parse::<i64>().unwrap() * length;
        rest = &rest[unit..];
    }
    sign * ms
}

/// A text without its quotes, with Go's escapes.
pub fn unquoted(text: &str) -> String {
    let query = promql::parse(text).unwrap();
    match &query.tree().kind {
        promql::ast::NodeKind::Text(text) => text.clone(),
        other => panic!("no text: {other:?}"),
    }
}
