//! Where segments lie: immutable objects under names. A directory today; an object store has the same verbs.

use thiserror::Error;

/// An object could not be written, read or removed.
#[derive(Debug, Error)]
#[error("{verb} {name}: {source}")]
pub struct StorageError {
    /// What was tried.
    pub verb: &'static str,
    /// The object.
    pub name: String,
    /// What the system says.
    pub source: std::io::Error,
}
