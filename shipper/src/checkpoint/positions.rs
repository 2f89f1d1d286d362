//! What the checkpoint's file holds.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use crate::{
    Error,
    identity::{FileKey, Fingerprint},
};

const VERSION: u64 = 1;

/// How far a file has been acknowledged, and how to find it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePosition {
    /// Identity of the source.
    pub source: String,
    /// Under which path it was first seen; its `filename` label.
    pub path: PathBuf,
    /// Device and inode.
    pub key: FileKey,
    /// Time of birth, see [`crate::identity::birth`].
    pub birth: u64,
    /// How often the file has started over.
    pub generation: u32,
    /// Of its first bytes.
    pub fingerprint: Fingerprint,
    /// Acknowledged up to this byte.
    pub offset: u64,
    /// When it was last there, seconds since 1970.
    pub seen: i64,
}

/// How far the journal has been acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalPosition {
    /// systemd's cursor; empty at the beginning.
    pub cursor: String,
    /// Entries counted since the beginning.
    pub position: u64,
}

/// How far the disk queue has been acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SpoolPosition {
    /// Number of the segment.
    pub segment: u64,
    /// Byte within it.
    pub offset: u64,
}

/// What is in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions {
    /// Files, by source.
    #[serde(default)]
    pub files: Vec<FilePosition>,
    /// The journal.
    #[serde(default)]
    pub journal: Option<JournalPosition>,
    /// The disk queue.
    #[serde(default)]
    pub spool: Option<SpoolPosition>,
    /// The last positions that were given out to sources that have none of their own.
    #[serde(default)]
    pub counters: BTreeMap<String, u64>,
    /// When files were last looked for before this was written, milliseconds since 1970.
    #[serde(default)]
    pub looked_ms: Option<u64>,
}

impl Positions {
    /// When files were last looked for.
    pub fn looked(&self) -> Option<SystemTime> {
        UNIX_EPOCH.checked_add(Duration::from_millis(self.looked_ms?))
    }

    /// Whether nothing has moved: a look alone is no change.
    pub fn stands_where(&self, other: &Positions) -> bool {
        let Positions { files, journal, spool, counters, looked_ms: _ } = self;
        (files, journal, spool, counters) == (&other.files, &other.journal, &other.spool, &other.counters)
    }

    /// What the file at `path` holds.
    ///
    /// # Errors
    /// When it is damaged or of a later version.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, Error> {
        let damaged = |source| Error::CheckpointDamaged { path: path.to_owned(), source };
        let mut value: serde_json::Value = serde_json::from_slice(text).map_err(damaged)?;
        let version = value.as_object_mut().and_then(|fields| fields.remove("version"));
        match version.and_then(|v| v.as_u64()).unwrap_or_default() {
            VERSION => serde_json::from_value(value).map_err(damaged),
            found => Err(Error::CheckpointVersion { path: path.to_owned(), found, known: VERSION }),
        }
    }

    /// As it is written to the file.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec_pretty(&Saved { version: VERSION, positions: self })
    }
}

#[derive(Serialize)]
struct Saved<'a> {
    version: u64,
    #[serde(flatten)]
    positions: &'a Positions,
}
