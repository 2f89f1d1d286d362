//! The set of open files: takes up new ones, finds those again that the checkpoint knows, follows rotation.

mod rotated;

use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use event::Labels;

use super::{
    scan::{Candidate, Selection},
    tail::Tail,
};
use crate::{
    checkpoint::{Checkpoint, FilePosition, Positions},
    config::From,
    identity::FileKey,
    mark::Mark,
    telemetry,
};

/// A file without a name is closed when it was silent for this long.
const DELETED_PATIENCE: Duration = Duration::from_secs(2);
/// A rotated file is closed when it was silent for this long: programs go on writing until they reopen theirs.
const ROTATED_PATIENCE: Duration = Duration::from_secs(300);
/// Every file that is read, by device and inode.
pub struct Tails {
    /// In no particular order.
    pub open: BTreeMap<FileKey, Tail>,
    /// How many there are, for others.
    pub count: Arc<AtomicU64>,
    host: String,
    selections: Vec<Selection>,
    checkpoint: Arc<Checkpoint>,
    /// Positions whose file has not been found yet.
    lost: Vec<FilePosition>,
    complained: HashSet<PathBuf>,
    /// When the look before this one began.
    looked: Option<SystemTime>,
    /// When the first one began.
    first_look: Option<SystemTime>,
    /// Names that a file has had since then.
    names: HashSet<PathBuf>,
    /// What the shipper before this one has left.
    before: Positions,
}

impl Tails {
    /// Nothing is opened before the first [`Tails::rescan`].
    pub fn new(host: &str, selections: Vec<Selection>, checkpoint: Arc<Checkpoint>) -> Self {
        let before = checkpoint.loaded();
        let lost = before.files.clone();
        let (open, complained) = (BTreeMap::new(), HashSet::new());
        Tails {
            open,
            count: Arc::default(),
            host: host.into(),
            selections,
            checkpoint,
            lost,
            complained,
            looked: None,
            first_look: None,
            names: HashSet::new(),
            before,
        }
    }

    /// Looks which files there are now.
    pub fn rescan(&mut self) {
        let looking = SystemTime::now();
        let found = self.scan();
        self.take_up(found, looking);
    }

    fn scan(&self) -> BTreeMap<FileKey, Candidate> {
        let mut found = BTreeMap::new();
        self.selections.iter().for_each(|selection| selection.scan(&mut found));
        found
    }

    fn take_up(&mut self, mut found: BTreeMap<FileKey, Candidate>, looking: SystemTime) {
        let is_first = self.looked.is_none();
        let opened = self.open_found(&mut found);
        self.update_leaving(&found);
        let new = self.take_up_known(opened);
        if is_first {
            self.find_renamed(&found);
        }
        self.take_up_missed(&new, &found);
        self.take_up_new(new);
        if is_first {
            self.find_copies();
            self.take_up_unseen(&found);
        }
        self.close_finished();
        self.looked = Some(looking);
        self.first_look.get_or_insert(looking);
        self.names.extend(found.into_values().map(|candidate| candidate.path));
        self.register();
        self.checkpoint.set_looked(looking);
    }

    /// The file under this key holds other bytes than before: reads it from its beginning, and what was missed
    /// from the copy that `copytruncate` has made, if there is one.
    pub fn start_over(&mut self, key: FileKey) {
        let Some(mut tail) = self.open.remove(&key) else { return };
        let position = FilePosition { offset: tail.offset, ..tail.position() };
        let mark = tail.mark.clone();
        self.start_over_from(&mut tail, &position, Some(mark));
        self.open.insert(key, tail);
        self.register();
    }

    /// `mark`: follows what of the old content is on its way.
    fn start_over_from(&mut self, tail: &mut Tail, position: &FilePosition, mark: Option<Arc<Mark<u64>>>) {
        telemetry::TRUNCATIONS.inc();
        let has_copy = self.take_up_copy(position, mark);
        tracing::info!(path = %tail.path.display(), has_copy, "file has started over");
        if !has_copy {
            self.checkpoint.forget_file(&position.source);
        }
        if let Err(error) = tail.start_over(&self.host, position.generation + 1) {
            self.complain(&tail.path.clone(), &error);
        }
    }

    /// Files that no pattern finds any more are read to their end.
    fn update_leaving(&mut self, found: &BTreeMap<FileKey, Candidate>) {
        let mut left = Vec::new();
        for (key, tail) in &mut self.open {
            let is_leaving = !found.contains_key(key);
            if is_leaving && !tail.is_leaving {
                left.push((tail.path.clone(), tail.labels.clone(), tail.modified()));
            }
            tail.is_leaving = is_leaving;
        }
        for (path, labels, modified) in left {
            self.take_up_between(&path, &labels, found, |n, _| n.modified >= modified);
        }
    }

    /// Opens what is not open yet. Of a file that was rotated since it was found, the path leads to another one: then it
    /// is that one that was found.
    fn open_found(&mut self, found: &mut BTreeMap<FileKey, Candidate>) -> Vec<(Tail, From)> {
        let mut opened = BTreeMap::new();
        let closed: Vec<_> = found.extract_if(.., |key, _| !self.open.contains_key(key)).collect();
        for (_, candidate) in closed {
            let Some(tail) = self.open(&candidate.path, &candidate.path, &candidate.labels) else { continue };
            let (key, from) = (tail.key, candidate.from);
            found.insert(key, candidate);
            if !self.open.contains_key(&key) {
                opened.insert(key, (tail, from));
            }
        }
        opened.into_values().collect()
    }

    /// Goes on with what the checkpoint knows; gives back the rest.
    fn take_up_known(&mut self, opened: Vec<(Tail, From)>) -> Vec<(Tail, From)> {
        let mut new = Vec::new();
        for (tail, from) in opened {
            match self.take_lost(|position| tail.is_file_of(position)) {
                Some(position) => self.go_on(tail, &position),
                None => new.push((tail, from)),
            }
        }
        new
    }

    fn go_on(&mut self, mut tail: Tail, position: &FilePosition) {
        if tail.holds(position) {
            let path = tail.path.clone();
            tail = tail.resume(position);
            tracing::debug!(path = %path.display(), offset = tail.offset, "file goes on");
        } else {
            self.start_over_from(&mut tail, position, None);
        }
        self.open.insert(tail.key, tail);
    }

    fn take_up_new(&mut self, new: Vec<(Tail, From)>) {
        for (mut tail, from) in new {
            let position = self.take_lost(|p| p.fingerprint.is_full() && tail.holds(p));
            if let Some(position) = position {
                self.go_on(tail, &position);
                continue;
            }
            if self.is_copy_of_open(&tail) {
                continue;
            }
            if from == From::End && self.looked.is_none() && !self.is_unseen(tail.created()) {
                tail.start_at(tail.size().unwrap_or(0));
            }
            tracing::debug!(path = %tail.path.display(), "new file");
            self.open.insert(tail.key, tail);
        }
    }

    fn insert_leaving(&mut self, mut tail: Tail) {
        tail.is_leaving = true;
        self.open.insert(tail.key, tail);
    }

    fn close_finished(&mut self) {
        let checkpoint = &self.checkpoint;
        self.open.retain(|_, tail| {
            let patience = if tail.is_deleted() { DELETED_PATIENCE } else { ROTATED_PATIENCE };
            let done = tail.is_done(patience);
            if done {
                checkpoint.forget_file(&tail.source);
            }
            !done
        });
    }

    fn register(&mut self) {
        for tail in self.open.values() {
            self.checkpoint.set_file(tail.position(), Some(tail.mark.clone()));
        }
        self.count.store(self.open.len() as u64, Ordering::Relaxed);
        telemetry::FILES.set(self.open.len() as i64);
    }

    fn take_lost(&mut self, fits: impl Fn(&FilePosition) -> bool) -> Option<FilePosition> {
        let at = self.lost.iter().position(fits)?;
        Some(self.lost.remove(at))
    }

    fn labels_for(&self, path: &Path) -> Option<Labels> {
        self.selections.iter().find_map(|s| s.labels_of(path))
    }

    /// Opens `path` as a file of the stream of `name`.
    fn open(&mut self, path: &Path, name: &Path, labels: &Labels) -> Option<Tail> {
        let tail = File::open(path).and_then(|f| Tail::new(&self.host, name.to_owned(), labels.clone(), f));
        match tail {
            Ok(tail) => Some(tail),
            Err(error) => {
                self.complain(path, &error);
                None
            }
        }
    }

    /// Once for each path, so that an unreadable file does not fill a log.
    pub fn complain(&mut self, path: &Path, error: &std::io::Error) {
        telemetry::FILE_ERRORS.inc();
        if self.complained.insert(path.to_owned()) {
            tracing::warn!(path = %path.display(), %error, "cannot read file");
        }
    }
}

#[cfg(test)]
mod tests;
