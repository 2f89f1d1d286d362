//! `| drop a, b="c"` and `| keep a, b="c"`: which labels leave, which stay.

use std::fmt;

use event::Matcher;

use super::row::{ERROR, ERROR_DETAILS, Row};
use crate::{
    ParseError,
    parse::{Parser, Tok},
};

/// A label by name, or by name and value.
#[derive(Clone, Debug)]
enum Choice {
    Name(String),
    Value(Matcher),
}

impl Choice {
    fn parse(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        match parser.peek_second() {
            Tok::Word("=" | "!=" | "=~" | "!~") => parser.matcher().map(Choice::Value),
            _ => parser.ident().map(Choice::Name),
        }
    }

    fn name(&self) -> &str {
        match self {
            Choice::Name(name) => name,
            Choice::Value(matcher) => &matcher.name,
        }
    }

    fn fits(&self, value: &str) -> bool {
        match self {
            Choice::Name(_) => true,
            Choice::Value(matcher) => matcher.matches(value),
        }
    }
}

/// `| drop`
#[derive(Clone, Debug)]
pub struct Drop(Vec<Choice>);

impl Drop {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        parser.expect("drop")?;
        parser.list(Choice::parse).map(Drop)
    }

    pub(crate) fn apply(&self, row: &mut Row<'_>) {
        for choice in &self.0 {
            if !row.get(choice.name()).is_some_and(|value| choice.fits(value)) {
                continue;
            }
            match choice.name() {
                ERROR => row.error = None,
                ERROR_DETAILS => row.error.iter_mut().for_each(|e| e.details.clear()),
                name => row.delete(name),
            }
        }
    }
}

/// `| keep`
#[derive(Clone, Debug)]
pub struct Keep(Vec<Choice>);

impl Keep {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        parser.expect("keep")?;
        parser.list(Choice::parse).map(Keep)
    }

    pub(crate) fn apply(&self, row: &mut Row<'_>) {
        let stays = |name: &str, value: &str| self.0.iter().any(|c| c.name() == name && c.fits(value));
        let gone: Vec<String> =
            row.labels().filter(|(_, n, v)| !stays(n, v)).map(|(_, n, _)| n.to_owned()).collect();
        gone.iter().for_each(|name| row.delete(name));
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, choices: &[Choice]) -> fmt::Result {
    for (i, choice) in choices.iter().enumerate() {
        f.write_str(if i == 0 { "" } else { ", " })?;
        match choice {
            Choice::Name(name) => f.write_str(name)?,
            Choice::Value(matcher) => f.write_str(&crate::ast::matcher_text(matcher))?,
        }
    }
    Ok(())
}

impl fmt::Display for Drop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("drop ")?;
        write_list(f, &self.0)
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keep ")?;
        write_list(f, &self.0)
    }
}
