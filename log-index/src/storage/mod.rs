//! Where segments lie: immutable objects under names.

mod bucket;
mod cache;
mod directory;
mod upload;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use thiserror::Error;

pub use bucket::Bucket;
pub use directory::{Directory, UNFINISHED};

use crate::{Config, OpenError};

/// An object could not be written, read or removed.
#[derive(Debug, Error)]
#[error("{verb} {name}: {source}")]
pub struct StorageError {
    /// What was tried.
    pub verb: &'static str,
    /// The object.
    pub name: String,
    /// What the system says.
    pub source: io::Error,
}

/// A place for immutable objects. All calls block.
pub trait Storage: Send + Sync {
    /// Begins an object. It is not there before [`ObjectWriter::finish`]; dropped without it, it never is.
    ///
    /// # Errors
    /// When there is no room, or the device fails.
    fn create(&self, name: &str) -> Result<Box<dyn ObjectWriter>, StorageError>;

    /// `length` bytes from `offset` on.
    ///
    /// # Errors
    /// When the object is not there, or shorter.
    fn read(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, StorageError>;

    /// The names and sizes of all objects.
    ///
    /// # Errors
    /// When the place cannot be listed.
    fn list(&self) -> Result<Vec<(String, u64)>, StorageError>;

    /// How much room there is; `None` where that is not known.
    fn room(&self) -> Option<Room>;

    /// Removes an object; one that is not there is no error.
    ///
    /// # Errors
    /// When it stays.
    fn delete(&self, name: &str) -> Result<(), StorageError>;
}

/// The storage of the index whose folder is `path`.
///
/// # Errors
/// When a folder cannot be made, or the settings of a bucket make no sense.
pub fn open(path: &Path, config: &Config) -> Result<Arc<dyn Storage>, OpenError> {
    let url = match &config.storage {
        None => return directory(path.join("segments")),
        Some(folder) if folder.starts_with('/') => return directory(folder.into()),
        Some(url) => url,
    };
    let bucket = Bucket::open(url, &config.s3, &path.join("cache"), config.cache_bytes.0);
    let bucket = bucket.map_err(|source| OpenError::Bucket { url: url.clone(), source })?;
    Ok(Arc::new(bucket))
}

fn directory(path: PathBuf) -> Result<Arc<dyn Storage>, OpenError> {
    let directory = Directory::open(path.clone()).map_err(OpenError::folder(&path))?;
    Ok(Arc::new(directory))
}

/// Writes a whole object.
///
/// # Errors
/// As [`Storage::create`] and [`ObjectWriter::finish`].
pub fn put(storage: &dyn Storage, name: &str, content: &[u8]) -> Result<(), StorageError> {
    let mut writer = storage.create(name)?;
    writer.write_all(content).map_err(failed("write", name))?;
    writer.finish()
}

/// Bytes of a disk.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// In all.
    pub total: u64,
    /// Free for this process.
    pub available: u64,
}

/// An object under way.
pub trait ObjectWriter: Write {
    /// Returns when the object is there, whole and for good.
    ///
    /// # Errors
    /// When there is no room, or the device fails; nothing is left behind then.
    fn finish(self: Box<Self>) -> Result<(), StorageError>;
}

pub(crate) fn failed(verb: &'static str, name: &str) -> impl FnOnce(io::Error) -> StorageError {
    move |source| StorageError { verb, name: name.to_owned(), source }
}
