//! The words of a query, each with its place, and what error messages call them.

use super::text::quote;

/// A word and the byte at which it begins.
#[derive(Clone, Copy, Debug)]
pub struct Token<'q> {
    pub at: usize,
    pub kind: Kind,
    /// As written, strings with their quotes; of an error the message.
    pub text: &'q str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name that may be one of a label.
    Identifier,
    /// A name with colons.
    MetricIdentifier,
    Number,
    Duration,
    Text,
    /// Punctuation and operators.
    Symbol(&'static str),
    /// In lower case.
    Keyword(&'static str),
    End,
}

/// Longest first.
#[rustfmt::skip] // a table reads better in columns
pub const SYMBOLS: [&str; 21] = [
    "==", "!=", "<=", "</", ">=", ">/", "(", ")", "{", "[", "]", ",", "=", "+", "-", "*", "/", "%", "^", "<", ">",
];

pub const AGGREGATORS: [&str; 14] = [
    "avg",
    "bottomk",
    "count",
    "count_values",
    "group",
    "limit_ratio",
    "limitk",
    "max",
    "min",
    "quantile",
    "stddev",
    "stdvar",
    "sum",
    "topk",
];

const WORD_OPERATORS: [&str; 4] = ["and", "atan2", "or", "unless"];

#[rustfmt::skip] // a table reads better in columns
const MODIFIERS: [&str; 13] = [
    "anchored", "bool", "by", "fill", "fill_left", "fill_right", "group_left", "group_right", "ignoring", "offset",
    "on", "smoothed", "without",
];

/// Also names of functions.
pub const PREPROCESSORS: [&str; 6] = ["end", "max_of", "min_of", "range", "start", "step"];

/// Keywords that cannot be the name of a metric.
const RESERVED: [&str; 6] = ["atan2", "bool", "group_left", "group_right", "ignoring", "on"];

/// The keyword that `word` is, however it is capitalised.
pub fn keyword(word: &str) -> Option<&'static str> {
    let all = AGGREGATORS.iter().chain(&WORD_OPERATORS).chain(&MODIFIERS).chain(&PREPROCESSORS);
    all.copied().find(|keyword| word.eq_ignore_ascii_case(keyword))
}

impl Token<'_> {
    /// Whether this is the symbol or keyword.
    pub fn is(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Symbol(found) | Kind::Keyword(found) if found == word)
    }

    pub fn is_aggregator(&self) -> bool {
        matches!(self.kind, Kind::Keyword(word) if AGGREGATORS.contains(&word))
    }

    /// Whether the word can be the name of a function if a parenthesis follows.
    pub fn names_function(&self) -> bool {
        match self.kind {
            Kind::Identifier => true,
            Kind::Keyword(word) => PREPROCESSORS.contains(&word),
            _ => false,
        }
    }

    /// Whether the word can be the name of a metric.
    pub fn names_metric(&self) -> bool {
        match self.kind {
            Kind::Identifier | Kind::MetricIdentifier => true,
            Kind::Keyword(word) => !RESERVED.contains(&word),
            _ => false,
        }
    }

    /// Whether the word can be the name of a label in a list of labels.
    pub fn names_label(&self) -> bool {
        matches!(self.kind, Kind::Identifier | Kind::MetricIdentifier | Kind::Keyword(_))
    }

    /// As error messages call it.
    pub fn describe(&self) -> String {
        let text = self.text;
        match self.kind {
            Kind::End => "end of input".into(),
            Kind::Identifier => format!("identifier {}", quote(text)),
            Kind::MetricIdentifier => format!("metric identifier {}", quote(text)),
            Kind::Number => format!("number {}", shortened(text)),
            Kind::Duration => format!("duration {}", shortened(text)),
            Kind::Text => format!("string {}", shortened(text)),
            Kind::Symbol("(" | ")" | "{" | "}" | "[" | "]" | "," | "=" | ":") => quote(text),
            Kind::Symbol(_) => format!("<op:{text}>"),
            Kind::Keyword(word) if WORD_OPERATORS.contains(&word) => format!("<op:{text}>"),
            Kind::Keyword(word) if MODIFIERS.contains(&word) => format!("<{text}>"),
            Kind::Keyword(word) if AGGREGATORS.contains(&word) => format!("<aggr:{text}>"),
            Kind::Keyword(_) => shortened(text),
        }
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= 10 {
        return quote(text);
    }
    let start: String = text.chars().take(10).collect();
    format!("{}...", quote(&start))
}
