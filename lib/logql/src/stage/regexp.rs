//! `| regexp "(?P<method>\\w+) (?P<path>.*)"`: named groups become labels.

use std::fmt;

use regex::bytes::Regex;

use super::row::Row;
use crate::{
    ParseError,
    parse::{Parser, text::quote},
    regexp,
};

/// The stage.
#[derive(Clone, Debug)]
pub struct Regexp {
    source: String,
    regex: Regex,
}

impl Regexp {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        let at = parser.at();
        parser.expect("regexp")?;
        let source = parser.text()?;
        let regex = regexp::compile(&source).map_err(|why| parser.stage_error(at, &why))?;
        if regex.capture_names().flatten().next().is_none() {
            return Err(parser.stage_error(at, "at least one named capture must be supplied"));
        }
        Ok(Regexp { source, regex })
    }

    pub(crate) fn apply(&self, row: &mut Row<'_>) {
        let line = row.line.clone();
        let Some(groups) = self.regex.captures(&line) else { return };
        for name in self.regex.capture_names().flatten() {
            let value = groups.name(name).map(|m| m.as_bytes()).unwrap_or_default();
            row.extract(name, &String::from_utf8_lossy(value));
        }
    }
}

impl fmt::Display for Regexp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "regexp {}", quote(&self.source))
    }
}
