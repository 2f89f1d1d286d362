//! Which streams are in which segments, and how far the bus has been read.

use thiserror::Error;

/// The catalog could not be read or written.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// Written by a later release.
    #[error("catalog of version {found}; this release reads up to version {known}: upgrade it")]
    UnknownVersion {
        /// On disk.
        found: u32,
        /// In this code.
        known: u32,
    },
    /// The payload of the last commit is damaged.
    #[error("catalog's commit payload cannot be read: {0}")]
    Payload(#[from] serde_json::Error),
    /// Anything tantivy says.
    #[error("{0}")]
    Tantivy(#[from] tantivy::TantivyError),
}
