//! Prometheus' text format, as clients push it.

use std::collections::{BTreeMap, BTreeSet};

use event::{Labels, METRIC_NAME, MetricFamily};

/// What a text holds.
#[derive(Debug, Default, PartialEq)]
pub struct Exposition {
    pub families: BTreeMap<String, MetricFamily>,
    /// With the metric's name, each once.
    pub values: BTreeMap<Labels, f64>,
}

/// # Errors
/// What is wrong, and in which line.
pub fn parse(text: &str) -> Result<Exposition, String> {
    let mut found = Exposition::default();
    for (at, line) in text.lines().enumerate() {
        found.add(line.trim()).map_err(|reason| format!("text format, line {}: {reason}", at + 1))?;
    }
    Ok(found)
}

impl Exposition {
    fn add(&mut self, line: &str) -> Result<(), String> {
        match line.strip_prefix('#') {
            Some(comment) => self.describe(comment),
            None if line.is_empty() => {}
            None => {
                let (labels, value) = sample(line)?;
                if self.values.insert(labels.clone(), value).is_some() {
                    return Err(format!("series {labels} is there twice"));
                }
            }
        }
        Ok(())
    }

    /// `HELP name text` and `TYPE name type`; anything else is a comment.
    fn describe(&mut self, comment: &str) {
        let mut words = comment.trim_start().splitn(3, [' ', '\t']);
        let (Some(what), Some(name), rest) = (words.next(), words.next(), words.next().unwrap_or_default())
        else {
            return;
        };
        let family =
            || MetricFamily { name: name.to_owned(), kind: "unknown".to_owned(), ..MetricFamily::default() };
        match what {
            "HELP" => {
                self.families.entry(name.to_owned()).or_insert_with(family).help = rest.trim().to_owned()
            }
            "TYPE" if rest.trim() != "untyped" => {
                self.families.entry(name.to_owned()).or_insert_with(family).kind = rest.trim().to_owned();
            }
            _ => {}
        }
    }
}

fn sample(line: &str) -> Result<(Labels, f64), String> {
    let mut rest = Rest(line);
    let mut pairs = Vec::new();
    let name = rest.word();
    if !name.is_empty() {
        pairs.push((METRIC_NAME.to_owned(), name.to_owned()));
    }
    if rest.eat('{') {
        rest.labels(&mut pairs)?;
    }
    let names: BTreeSet<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    if names.len() < pairs.len() {
        return Err("a label is there twice".to_owned());
    }
    let labels: Labels = pairs.into_iter().collect();
    if labels.metric_name().is_empty() {
        return Err("expected the name of a metric".to_owned());
    }
    let mut words = rest.0.split_whitespace();
    let value = words.next().ok_or("expected a value")?;
    let value = value.parse().map_err(|_| format!("value {value:?} is no number"))?;
    match words.next() {
        None => Ok((labels, value)),
        Some(_) => Err("pushed samples must not have timestamps".to_owned()),
    }
}

/// What is left of a line.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn eat(&mut self, wanted: char) -> bool {
        self.0 = self.0.trim_start();
        let rest = self.0.strip_prefix(wanted);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// A name without quotes, which does not begin with a digit; may be empty.
    fn word(&mut self) -> &'a str {
        self.0 = self.0.trim_start();
        let ends = |(at, c): &(usize, char)| {
            !(c.is_ascii_alphabetic() || "_:".contains(*c) || *at > 0 && c.is_ascii_digit())
        };
        let end = self.0.char_indices().find(ends).map_or(self.0.len(), |(at, _)| at);
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        word
    }

    /// Up to the closing brace. A quoted text that stands alone is the metric's name.
    fn labels(&mut self, pairs: &mut Vec<(String, String)>) -> Result<(), String> {
        while !self.eat('}') {
            let (name, is_quoted) = match self.eat('"') {
                true => (self.quoted()?, true),
                false => (self.word().to_owned(), false),
            };
            if self.eat('=') && !name.is_empty() {
                if !self.eat('"') {
                    return Err(format!("expected a value in quotes for label {name:?}"));
                }
                pairs.push((name, self.quoted()?));
            } else if is_quoted {
                pairs.push((METRIC_NAME.to_owned(), name));
            } else {
                return Err(format!("expected a label like name=\"value\" before {:?}", self.0));
            }
            if !self.eat(',') && !self.0.starts_with('}') {
                return Err(format!("expected `,` or `}}` before {:?}", self.0));
            }
        }
        Ok(())
    }

    /// Behind the opening quote.
    fn quoted(&mut self) -> Result<String, String> {
        let (mut text, mut characters) = (String::new(), self.0.chars());
        loop {
            match characters.next().ok_or("expected a closing quote")? {
                '"' => break,
                '\\' => match characters.next() {
                    Some('n') => text.push('\n'),
                    Some(same @ ('\\' | '"')) => text.push(same),
                    _ => return Err("expected an escape: \\\\, \\\" or \\n".to_owned()),
                },
                other => text.push(other),
            }
        }
        self.0 = characters.as_str();
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_clients_write() {
        let text = "# HELP jobs_total Of the\ttests.\n# TYPE jobs_total counter\n\n# a comment\n\
                    jobs_total{host=\"a \\\"b\\\"\\n\", x=\"}\",} 1.5e3\n  up  NaN\n{\"a.b\", c=\"d\"} +Inf";
        let found = parse(text).unwrap();
        let family = &found.families["jobs_total"];
        assert_eq!((family.kind.as_str(), family.help.as_str()), ("counter", "Of the\ttests."));
        let value = |labels: Labels| found.values[&labels];
        assert_eq!(
            value(Labels::from([(METRIC_NAME, "jobs_total"), ("host", "a \"b\"\n"), ("x", "}")])),
            1500.0
        );
        assert!(value(Labels::from([(METRIC_NAME, "up")])).is_nan());
        assert_eq!(value(Labels::from([(METRIC_NAME, "a.b"), ("c", "d")])), f64::INFINITY);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, wanted) in [
            ("up 1\nup 1", "line 2: series {__name__=\"up\"} is there twice"),
            ("up 1 1700000000000", "line 1: pushed samples must not have timestamps"),
            ("up", "expected a value"),
            ("up x", "\"x\" is no number"),
            ("up{a=1} 1", "in quotes for label \"a\""),
            ("up{a} 1", "expected a label"),
            ("up{a=\"1\"b=\"2\"} 1", "expected `,`"),
            ("up{a=\"1\",a=\"2\"} 1", "twice"),
            ("up{a=\"\\q\"} 1", "an escape"),
            ("up{a=\"1", "a closing quote"),
            ("{a=\"1\"} 1", "the name of a metric"),
            ("1up 1", "the name of a metric"),
            ("up{1a=\"1\"} 1", "expected a label"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "[a-z{}=\",\\\\ #\n0-9]{0,40}") {
            let _ = parse(&text);
        }
    }
}
