//! Series as the scripts describe them: `up{job="a"} 1 2+3x4 _ stale {{sum:1 count:2}}x3`.

use event::Labels;
use promql::{Reading, parse_metric, parse_values};

/// A series and its values; `None` for no sample.
pub struct Described {
    pub labels: Labels,
    pub values: Vec<Option<Reading>>,
    /// Whether a histogram's hint of a restart is written out: then it counts.
    pub with_hint: bool,
}

pub fn described(line: &str) -> Described {
    let (metric, values) = line.split_at(metric_end(line));
    Described {
        labels: parse_metric(metric).unwrap_or_else(|e| panic!("{line}: {e}")),
        values: parse_values(values).unwrap_or_else(|e| panic!("{line}: {e}")),
        with_hint: values.contains("counter_reset_hint:"),
    }
}

/// The number that is all of `text`.
pub fn number(text: &str) -> Option<f64> {
    match parse_values(text).ok()?.as_slice() {
        [Some(Reading::Number(number))] => Some(*number),
        _ => None,
    }
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
