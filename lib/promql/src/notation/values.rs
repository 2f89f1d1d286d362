//! Values in a row: `1`, `_`, `stale`, `1x3` (four times 1), `1+2x3` (1 3 5 7), `_x3`, and histograms likewise.

use event::{Histogram, ResetHint, Sample};

use super::{Reading, histogram};
use crate::{ParseError, histogram::combined};

/// More values than this from one description are an error.
const MOST_VALUES: usize = 10_000_000;

/// The values that `text` describes, one for each step; `None` is no sample.
///
/// # Errors
/// When a word is no value, or there are more than ten million values.
pub fn parse_values(text: &str) -> Result<Vec<Option<Reading>>, ParseError> {
    let mut values = Vec::new();
    for word in words(text) {
        match word.strip_prefix("{{") {
            Some(inside) => histograms(inside, &word, &mut values)?,
            None => numbers(&word, &mut values)?,
        }
    }
    Ok(values)
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

fn numbers(word: &str, values: &mut Vec<Option<Reading>>) -> Result<(), ParseError> {
    let (what, more) = match word.rsplit_once('x') {
        Some((what, more)) => (what, times(more, word, values.len())?),
        None => (word, 0),
    };
    if what == "_" {
        values.extend(vec![None; more.max(1)]);
        return Ok(());
    }
    let (mut value, growth) = growing(what).ok_or_else(|| no_value(word))?;
    values.push(Some(Reading::Number(value)));
    for _ in 0..more {
        // Adding nothing would change the bits of a stale marker.
        if growth != 0.0 {
            value += growth;
        }
        values.push(Some(Reading::Number(value)));
    }
    Ok(())
}

/// A value, and what each further one has more.
fn growing(text: &str) -> Option<(f64, f64)> {
    if text == "stale" {
        return Some((f64::from_bits(Sample::STALE_BITS), 0.0));
    }
    if let Some(value) = number(text) {
        return Some((value, 0.0));
    }
    let mut signs = text.char_indices().skip(1).filter(|(_, c)| "+-".contains(*c));
    signs.find_map(|(at, _)| Some((number(&text[..at])?, number(&text[at..])?)))
}

fn histograms(inside: &str, word: &str, values: &mut Vec<Option<Reading>>) -> Result<(), ParseError> {
    let (first, rest) = inside.split_once("}}").ok_or_else(|| no_value(word))?;
    let mut current = histogram::parse(first)?;
    if let Some(more) = rest.strip_prefix('x') {
        let more = times(more, word, values.len())?;
        values.extend(vec![Some(Reading::Histogram(current)); more + 1]);
        return Ok(());
    }
    values.push(Some(Reading::Histogram(current.clone())));
    if rest.is_empty() {
        return Ok(());
    }
    let growth = rest.strip_prefix(['+', '-']).and_then(|more| more.strip_prefix("{{")?.split_once("}}x"));
    let (growth, more) = growth.ok_or_else(|| no_value(word))?;
    let (sign, growth) = (if rest.starts_with('-') { -1.0 } else { 1.0 }, histogram::parse(growth)?);
    for _ in 0..times(more, word, values.len())? {
        current = grown(&current, &growth, sign)?;
        values.push(Some(Reading::Histogram(current.clone())));
    }
    Ok(())
}

fn grown(current: &Histogram, growth: &Histogram, sign: f64) -> Result<Histogram, ParseError> {
    if current.schema > growth.schema {
        let message = "the histogram that is added has a coarser schema than the first one";
        return Err(ParseError::new(message));
    }
    let (sum, _) = combined(current, growth, sign)
        .map_err(|_| ParseError::new("custom and exponential buckets cannot be added"))?;
    let reset = if growth.reset == ResetHint::Unknown { current.reset } else { growth.reset };
    Ok(Histogram { reset, ..sum })
}

fn times(text: &str, word: &str, already: usize) -> Result<usize, ParseError> {
    let times = text.parse::<usize>().map_err(|_| no_value(word))?;
    if already.saturating_add(times) >= MOST_VALUES {
        return Err(ParseError::new(format!("`{word}` makes more than {MOST_VALUES} values")));
    }
    Ok(times)
}

fn no_value(word: &str) -> ParseError {
    let forms = "write `1`, `1x3`, `1+2x3`, `_`, `stale` or `{{count:1 sum:2}}`";
    ParseError::new(format!("`{word}` is no value; {forms}"))
}

/// A number as Go reads it.
pub(super) fn number(text: &str) -> Option<f64> {
    let plain = text.strip_prefix(['+', '-']).unwrap_or(text);
    let starts = plain.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let named = ["inf", "nan"].iter().any(|name| plain.eq_ignore_ascii_case(name));
    if starts || named { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |value: &Option<Reading>| match value {
            None => "_".into(),
            Some(Reading::Number(n)) if n.to_bits() == Sample::STALE_BITS => "stale".into(),
            Some(Reading::Number(n)) => n.to_string(),
            Some(Reading::Histogram(h)) => format!("{}/{}", h.count, h.sum),
        };
        parse_values(text).unwrap_or_else(|e| panic!("{text}: {e}")).iter().map(show).collect()
    }

    #[test]
    fn values_repeat_grow_and_are_left_out() {
        assert_eq!(shown("1 -2 1e+06 _ stale"), ["1", "-2", "1000000", "_", "stale"]);
        assert_eq!(shown("0x2 _x2\n 1+2x3"), ["0", "0", "0", "_", "_", "1", "3", "5", "7"]);
        assert_eq!(shown("1e-1-0.5x1 NaN"), ["0.1", "-0.4", "NaN"]);
        assert_eq!(shown("stalex1"), ["stale", "stale"]);
        assert!(shown("").is_empty());
    }

    #[test]
    fn histograms_repeat_and_grow() {
        assert_eq!(shown("{{count:2 sum:3 buckets:[2]}}x1"), ["2/3", "2/3"]);
        let grows = "{{count:2 sum:3 buckets:[2]}}+{{count:1 sum:1.5 buckets:[1]}}x2 1";
        assert_eq!(shown(grows), ["2/3", "3/4.5", "4/6", "1"]);
    }

    #[test]
    fn what_is_no_value_is_named() {
        for wrong in ["one", "1x", "1xx", "{{count:1", "{{count:1}}+2x3", "1+x3", "{{colour:1}}"] {
            assert!(parse_values(wrong).is_err(), "{wrong}");
        }
        assert!(parse_values("1x99999999").unwrap_err().message.contains("10000000"));
    }
}
