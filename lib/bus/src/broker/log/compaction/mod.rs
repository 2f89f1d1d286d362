//! Compaction: of what lies in closed segments, the last record of every key is kept, and nothing of aborted
//! transactions. Offsets stay as they are.
//!
//! Nobody waits for it. A [`Plan`] is drawn up under the partition's lock; [`Plan::run`] reads the closed segments, which
//! nobody changes, and writes cleaned copies beside them; [`Log::install`] puts these in their places, one rename each.
//! Wherever a crash interrupts this, the log holds more than it has to and nothing less.

mod cleaning;
#[cfg(test)]
mod tests;

use super::producers::Aborted;
use super::segment::{Check, Segment};
use super::{Error, Log};
use crate::broker::data_dir::{check_version, read_json, write_json};
use cleaning::{Cleaning, KeyMap};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

const VERSION: u32 = 1;
const STATE_FILE: &str = "compaction.json";
/// What the name of a cleaned copy ends with until it takes the segment's place.
const COPY: &str = "cleaned";
/// Keys that are told apart in one run; the rest waits for the next. They take 35 MB at most.
const MAX_KEYS: usize = 900_000;

/// When a log is compacted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compaction {
    /// Share of the closed segments' bytes that has to be new since the last run.
    pub dirty_ratio: f64,
    /// Milliseconds for which a deletion of a key stays visible to readers.
    pub delete_retention_ms: i64,
}

/// How far a log has been compacted.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Cleaned {
    version: u32,
    /// Before this offset every key is there once.
    to: i64,
    /// Deletions before this offset …
    tombstones_before: i64,
    /// … are the last word on their keys since then, milliseconds since 1970.
    since_ms: i64,
}

impl Cleaned {
    /// What the last run in `dir` has left.
    pub fn read(dir: &Path) -> Result<Cleaned, Error> {
        let path = dir.join(STATE_FILE);
        if !path.exists() {
            return Ok(Cleaned { version: VERSION, to: 0, tombstones_before: 0, since_ms: 0 });
        }
        let cleaned: Cleaned = read_json(&path)?;
        check_version(&path, cleaned.version, VERSION)?;
        Ok(cleaned)
    }

    fn may_drop_tombstones(&self, now_ms: i64, retention_ms: i64) -> bool {
        now_ms.saturating_sub(self.since_ms) >= retention_ms
    }
}

/// What one run has to know of a log.
#[derive(Debug)]
pub struct Plan {
    sources: Vec<PathBuf>,
    /// Where what is new since the last run begins.
    dirty_from: i64,
    tombstones_before: i64,
    aborted: Vec<Aborted>,
    /// The last batches of the producers, and of the whole stretch: kept as empty batches if nothing in them is, for
    /// their sequence numbers and offsets.
    needed: HashSet<i64>,
    now_ms: i64,
}

/// What one run has made.
#[derive(Debug)]
pub struct Copies {
    segments: Vec<(PathBuf, Segment)>,
    /// Where the markers were that are gone with all records of their transactions.
    markers: HashSet<i64>,
    cleaned_to: i64,
    dropped_tombstones: bool,
    now_ms: i64,
}

impl Log {
    /// What there is to compact, if it is enough. `now_ms` is milliseconds since 1970.
    pub fn plan_compaction(&self, now_ms: i64) -> Option<Plan> {
        let Compaction { dirty_ratio, delete_retention_ms } = self.settings.compaction?;
        let stable = self.stable_offset();
        let closed = &self.segments[..self.segments.len() - 1];
        let ready = &closed[..closed.partition_point(|segment| segment.next_offset <= stable)];
        let size = |from: i64| -> u64 {
            ready.iter().filter(|segment| segment.next_offset > from).map(|segment| segment.size).sum()
        };
        let dirty = size(self.cleaned.to);
        if dirty == 0 || (dirty as f64) < dirty_ratio * size(i64::MIN) as f64 {
            return None;
        }
        let mut needed = self.producers.last_batches();
        needed.extend(ready.last().map(|last| last.next_offset - 1));
        let drop_tombstones = self.cleaned.may_drop_tombstones(now_ms, delete_retention_ms);
        Some(Plan {
            sources: ready.iter().map(|segment| segment.path().to_owned()).collect(),
            dirty_from: self.cleaned.to.max(self.start_offset),
            tombstones_before: if drop_tombstones { self.cleaned.tombstones_before } else { i64::MIN },
            aborted: self.producers.aborted_between(self.start_offset, stable),
            needed,
            now_ms,
        })
    }

    /// Puts the copies in the places of the segments that they were made of.
    pub fn install(&mut self, copies: Copies) -> io::Result<()> {
        for (source, copy) in copies.segments {
            let at = self.segments.iter().position(|segment| segment.path() == source);
            match at {
                // Retention was faster.
                None => copy.delete()?,
                // The first stays when it is empty: the log's start is known by it.
                Some(at) if copy.size == 0 && at > 0 => {
                    self.segments.remove(at).delete()?;
                    copy.delete()?;
                }
                Some(at) => {
                    fault::point("broker.compaction.before-rename");
                    self.segments[at].replace_by(copy)?;
                    fault::point("broker.compaction.after-rename");
                }
            }
        }
        self.producers.forget_markers(&copies.markers);
        self.cleaned.to = copies.cleaned_to;
        if copies.dropped_tombstones {
            self.cleaned.tombstones_before = copies.cleaned_to;
            self.cleaned.since_ms = copies.now_ms;
        }
        fault::point("broker.compaction.before-state");
        write_json(&self.dir.join(STATE_FILE), &self.cleaned)?;
        fault::point("broker.compaction.after-state");
        Ok(())
    }
}

impl Plan {
    /// Writes cleaned copies of the segments. Reads all of them twice at most; holds the newest offset of each key.
    ///
    /// # Errors
    /// When a file cannot be read or written, or `stopping` is cancelled; copies that are left over do no harm.
    pub fn run(self, stopping: &CancellationToken) -> io::Result<Copies> {
        let mut keys = KeyMap::new(MAX_KEYS);
        let dropped_tombstones = self.tombstones_before > i64::MIN;
        let mut cleaning = Cleaning::new(self.aborted, self.needed, self.tombstones_before);
        for source in &self.sources {
            cleaning.collect_keys(source, self.dirty_from, &mut keys, stopping)?;
        }
        let mut segments = Vec::new();
        for source in self.sources {
            let copy = source.with_extension(COPY);
            let mut out = BufWriter::new(File::create(&copy)?);
            cleaning.copy(&source, &keys, &mut out, stopping)?;
            out.flush()?;
            fault::point("broker.compaction.after-write");
            out.get_ref().sync_all()?;
            fault::point("broker.compaction.after-fsync");
            if out.get_ref().metadata()?.len() == source.metadata()?.len() {
                std::fs::remove_file(copy)?;
            } else {
                segments.push((source, recover(copy)?));
            }
        }
        let (markers, now_ms) = (cleaning.dropped_markers, self.now_ms);
        Ok(Copies { segments, markers, cleaned_to: keys.end, dropped_tombstones, now_ms })
    }
}

fn recover(copy: PathBuf) -> io::Result<Segment> {
    let name = copy.file_stem().and_then(|name| name.to_str()?.parse().ok());
    let base_offset = name.ok_or_else(|| io::Error::other("a segment without an offset in its name"))?;
    let mut segment = Segment::recover(copy, base_offset, Check::Headers, &mut |_, _| ())?;
    segment.seal();
    Ok(segment)
}

/// Whether this is a copy that a crash has left over.
pub fn is_left_over(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == COPY)
}
