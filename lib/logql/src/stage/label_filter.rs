//! `| level="error"`, `| status >= 500 and duration > 1s or size > 10KB`, `| addr = ip("10.0.0.0/8")`.

use std::fmt;

use event::Matcher;

use super::{ip::IpMatcher, row::Row};
use crate::{
    ParseError,
    ast::matcher_text,
    parse::{Parser, Tok},
    units::{format_duration, format_float, parse_bytes, parse_float, parse_go_duration},
};

const FILTER_ERROR: &str = "LabelFilterErr";

/// A condition on the labels of an entry.
#[derive(Clone, Debug)]
pub enum LabelFilter {
    /// All of them hold.
    All(Vec<LabelFilter>),
    /// One of them holds.
    Any(Vec<LabelFilter>),
    /// The label as text.
    Text(Matcher),
    /// The label as a number.
    Number(Comparison<f64>),
    /// The label as a duration in nanoseconds.
    Duration(Comparison<i64>),
    /// The label as an amount of bytes; the query's text beside it.
    Bytes(Comparison<u64>, String),
    /// An address in the label.
    Ip {
        /// Name of the label.
        name: String,
        /// `=` rather than `!=`.
        wanted: bool,
        /// The addresses.
        ip: IpMatcher,
    },
}

/// `name op value`
#[derive(Clone, Debug)]
pub struct Comparison<T> {
    name: String,
    op: Compare,
    value: T,
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// `==`, `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

impl Compare {
    /// Whether `left op right` holds.
    pub fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Compare::Equal => left == right,
            Compare::NotEqual => left != right,
            Compare::Greater => left > right,
            Compare::GreaterOrEqual => left >= right,
            Compare::Less => left < right,
            Compare::LessOrEqual => left <= right,
        }
    }

    /// As a query writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Compare::Equal => "==",
            Compare::NotEqual => "!=",
            Compare::Greater => ">",
            Compare::GreaterOrEqual => ">=",
            Compare::Less => "<",
            Compare::LessOrEqual => "<=",
        }
    }

    fn from_token(tok: &Tok) -> Option<Self> {
        Some(match tok {
            Tok::Word("=" | "==") => Compare::Equal,
            Tok::Word("!=") => Compare::NotEqual,
            Tok::Word(">") => Compare::Greater,
            Tok::Word(">=") => Compare::GreaterOrEqual,
            Tok::Word("<") => Compare::Less,
            Tok::Word("<=") => Compare::LessOrEqual,
            _ => return None,
        })
    }
}

impl LabelFilter {
    /// `and` binds stronger than `or`; a comma, or nothing at all, means `and` too and takes everything behind
    /// it as its right side.
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        let mut any = vec![Self::parse_all(parser)?];
        while parser.accept("or") {
            any.push(Self::parse_all(parser)?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { LabelFilter::Any(any) })
    }

    fn parse_all(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        let mut all = vec![Self::parse_one(parser)?];
        while parser.accept("and") {
            all.push(Self::parse_one(parser)?);
        }
        if parser.accept(",") || matches!(parser.peek(), Tok::Ident(_) | Tok::Word("(")) {
            match parser.deeper(Self::parse)? {
                LabelFilter::All(more) => all.extend(more),
                one => all.push(one),
            }
        }
        Ok(if all.len() == 1 { all.remove(0) } else { LabelFilter::All(all) })
    }

    fn parse_one(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        if parser.accept("(") {
            let inner = parser.deeper(Self::parse)?;
            parser.expect(")")?;
            return Ok(inner);
        }
        if matches!(parser.peek_second(), Tok::Word("=~" | "!~")) || parser.text_comes_third() {
            return parser.matcher().map(LabelFilter::Text);
        }
        Self::parse_comparison(parser)
    }

    fn parse_comparison(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        let at = parser.at();
        let name = parser.ident()?;
        let equality = matches!(parser.peek(), Tok::Word("=" | "!="));
        let op = Compare::from_token(parser.peek()).ok_or_else(|| parser.unexpected(&[]))?;
        parser.advance();
        if equality && *parser.peek() == Tok::Function("ip") {
            let ip = IpMatcher::parse(parser)?.map_err(|why| parser.stage_error(at, &why))?;
            return Ok(LabelFilter::Ip { name, wanted: op == Compare::Equal, ip });
        }
        let filter = match parser.peek().clone() {
            Tok::Duration(value) => LabelFilter::Duration(Comparison { name, op, value }),
            Tok::Bytes(value, text) => LabelFilter::Bytes(Comparison { name, op, value }, text),
            _ => return Ok(LabelFilter::Number(Comparison { name, op, value: parser.signed_number()? })),
        };
        parser.advance();
        Ok(filter)
    }

    /// Adds the names of the labels that it looks at.
    pub(crate) fn collect_names(&self, names: &mut Vec<String>) {
        match self {
            LabelFilter::All(filters) | LabelFilter::Any(filters) => {
                filters.iter().for_each(|filter| filter.collect_names(names));
            }
            LabelFilter::Text(matcher) => names.push(matcher.name.clone()),
            LabelFilter::Number(c) => names.push(c.name.clone()),
            LabelFilter::Duration(c) => names.push(c.name.clone()),
            LabelFilter::Bytes(c, _) => names.push(c.name.clone()),
            LabelFilter::Ip { name, .. } => names.push(name.clone()),
        }
    }

    /// `false` refuses the entry. A label that cannot be converted marks the entry as failed and keeps it.
    pub(crate) fn apply(&self, row: &mut Row<'_>) -> bool {
        match self {
            LabelFilter::All(all) => all.iter().all(|f| f.apply(row)),
            LabelFilter::Any(any) => any.iter().any(|f| f.apply(row)),
            LabelFilter::Text(matcher) => matcher.matches(row.get(&matcher.name).unwrap_or("")),
            LabelFilter::Number(c) => c.apply(row, parse_float),
            LabelFilter::Duration(c) => c.apply(row, parse_go_duration),
            LabelFilter::Bytes(c, _) => c.apply(row, parse_bytes),
            LabelFilter::Ip { name, wanted, ip } => {
                row.error.is_some() || row.get(name).is_some_and(|v| ip.finds_in(v.as_bytes()) == *wanted)
            }
        }
    }
}

impl<T: PartialOrd + Copy> Comparison<T> {
    fn apply(&self, row: &mut Row<'_>, convert: impl Fn(&str) -> Result<T, String>) -> bool {
        let Some(text) = row.get(&self.name) else { return false };
        match convert(text) {
            Ok(value) => self.op.holds(value, self.value),
            Err(details) => {
                row.fail(FILTER_ERROR, details);
                true
            }
        }
    }
}

impl fmt::Display for LabelFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, filters: &[LabelFilter], word: &str| {
            f.write_str("( ")?;
            for (i, filter) in filters.iter().enumerate() {
                write!(f, "{}{filter}", if i == 0 { "" } else { word })?;
            }
            f.write_str(" )")
        };
        match self {
            LabelFilter::All(all) => joined(f, all, " , "),
            LabelFilter::Any(any) => joined(f, any, " or "),
            LabelFilter::Text(matcher) => f.write_str(&matcher_text(matcher)),
            LabelFilter::Number(c) => write!(f, "{}{}{}", c.name, c.op.as_str(), format_float(c.value)),
            LabelFilter::Duration(c) => write!(f, "{}{}{}", c.name, c.op.as_str(), format_duration(c.value)),
            LabelFilter::Bytes(c, text) => write!(f, "{}{}{text}", c.name, c.op.as_str()),
            LabelFilter::Ip { name, wanted, ip } => {
                write!(f, "{name}{}{ip}", if *wanted { "=" } else { "!=" })
            }
        }
    }
}
