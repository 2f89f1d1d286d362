//! `| pattern "<method> <_> <status>"`: what stands between the literals becomes labels; and the line filters
//! `|> "<_> error <_>"`, where it may be anything.

use std::fmt;

use memchr::memmem;

use super::row::Row;
use crate::{
    ParseError,
    parse::{Parser, text::quote},
};

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// `None`: `<_>`.
    Capture(Option<String>),
}

/// Names of captures: as labels'. Everything else in angle brackets is literal.
fn split(pattern: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find('<') {
        literal += &rest[..at];
        rest = &rest[at..];
        match capture(rest) {
            Some(name) => {
                rest = &rest[name.len() + 2..];
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Capture((name != "_").then(|| name.to_owned())));
            }
            None => {
                literal.push('<');
                rest = &rest[1..];
            }
        }
    }
    literal += rest;
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    parts
}

fn capture(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('<')?.split_once('>')?;
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (starts && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')).then_some(name)
}

fn has_neighbours(parts: &[Part]) -> bool {
    parts.windows(2).any(|pair| matches!(pair, [Part::Capture(_), Part::Capture(_)]))
}

/// The parser stage.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    parts: Vec<Part>,
}

impl Pattern {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        let at = parser.at();
        parser.expect("pattern")?;
        let source = parser.text()?;
        let parts = split(&source);
        let names: Vec<&String> = parts.iter().filter_map(named).collect();
        let twice = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name));
        let fault = match twice {
            Some((_, name)) => Some(format!("duplicate capture name ({name})")),
            None if names.is_empty() => Some("at least one capture is required".into()),
            None if has_neighbours(&parts) => Some("found consecutive capture".into()),
            None => None,
        };
        match fault {
            Some(why) => Err(parser.stage_error(at, &format!("{why}: invalid expression"))),
            None => Ok(Pattern { source, parts }),
        }
    }

    /// A line that ends early fills the captures that it reaches.
    pub(crate) fn apply(&self, row: &mut Row<'_>) {
        let line = row.line.clone();
        let mut rest: &[u8] = &line;
        let mut parts = self.parts.as_slice();
        if let [Part::Literal(literal), tail @ ..] = parts {
            let Some(at) = memmem::find(rest, literal.as_bytes()) else { return };
            rest = &rest[at + literal.len()..];
            parts = tail;
        }
        while let [Part::Capture(name), tail @ ..] = parts {
            let next = match tail {
                [Part::Literal(literal), ..] => {
                    memmem::find(rest, literal.as_bytes()).map(|at| (at, literal.len()))
                }
                _ => None,
            };
            let (end, skipped) = next.unwrap_or((rest.len(), 0));
            if let Some(name) = name {
                row.extract(name, &String::from_utf8_lossy(&rest[..end]));
            }
            if next.is_none() {
                return;
            }
            rest = &rest[end + skipped..];
            parts = &tail[1..];
        }
    }
}

fn named(part: &Part) -> Option<&String> {
    if let Part::Capture(Some(name)) = part { Some(name) } else { None }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pattern {}", quote(&self.source))
    }
}

/// The pattern of a line filter: it reaches to the end of the line.
#[derive(Clone, Debug)]
pub struct LinePattern {
    source: String,
    parts: Vec<Part>,
}

impl LinePattern {
    /// # Errors
    /// When the pattern has a named capture, or two captures without a text between them.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let parts = split(pattern);
        if parts.iter().any(|p| named(p).is_some()) {
            return Err("named captures are not allowed in a line filter: invalid expression".into());
        }
        if has_neighbours(&parts) {
            return Err("found consecutive capture: invalid expression".into());
        }
        Ok(LinePattern { source: pattern.into(), parts })
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether the line has the literals one after the other, each at the first place where it is found, with
    /// something between them where a capture stands, and nothing behind a literal that ends the pattern.
    pub fn matches(&self, line: &[u8]) -> bool {
        let Some(last) = self.parts.last() else { return line.is_empty() };
        let mut rest = line;
        for (i, part) in self.parts.iter().enumerate() {
            let Part::Literal(literal) = part else { continue };
            let found = memmem::find(rest, literal.as_bytes());
            let Some(at) = found.filter(|at| i == 0 || *at > 0) else { return false };
            rest = &rest[at + literal.len()..];
        }
        rest.is_empty() == matches!(last, Part::Literal(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_pattern_ends_where_the_line_ends() {
        let matches = |pattern: &str, line: &str| LinePattern::new(pattern).unwrap().matches(line.as_bytes());
        assert!(matches("foo <_> baz", "foo bar baz"));
        assert!(!matches("foo <_> baz", "foo bar baz "));
        assert!(matches("<_>foo<_>", "a foo b"));
        assert!(!matches("foo", "a foo b") && matches("foo", "a foo"));
        assert!(matches("<_>", "x"));
        assert!(matches("", "") && !matches("", "x"));
        assert!(LinePattern::new("<a>").is_err() && LinePattern::new("<_><_>").is_err());
    }

    #[test]
    fn angle_brackets_around_no_name_are_literal() {
        assert_eq!(
            split("<html> <1> <"),
            [Part::Capture(Some("html".into())), Part::Literal(" <1> <".into())]
        );
    }
}
