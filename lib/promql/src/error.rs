//! What can go wrong, in the words that users of Prometheus know.

use std::fmt;

use thiserror::Error;

/// A place in a query. Both numbers count from one; columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl Position {
    /// The place of the byte at `offset`.
    pub(crate) fn at(query: &str, offset: usize) -> Self {
        let before = query.get(..offset).unwrap_or(query);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        Position { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The query is not PromQL, or its types do not fit. Shown as `1:5: parse error: …`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ParseError {
    /// What is wrong.
    pub message: String,
    /// Where, if that is known.
    pub position: Option<Position>,
}

impl ParseError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        ParseError { message: message.into(), position: None }
    }

    pub(crate) fn at(message: impl Into<String>, query: &str, offset: usize) -> Self {
        ParseError { message: message.into(), position: Some(Position::at(query, offset)) }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "{position}: ")?;
        }
        write!(f, "parse error: {}", self.message)
    }
}

/// Why a [`Storage`](crate::Storage) could not deliver samples.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct StorageError(pub String);

/// Why a query has no answer.
#[derive(Debug, Error)]
pub enum EvalError {
    /// The data does not fit the query, for example many-to-many matching.
    #[error("{0}")]
    Execution(String),
    /// The query or its range cannot be evaluated at all: the caller has to change it.
    #[error("{0}")]
    BadRequest(String),
    /// More than [`Options::max_samples`](crate::Options::max_samples).
    #[error(
        "query processing would load too many samples into memory in query execution: \
         narrow the selectors or the range (limit: {limit} samples){}",
        widest_text(widest)
    )]
    TooManySamples {
        /// The limit.
        limit: usize,
        /// The label that has the most values among the series that were loaded, and how many; if it was then.
        widest: Option<(String, usize)>,
    },
    /// More than [`Options::max_steps`](crate::Options::max_steps).
    #[error(
        "exceeded maximum resolution of {limit} points per timeseries: \
         try decreasing the query resolution (?step=XX)"
    )]
    TooManySteps {
        /// The limit.
        limit: usize,
    },
    /// [`Options::cancelled`](crate::Options::cancelled) said so.
    #[error("query was canceled during evaluation")]
    Cancelled,
    /// The storage failed.
    #[error("storage: {0}")]
    Storage(#[from] StorageError),
}

impl EvalError {
    pub(crate) fn execution(message: impl Into<String>) -> Self {
        EvalError::Execution(message.into())
    }
}

fn widest_text(widest: &Option<(String, usize)>) -> String {
    let text =
        |(label, values): &(String, usize)| format!("; label `{label}` has the most values ({values})");
    widest.as_ref().map_or_else(String::new, text)
}
