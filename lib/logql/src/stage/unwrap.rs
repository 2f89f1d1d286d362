//! `| unwrap duration(took)`: the label whose value a range aggregation takes.

use std::fmt;

use super::{label_filter::LabelFilter, row::Row};
use crate::{
    ParseError,
    parse::{Parser, Tok},
    units::{parse_bytes, parse_float, parse_go_duration},
};

const UNWRAP_ERROR: &str = "SampleExtractionErr";

/// How the label's text becomes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// It is one.
    Number,
    /// `5MB` to bytes.
    Bytes,
    /// `5ms` to seconds.
    Duration,
    /// The same under another name.
    DurationSeconds,
}

/// The stage, with the filters behind it.
#[derive(Clone, Debug)]
pub struct Unwrap {
    /// Name of the label; it does not name the series.
    pub label: String,
    conversion: Conversion,
    filters: Vec<LabelFilter>,
}

impl Unwrap {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        parser.expect("|")?;
        parser.expect("unwrap")?;
        let conversion = match parser.peek() {
            Tok::Function("bytes") => Conversion::Bytes,
            Tok::Function("duration") => Conversion::Duration,
            Tok::Function("duration_seconds") => Conversion::DurationSeconds,
            _ => Conversion::Number,
        };
        let label = if conversion == Conversion::Number {
            parser.ident()?
        } else {
            parser.advance();
            parser.expect("(")?;
            let label = parser.ident()?;
            parser.expect(")")?;
            label
        };
        let mut filters = Vec::new();
        while parser.accept("|") {
            filters.push(LabelFilter::parse(parser)?);
        }
        Ok(Unwrap { label, conversion, filters })
    }

    /// Adds the names of the labels that it looks at.
    pub(crate) fn collect_names(&self, names: &mut Vec<String>) {
        names.push(self.label.clone());
        self.filters.iter().for_each(|filter| filter.collect_names(names));
    }

    /// The entry's value, or `None` if it has none or a filter refuses it.
    pub(crate) fn apply(&self, row: &mut Row<'_>) -> Option<f64> {
        let text = row.get(&self.label).filter(|text| !text.is_empty())?;
        let value = self.convert(text).unwrap_or_else(|details| {
            row.fail(UNWRAP_ERROR, details);
            0.0
        });
        self.filters.iter().all(|f| f.apply(row)).then_some(value)
    }

    fn convert(&self, text: &str) -> Result<f64, String> {
        match self.conversion {
            Conversion::Number => parse_float(text),
            Conversion::Bytes => parse_bytes(text).map(|bytes| bytes as f64),
            Conversion::Duration | Conversion::DurationSeconds => {
                parse_go_duration(text).map(|ns| ns as f64 / 1e9)
            }
        }
    }
}

impl fmt::Display for Unwrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = &self.label;
        match self.conversion {
            Conversion::Number => write!(f, "| unwrap {label}")?,
            Conversion::Bytes => write!(f, "| unwrap bytes({label})")?,
            Conversion::Duration => write!(f, "| unwrap duration({label})")?,
            Conversion::DurationSeconds => write!(f, "| unwrap duration_seconds({label})")?,
        }
        self.filters.iter().try_for_each(|filter| write!(f, " | {filter}"))
    }
}
