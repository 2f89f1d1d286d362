//! The index: takes records in, seals them into segments, hands out snapshots.

use std::{path::Path, sync::Arc, time::Duration};

use serde::Serialize;

use crate::{AppendError, Config, OpenError, SealError, Snapshot};

/// One store of logs and samples, everything under one folder. Cheap to clone: all clones are the same index.
#[derive(Clone)]
pub struct Index {
    _inner: Arc<()>,
}

/// What `/api/status` shows of the index.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Status {
    /// Log streams, those in memory and those in segments.
    pub streams: u64,
    /// Series of samples, likewise.
    pub series: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes of the segments on disk.
    pub bytes: u64,
    /// Bytes in memory that are not yet in a segment.
    pub head_bytes: u64,
    /// Log entries.
    pub entries: u64,
    /// Samples.
    pub samples: u64,
    /// The oldest timestamp, milliseconds since 1970; `null` while the index is empty.
    pub oldest_ms: Option<i64>,
    /// Why nothing can be written at the moment, for example a full disk; `null` if all is well.
    pub read_only: Option<String>,
}

impl Index {
    /// Opens the index in `<dir>/index`, making it if it is not there; removes files that no commit knows.
    ///
    /// # Errors
    /// When another process has it open, the folder is not usable, or a later release has written it.
    pub fn open(_dir: &Path, _config: &Config) -> Result<Index, OpenError> {
        Ok(Index { _inner: Arc::new(()) })
    }

    /// Where to read on after a restart: what is below is in segments.
    pub fn offsets(&self) -> bus::Offsets {
        bus::Offsets::default()
    }

    /// What has been taken in, memory included.
    pub fn read_offsets(&self) -> bus::Offsets {
        bus::Offsets::default()
    }

    /// Takes one record in: decodes it, drops repetitions and what is older than retention (by the record's own
    /// time, so that a replay gives the same index).
    ///
    /// # Errors
    /// When the record is at fault (see [`AppendError::is_fault_of_record`]), or there is no room for it.
    pub fn append(&self, _record: &bus::Record) -> Result<(), AppendError> {
        Ok(())
    }

    /// Passes over a record that nobody can read.
    pub fn skip(&self, _record: &bus::Record) {}

    /// Waits until everything below `target` has been taken in; `false` when `timeout` passes first.
    pub async fn wait_for(&self, _target: &bus::Offsets, _timeout: Duration) -> bool {
        true
    }

    /// A consistent view of everything taken in so far: each entry once, wherever it is. Cheap.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {}
    }

    /// Seals all that is in memory; returns when it is on disk and in the catalog. Blocks.
    ///
    /// # Errors
    /// When the disk is full or broken; nothing is lost, it stays in memory.
    pub fn flush(&self) -> Result<(), SealError> {
        Ok(())
    }

    /// Drops the segments in which everything is older than retention; answers how many.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub fn retain(&self, _now_ms: i64) -> Result<usize, SealError> {
        Ok(0)
    }

    /// Figures.
    pub fn status(&self) -> Status {
        Status::default()
    }
}
