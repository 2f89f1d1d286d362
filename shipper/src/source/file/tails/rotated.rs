//! Rotated files: renamed ones, copies, and those that came and went between two looks.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use event::Labels;

use super::Tails;
use crate::{
    checkpoint::FilePosition,
    config::From,
    identity::FileKey,
    mark::Mark,
    source::file::{
        scan::{self, Candidate, Neighbour, Selection},
        tail::Tail,
    },
    timestamp,
};

/// Bytes that must agree before a file beside a truncated one is taken for its copy.
const COPY_HEAD: usize = 32;
/// So far the times of a file may lie behind the clock.
pub(super) const CLOCK_STEP: Duration = Duration::from_millis(20);
/// Positions of files that are nowhere to be found are kept for this long: a disk may come back.
const LOST_SECS: i64 = 7 * 86_400;

impl Tails {
    /// Files that were renamed while nobody looked, and those that came and went between.
    pub(super) fn find_renamed(&mut self, found: &BTreeMap<FileKey, Candidate>) {
        for position in std::mem::take(&mut self.lost) {
            let Some(labels) = self.labels_for(&position.path) else {
                self.lost.push(position);
                continue;
            };
            let neighbours = scan::neighbours(&position.path);
            let renamed =
                neighbours.iter().find(|n| n.key == position.key && !self.open.contains_key(&n.key));
            let tail = renamed.and_then(|n| self.open(&n.path, &position.path, &labels));
            match tail.filter(|tail| tail.is_file_of(&position) && tail.holds(&position)) {
                Some(tail) => {
                    let modified = tail.modified();
                    self.insert_leaving(tail.resume(&position));
                    self.take_up_between(&position.path, &labels, found, |n, _| n.modified >= modified);
                }
                None => self.lost.push(position),
            }
        }
    }

    /// Rotated files of `path` that have never been seen and that `is_missed`.
    pub(super) fn take_up_between(
        &mut self,
        path: &Path,
        labels: &Labels,
        found: &BTreeMap<FileKey, Candidate>,
        is_missed: impl Fn(&Neighbour, &Tail) -> bool,
    ) {
        let name = path.as_os_str().as_encoded_bytes();
        let is_rotated = |n: &Neighbour| {
            let other = n.path.as_os_str().as_encoded_bytes();
            other != name && other.starts_with(name) && !found.contains_key(&n.key)
        };
        for neighbour in scan::neighbours(path).iter().filter(|n| is_rotated(n)) {
            if !self.open.contains_key(&neighbour.key)
                && let Some(tail) = self.open(&neighbour.path, path, labels)
                && is_missed(neighbour, &tail)
            {
                self.insert_leaving(tail);
            }
        }
    }

    /// Files that came and went while no file had the name: between the one that is read to its end and a new one,
    /// or before the first one was seen.
    pub(super) fn take_up_missed(&mut self, new: &[(Tail, From)], found: &BTreeMap<FileKey, Candidate>) {
        for (tail, _) in new {
            let before = self.open.values().filter(|open| open.is_leaving && open.path == tail.path);
            if let Some(since) = before.map(Tail::modified).max() {
                self.take_up_between(&tail.path, &tail.labels, found, |n, _| n.modified >= since);
            } else if let Some(since) = self.unseen_since(&tail.path) {
                let since = since - CLOCK_STEP;
                // A copy of what the file still holds is made before the file is truncated.
                let is_copy = |other: &Tail| !other.head.is_empty() && tail.head.starts_with(&other.head);
                self.take_up_between(&tail.path, &tail.labels, found, |n, other| {
                    n.created.is_some_and(|created| created >= since) && !is_copy(other)
                });
            }
        }
    }

    /// Since when files of a new file's name may have come and gone: a name may be missing at one look, or at every one.
    fn unseen_since(&self, name: &Path) -> Option<SystemTime> {
        if self.names.contains(name) { self.looked } else { self.first_look }
    }

    /// Files that came and went while no shipper ran: made since its last look, and not one of those that it knew.
    pub(super) fn take_up_unseen(&mut self, found: &BTreeMap<FileKey, Candidate>) {
        let rotated: Vec<_> = self.selections.iter().flat_map(Selection::rotated).collect();
        for (path, name) in rotated {
            let Ok(metadata) = fs::metadata(&path) else { continue };
            let key = FileKey::of(&metadata);
            if self.is_unseen(metadata.created().ok())
                && metadata.is_file()
                && !found.contains_key(&key)
                && !self.open.contains_key(&key)
                && let Some(labels) = self.labels_for(&name)
                && let Some(tail) = self.open(&path, &name, &labels)
                && !self.is_copy(&tail)
            {
                self.insert_leaving(tail);
            }
        }
    }

    /// Whether a file was made after the last look of the shipper before this one.
    pub(super) fn is_unseen(&self, created: Option<SystemTime>) -> bool {
        let Some(looked) = self.before.looked() else { return false };
        created.is_some_and(|created| created >= looked - CLOCK_STEP)
    }

    /// Whether its first bytes are in a file that is open or was known: then they have been read from there.
    fn is_copy(&self, tail: &Tail) -> bool {
        let known = self.before.files.iter().filter(|position| position.path == tail.path);
        let mut open = self.open.values().filter(|open| open.path == tail.path);
        open.any(|open| !tail.head.is_empty() && open.head.starts_with(&tail.head)) || { known }
            .any(|position| position.fingerprint.length > 0 && tail.holds(position))
    }

    /// A copy that rotation makes before it truncates the original: the same lines must not be read twice.
    pub(super) fn is_copy_of_open(&self, tail: &Tail) -> bool {
        let path = tail.path.as_os_str().as_encoded_bytes();
        !tail.head.is_empty()
            && self.open.values().any(|other| {
                path.starts_with(other.path.as_os_str().as_encoded_bytes())
                    && path != other.path.as_os_str().as_encoded_bytes()
                    && other.head.starts_with(&tail.head)
            })
    }

    /// Positions whose file is gone but whose bytes lie in a neighbour; very old ones are given up.
    pub(super) fn find_copies(&mut self) {
        let oldest = timestamp::now_ns() / 1_000_000_000 - LOST_SECS;
        for position in std::mem::take(&mut self.lost) {
            if position.fingerprint.is_full() && self.take_up_copy(&position, None) {
                continue;
            }
            if position.seen < oldest {
                self.checkpoint.forget_file(&position.source);
            } else {
                self.lost.push(position);
            }
        }
    }

    /// Reads the rest of what the position stands in from the newest neighbour that holds the same bytes.
    pub(super) fn take_up_copy(&mut self, position: &FilePosition, mark: Option<Arc<Mark<u64>>>) -> bool {
        let Some(labels) =
            self.labels_for(&position.path).filter(|_| position.fingerprint.length >= COPY_HEAD)
        else {
            return false;
        };
        for neighbour in scan::neighbours(&position.path).iter().rev() {
            if neighbour.key == position.key || self.open.contains_key(&neighbour.key) {
                continue;
            }
            let tail = self.open(&neighbour.path, &position.path, &labels);
            if let Some(tail) = tail.filter(|tail| tail.holds(position)) {
                let mut tail = tail.resume(position);
                tail.mark = mark.unwrap_or(tail.mark);
                self.insert_leaving(tail);
                return true;
            }
        }
        false
    }
}
