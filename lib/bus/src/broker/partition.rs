//! A partition as connections share it: its log behind a lock, and the bells of the readers that wait for more.

use super::Error;
use super::log::{Log, Settings};
use parking_lot::Mutex;
use std::path::Path;
use std::sync::{Arc, Weak};
use tokio::sync::Notify;

/// A partition as connections share it.
#[derive(Debug)]
pub struct Partition {
    log: Mutex<Log>,
    bells: Mutex<Vec<Weak<Notify>>>,
}

impl Partition {
    /// Opens the partition in `dir`.
    pub fn open(dir: &Path, settings: Settings) -> Result<Partition, Error> {
        Ok(Partition { log: Mutex::new(Log::open(dir, settings)?), bells: Mutex::default() })
    }

    /// Looks at the log or changes what readers do not wait for.
    pub fn with<T>(&self, action: impl FnOnce(&mut Log) -> T) -> T {
        action(&mut self.log.lock())
    }

    /// Changes the log, then wakes everyone who waits for it.
    pub fn change<T>(&self, action: impl FnOnce(&mut Log) -> T) -> T {
        let result = self.with(action);
        for bell in self.bells.lock().drain(..) {
            bell.upgrade().inspect(|bell| bell.notify_one());
        }
        result
    }

    /// Rings `bell` once at the next change.
    pub fn watch(&self, bell: &Arc<Notify>) {
        let mut bells = self.bells.lock();
        bells.retain(|waiting| waiting.strong_count() > 0 && !waiting.ptr_eq(&Arc::downgrade(bell)));
        bells.push(Arc::downgrade(bell));
    }
}
