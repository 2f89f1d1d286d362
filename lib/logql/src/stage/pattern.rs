//! `| pattern "<method> <_> <status>"`: what stands between the literals becomes labels; and the line filters
//! `|> "<_> error <_>"`, where it may be anything.

use std::fmt;

use memchr::memmem;

use super::row::Row;
use crate::{
    ParseError,
    lens::Look,
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
        self.walk(&line, &mut |found| {
            if let Some(name) = found.name {
                row.extract(name, &String::from_utf8_lossy(found.value));
            }
            true
        });
    }

    /// A literal has to be found at the same place in all lines.
    pub(crate) fn look(&self, look: &mut Look<'_>) -> bool {
        let line = look.line;
        self.walk(line, &mut |found| {
            if look.may_hide(found.searched, found.literal) {
                return false;
            }
            if !found.name.is_some_and(|name| look.wants(name)) {
                look.spare(found.value, |_| true);
            }
            // what comes behind the pattern does not matter
            if found.is_last {
                look.spare(&line[look.start(found.searched) + found.searched.len()..], |_| true);
            }
            true
        })
    }

    /// Visits the captures until one answers `false`; answers whether none did.
    fn walk<'a>(&'a self, line: &'a [u8], visit: &mut dyn FnMut(Found<'a>) -> bool) -> bool {
        let (mut rest, mut parts) = (line, self.parts.as_slice());
        // the text in front of the first capture is looked for anywhere
        while let [part, tail @ ..] = parts {
            let (name, literal, tail) = match (part, tail) {
                (Part::Literal(literal), _) => (None, literal.as_bytes(), tail),
                (Part::Capture(name), [Part::Literal(literal), tail @ ..]) => {
                    (name.as_deref(), literal.as_bytes(), tail)
                }
                (Part::Capture(name), _) => (name.as_deref(), &[][..], tail),
            };
            let end = if literal.is_empty() { None } else { memmem::find(rest, literal) };
            let skipped = end.map_or(rest.len(), |end| end + literal.len());
            let (value, searched) = (&rest[..end.unwrap_or(rest.len())], &rest[..skipped]);
            let is_last = end.is_none() || tail.is_empty();
            if !visit(Found { name, value, searched, literal, is_last }) {
                return false;
            }
            if end.is_none() {
                break;
            }
            (rest, parts) = (&rest[skipped..], tail);
        }
        true
    }
}

/// What a capture stands for, or, without a name, what lies before the first of them.
struct Found<'a> {
    name: Option<&'a str>,
    value: &'a [u8],
    /// The value, and the literal behind it.
    searched: &'a [u8],
    /// Empty if nothing comes behind the capture.
    literal: &'a [u8],
    is_last: bool,
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
