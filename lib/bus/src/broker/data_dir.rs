//! The broker's directory: who owns it, and in which format it is written.
//!
//! ```text
//! lock                 held while a broker runs
//! meta.json            format version, cluster id
//! coordinator.log      committed offsets, producer ids, transactions (see `journal`)
//! topics/NAME/topic.json
//! topics/NAME/PARTITION/OFFSET.log        record batches
//! topics/NAME/PARTITION/compaction.json   how far the partition has been compacted
//! topics/NAME/PARTITION/log-start-offset  where records before it were deleted
//! ```

use super::Error;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;

/// The broker's directory, ours alone while this value lives.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Identifies the data to clients; made once.
    pub cluster_id: String,
    _lock: File,
}

#[derive(Serialize, Deserialize)]
struct Meta {
    version: u32,
    #[serde(default)]
    cluster_id: String,
}

impl DataDir {
    /// Takes the directory, creating it when it is not there.
    pub fn open(path: &Path) -> Result<DataDir, Error> {
        std::fs::create_dir_all(path).map_err(Error::io(path))?;
        let lock = lock(path)?;
        let meta = read_or_create_meta(&path.join("meta.json"))?;
        Ok(DataDir { path: path.to_owned(), cluster_id: meta.cluster_id, _lock: lock })
    }

    /// Where topics are.
    pub fn topics(&self) -> PathBuf {
        self.path.join("topics")
    }

    /// Where the coordinator's journal is.
    pub fn coordinator(&self) -> PathBuf {
        self.path.join("coordinator.log")
    }
}

fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("lock");
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = open.map_err(Error::io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::DirectoryLocked(dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(Error::Io { path, source }),
    }
}

fn read_or_create_meta(path: &Path) -> Result<Meta, Error> {
    if !path.exists() {
        let cluster_id = format!("{:016x}", RandomState::new().hash_one(path));
        let meta = Meta { version: VERSION, cluster_id };
        write_json(path, &meta).map_err(Error::io(path))?;
        return Ok(meta);
    }
    let meta: Meta = read_json(path)?;
    check_version(path, meta.version, VERSION)?;
    Ok(meta)
}

/// Refuses what another version of the broker wrote.
pub fn check_version(path: &Path, found: u32, known: u32) -> Result<(), Error> {
    if found == known {
        return Ok(());
    }
    Err(Error::UnknownVersion { path: path.to_owned(), found: found.to_string(), known })
}

/// Reads a small file.
pub fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, Error> {
    let text = std::fs::read(path).map_err(Error::io(path))?;
    let damaged =
        |error: serde_json::Error| Error::Damaged { path: path.to_owned(), reason: error.to_string() };
    serde_json::from_slice(&text).map_err(damaged)
}

/// Replaces a small file in one step, so that it is never seen half written.
pub fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let new = path.with_extension("new");
    let file = File::create(&new)?;
    serde_json::to_writer(&file, value)?;
    file.sync_all()?;
    std::fs::rename(new, path)
}
