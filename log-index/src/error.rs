//! What can go wrong with the store. Each message says where, why, and what to do.

use std::path::PathBuf;

use thiserror::Error;

use crate::{catalog::CatalogError, storage::StorageError};

/// The index cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("index {0} is in use by another process; stop that one, or use another `--data-dir`")]
    Locked(PathBuf),
    /// The folder cannot be made or read.
    #[error("index {path}: {source}; is the folder writable?")]
    Folder {
        /// The index's folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A folder that is to be looked at cannot be.
    #[error("{path}: {source}; name a data directory, or what `index.storage` is set to")]
    Unreadable {
        /// As it was named.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A folder that is to be looked at has none.
    #[error("no segments in {0}: name a data directory, or what `index.storage` is set to")]
    NoSegments(PathBuf),
    /// The bucket's settings.
    #[error("index.storage {url}: {source}")]
    Bucket {
        /// As it is set.
        url: String,
        /// What is wrong.
        source: std::io::Error,
    },
    /// A group without a storage that all can reach.
    #[error(
        "index.group is set and index.storage is not: the instances of a group need a storage that all of them see; \
         set index.storage to s3://bucket/prefix, or to the absolute path of a folder that all of them mount"
    )]
    NotShared,
    /// The group.
    #[error("index.group: {0}")]
    Group(#[from] bus::Error),
    /// Segments without a manifest.
    #[error(
        "index {0} has segments, but no manifest that can be read, neither beside them nor in `catalog/`; put one \
         of them back, or move `segments/` away to begin anew"
    )]
    CatalogMissing(PathBuf),
    /// The catalog cannot be read, or is of a later release.
    #[error("index {path}: {source}")]
    Catalog {
        /// The index's folder.
        path: PathBuf,
        /// Why.
        source: CatalogError,
    },
    /// The segments cannot be listed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl OpenError {
    pub(crate) fn folder(path: &std::path::Path) -> impl Fn(std::io::Error) -> OpenError + use<> {
        let path = path.to_owned();
        move |source| OpenError::Folder { path: path.clone(), source }
    }
}

/// A record was not taken in. The index's offsets stay before it.
#[derive(Debug, Error)]
pub enum AppendError {
    /// Nobody can read it: put it into the dead-letter topic, then call [`crate::Index::skip`].
    #[error("{0}")]
    Undecodable(#[from] event::DecodeError),
    /// A label set that is too large: as with `Undecodable`.
    #[error("{0}")]
    LabelsTooLong(#[from] event::LabelsTooLong),
    /// The disk is full or broken, and memory is too. Try the same record again later.
    #[error("index is read-only: {0}")]
    ReadOnly(String),
}

impl AppendError {
    /// Whether the record itself is at fault and can never be taken in.
    pub fn is_fault_of_record(&self) -> bool {
        !matches!(self, AppendError::ReadOnly(_))
    }
}

/// What is in memory could not be written to a segment. It stays in memory and is tried again.
#[derive(Debug, Error)]
pub enum SealError {
    /// The segment file.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The catalog.
    #[error("catalog: {0}")]
    Catalog(#[from] CatalogError),
    /// The group has not done it yet.
    #[error("{0}")]
    Group(String),
}

/// A query could not be answered. Damage to a segment is no such error: it becomes a notice.
#[derive(Debug, Error)]
pub enum QueryError {
    /// The catalog could not be read.
    #[error("catalog: {0}")]
    Catalog(#[from] CatalogError),
}
