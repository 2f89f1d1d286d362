//! `{job="syslog", host=~"web.*"}`

use event::{MatchOp, Matcher};

use super::{Parser, Tok};
use crate::ParseError;

const NO_ANCHOR: &str = "queries require at least one regexp or equality matcher that does not have an \
    empty-compatible value. For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will";

impl Parser<'_> {
    /// The selector of a query: one of its matchers must demand a label.
    pub(super) fn selector(&mut self) -> Result<Vec<Matcher>, ParseError> {
        let at = self.at();
        let matchers = self.matchers()?;
        if matchers.iter().all(Matcher::matches_empty) {
            return Err(self.error(at, NO_ANCHOR));
        }
        Ok(matchers)
    }

    /// Any matchers in braces.
    pub(super) fn matchers(&mut self) -> Result<Vec<Matcher>, ParseError> {
        self.expect("{")?;
        let mut matchers = Vec::new();
        if self.accept("}") {
            return Ok(matchers);
        }
        loop {
            if !matches!(self.peek(), Tok::Ident(_)) {
                return Err(self.unexpected(&["IDENTIFIER", "}"]));
            }
            matchers.push(self.matcher()?);
            if self.accept("}") {
                return Ok(matchers);
            }
            if !self.accept(",") {
                return Err(self.unexpected(&["}", ","]));
            }
            if self.accept("}") {
                return Ok(matchers);
            }
        }
    }

    /// `name="text"` and its three relatives.
    pub(crate) fn matcher(&mut self) -> Result<Matcher, ParseError> {
        let name = self.ident()?;
        let op = match self.peek() {
            Tok::Word("=") => MatchOp::Equal,
            Tok::Word("!=") => MatchOp::NotEqual,
            Tok::Word("=~") => MatchOp::Regex,
            Tok::Word("!~") => MatchOp::NotRegex,
            _ => return Err(self.unexpected(&["=", "=~", "!~", "!="])),
        };
        self.advance();
        let at = self.at();
        let value = self.text()?;
        let failed = |e: regex::Error| self.error(at, format!("error parsing regexp: {}", reason(&e)));
        Matcher::new(&name, op, &value).map_err(failed)
    }
}

/// The last line of the message: the regex crate draws a picture before it.
pub fn reason(error: &regex::Error) -> String {
    error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
