//! The storage of a shard. Others may still read what its owner has dropped: it goes some time later.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::storage::{ObjectWriter, Room, Storage, StorageError};

/// Longer than a query may take, and the news of a commit on its way to the other processes.
const GRACE: Duration = Duration::from_secs(120);

/// Passes everything on at once, but for deletes.
pub struct Shared {
    inner: Arc<dyn Storage>,
    doomed: Mutex<VecDeque<(Instant, String)>>,
}

impl Shared {
    pub fn new(inner: Arc<dyn Storage>) -> Self {
        Shared { inner, doomed: Mutex::default() }
    }

    /// Removes the objects whose time has come at `now`.
    pub fn sweep(&self, now: Instant) {
        while let Some(name) = self.due(now) {
            if let Err(error) = self.inner.delete(&name) {
                tracing::warn!(name, %error, "object that nobody needs stays; the next owner removes it");
            }
        }
    }

    fn due(&self, now: Instant) -> Option<String> {
        let mut doomed = self.doomed.lock();
        let is_due = doomed.front().is_some_and(|(at, _)| *at + GRACE <= now);
        if is_due { doomed.pop_front().map(|(_, name)| name) } else { None }
    }
}

impl Storage for Shared {
    fn create(&self, name: &str) -> Result<Box<dyn ObjectWriter>, StorageError> {
        self.inner.create(name)
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, StorageError> {
        self.inner.read(name, offset, length)
    }

    fn list(&self) -> Result<Vec<(String, u64)>, StorageError> {
        self.inner.list()
    }

    /// What was dropped leaves no room yet: who goes by the room would drop more and more.
    fn room(&self) -> Option<Room> {
        None
    }

    fn delete(&self, name: &str) -> Result<(), StorageError> {
        self.doomed.lock().push_back((Instant::now(), name.to_owned()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Directory, put};

    #[test]
    fn what_is_dropped_can_be_read_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let shared = Shared::new(Arc::new(Directory::open(folder.path().to_owned()).unwrap()));
        put(&shared, "a", b"x").unwrap();
        shared.delete("a").unwrap();
        shared.sweep(Instant::now());
        assert_eq!(shared.read("a", 0, 1).unwrap(), b"x");
        shared.sweep(Instant::now() + GRACE);
        assert!(shared.read("a", 0, 1).is_err());
    }
}
