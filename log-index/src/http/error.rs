//! Why a request has no answer. Each API prints it in its own form.

use std::time::Duration;

use thiserror::Error;

use super::limits::{MOST_SAMPLES, QUERY_MEMORY};
use crate::QueryError;

/// The kinds that clients tell apart, with what they show to people.
#[derive(Clone, Debug, Error, PartialEq)]
pub(super) enum Failure {
    /// A parameter or the query is wrong, or asks for more than a limit allows.
    #[error("{0}")]
    BadData(String),
    /// The query is right, and the data does not fit it.
    #[error("{0}")]
    Execution(String),
    /// The evaluation took too long.
    #[error("the query took longer than {0:?}: narrow its selector or its time range")]
    TimedOut(Duration),
    /// All places were taken for too long.
    #[error("{0}")]
    Busy(String),
    /// The client went away, or the service stops.
    #[error("the query was cancelled")]
    Cancelled,
    /// What is named is not there.
    #[error("{0}")]
    NotFound(String),
    /// The store, or the service itself.
    #[error("{0}")]
    Internal(String),
}

impl From<logql::ParseError> for Failure {
    fn from(error: logql::ParseError) -> Self {
        Failure::BadData(error.to_string())
    }
}

impl From<logql::EvalError> for Failure {
    fn from(error: logql::EvalError) -> Self {
        use logql::EvalError::{Cancelled, Invalid, Limit, Pipeline, Scan, TooManyBytes};
        match error {
            TooManyBytes { .. } => Failure::BadData(format!("{error} (limit: {QUERY_MEMORY})")),
            Invalid(_) | Pipeline { .. } | Limit(_) => Failure::BadData(error.to_string()),
            Cancelled => Failure::Cancelled,
            Scan(_) => Failure::Internal(error.to_string()),
        }
    }
}

impl From<promql::EvalError> for Failure {
    fn from(error: promql::EvalError) -> Self {
        use promql::EvalError::{BadRequest, Cancelled, Execution, Storage, TooManySamples, TooManySteps};
        match error {
            // Then it is memory that bounds them.
            TooManySamples { limit, .. } if limit < MOST_SAMPLES => {
                Failure::Execution(format!("{error} (limit: {QUERY_MEMORY})"))
            }
            Execution(_) | TooManySamples { .. } => Failure::Execution(error.to_string()),
            BadRequest(_) | TooManySteps { .. } => Failure::BadData(error.to_string()),
            Cancelled => Failure::Cancelled,
            Storage(_) => Failure::Internal(error.to_string()),
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Failure::Internal(error.to_string())
    }
}
