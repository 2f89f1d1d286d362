//! `|= "text"`, `!= "text"`, `|~ "regex"`, `!~ "regex"`, `|> "pattern"`, `!> "pattern"`, each with
//! alternatives (`or`), and `|= ip("10.0.0.0/8")`.

use std::fmt;

use memchr::memmem::Finder;
use regex::bytes::Regex;

use super::{ip::IpMatcher, pattern::LinePattern};
use crate::{
    ParseError,
    parse::{Parser, Tok, text::quote},
    regexp,
};

/// How a line filter looks at a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineMatch {
    /// `|=`, `!=`
    Contains,
    /// `|~`, `!~`
    Regex,
    /// `|>`, `!>`
    Pattern,
}

/// One line filter: a line has to match any (if `wanted`) or none of the alternatives.
#[derive(Clone, Debug)]
pub struct LineFilter {
    how: LineMatch,
    wanted: bool,
    alternatives: Vec<Needle>,
}

/// One thing to look for.
#[derive(Clone, Debug)]
enum Needle {
    Text(String, Box<Finder<'static>>),
    /// Also texts of which every match holds one of each list.
    Regex(String, Regex, Vec<Vec<String>>),
    Pattern(LinePattern),
    Ip(IpMatcher),
}

impl LineFilter {
    /// Whether a line passes.
    pub fn matches(&self, line: &[u8]) -> bool {
        self.alternatives.iter().any(|needle| needle.is_in(line)) == self.wanted
    }

    /// Texts of which every line that passes holds at least one of each list, byte for byte. A store may skip blocks
    /// without them.
    pub fn required_texts(&self) -> Vec<Vec<&str>> {
        match self.alternatives.as_slice() {
            _ if !self.wanted => Vec::new(),
            [one] => one.required(),
            many => {
                // The most telling texts of each.
                let any: Option<Vec<_>> =
                    many.iter().map(|needle| needle.required().into_iter().next()).collect();
                any.map(|any| any.concat()).into_iter().collect()
            }
        }
    }

    /// If it looks for texts and nothing else: whether a line has to hold one of them, or none; and the texts.
    pub fn texts(&self) -> Option<(bool, Vec<&str>)> {
        let texts: Option<_> = self.alternatives.iter().map(Needle::text).collect();
        texts.map(|texts| (self.wanted, texts))
    }

    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        let at = parser.at();
        let (how, wanted) = match parser.peek() {
            Tok::Word("|=") => (LineMatch::Contains, true),
            Tok::Word("!=") => (LineMatch::Contains, false),
            Tok::Word("|~") => (LineMatch::Regex, true),
            Tok::Word("!~") => (LineMatch::Regex, false),
            Tok::Word("|>") => (LineMatch::Pattern, true),
            Tok::Word("!>") => (LineMatch::Pattern, false),
            _ => return Err(parser.unexpected(&[])),
        };
        parser.advance();
        let mut alternatives = vec![Needle::parse(parser, how, at)?];
        while parser.accept("or") {
            alternatives.push(Needle::parse(parser, how, at)?);
        }
        Ok(LineFilter { how, wanted, alternatives })
    }
}

impl Needle {
    fn parse(parser: &mut Parser<'_>, how: LineMatch, at: usize) -> Result<Self, ParseError> {
        let made = match parser.peek() {
            Tok::Function("ip") => IpMatcher::parse(parser)?.and_then(|ip| match how {
                LineMatch::Contains => Ok(Needle::Ip(ip)),
                _ => Err("ip: invalid operation".into()),
            }),
            Tok::Text(text) => {
                let text = text.clone();
                parser.advance();
                Needle::new(how, text)
            }
            _ => return Err(parser.unexpected(&["STRING", "ip"])),
        };
        made.map_err(|message| parser.stage_error(at, &message))
    }

    fn new(how: LineMatch, text: String) -> Result<Self, String> {
        Ok(match how {
            LineMatch::Contains => {
                Needle::Text(text.clone(), Box::new(Finder::new(text.as_bytes()).into_owned()))
            }
            LineMatch::Regex => {
                let (regex, required) = (regexp::compile(&text)?, regexp::required(&text));
                Needle::Regex(text, regex, required)
            }
            LineMatch::Pattern => Needle::Pattern(LinePattern::new(&text)?),
        })
    }

    fn is_in(&self, line: &[u8]) -> bool {
        match self {
            Needle::Text(_, finder) => finder.find(line).is_some(),
            Needle::Regex(_, regex, _) => finds(regex, line),
            Needle::Pattern(pattern) => pattern.matches(line),
            Needle::Ip(ip) => ip.finds_in(line),
        }
    }

    /// The longest texts come first.
    fn required(&self) -> Vec<Vec<&str>> {
        match self {
            Needle::Regex(_, _, required) => {
                required.iter().map(|texts| texts.iter().map(String::as_str).collect()).collect()
            }
            _ => self.text().map(|text| vec![text]).into_iter().collect(),
        }
    }

    fn text(&self) -> Option<&str> {
        if let Needle::Text(text, _) = self { Some(text) } else { None }
    }
}

/// In bytes that are not UTF-8 any character class would fail to match; as replaced characters they count.
fn finds(regex: &Regex, line: &[u8]) -> bool {
    regex.is_match(line)
        || std::str::from_utf8(line).is_err() && regex.is_match(String::from_utf8_lossy(line).as_bytes())
}

impl fmt::Display for LineFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.how, self.wanted) {
            (LineMatch::Contains, true) => "|=",
            (LineMatch::Contains, false) => "!=",
            (LineMatch::Regex, true) => "|~",
            (LineMatch::Regex, false) => "!~",
            (LineMatch::Pattern, true) => "|>",
            (LineMatch::Pattern, false) => "!>",
        })?;
        for (i, needle) in self.alternatives.iter().enumerate() {
            write!(f, "{}{needle}", if i == 0 { " " } else { " or " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Needle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Needle::Text(text, _) => f.write_str(&quote(text)),
            Needle::Regex(text, ..) => f.write_str(&quote(text)),
            Needle::Pattern(pattern) => f.write_str(&quote(pattern.as_str())),
            Needle::Ip(ip) => ip.fmt(f),
        }
    }
}
