//! Why a query is refused or fails.

use std::fmt;

use thiserror::Error;

use crate::ScanError;

/// A query that cannot be understood. Its text is what Loki's API prints.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ParseError {
    /// What is wrong, in Loki's words where it has them.
    pub message: String,
    /// From 1; 0 when the error has no single place.
    pub line: usize,
    /// In characters, from 1; 0 when the error has no single place.
    pub column: usize,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return write!(f, "parse error : {}", self.message);
        }
        write!(f, "parse error at line {}, col {}: {}", self.line, self.column, self.message)
    }
}

/// A query that was understood and has no answer.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum EvalError {
    /// What the query asks cannot be answered in this way.
    #[error("{0}")]
    Invalid(String),
    /// An entry could not be processed and the query does not say what to do with such entries.
    #[error(
        "pipeline error: '{kind}' for series: '{series}'.\nUse a label filter to intentionally skip this \
         error. (e.g | __error__!=\"{kind}\").\nTo skip all potential errors you can match empty errors.(e.g \
         __error__=\"\")\nThe label filter can also be specified after unwrap. (e.g | unwrap latency | \
         __error__=\"\" )\n"
    )]
    Pipeline {
        /// For example `JSONParserErr`.
        kind: String,
        /// The labels that the entry had.
        series: String,
    },
    /// A limit was reached.
    #[error("{0}")]
    Limit(String),
    /// More than [`crate::Options::max_bytes`].
    #[error(
        "the query takes more than {limit} bytes of memory: ask for fewer lines or series, a shorter time range or \
         larger steps"
    )]
    TooManyBytes {
        /// The limit.
        limit: usize,
    },
    /// [`crate::Options::cancelled`] said so.
    #[error("query was cancelled")]
    Cancelled,
    /// The store could not be read.
    #[error("{0}")]
    Scan(#[from] ScanError),
}
