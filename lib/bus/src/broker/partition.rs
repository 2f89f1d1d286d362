//! A partition as connections share it: its log behind a lock, and the bells of the readers that wait for more.

use super::Error;
use super::log::{Log, Settings};
use parking_lot::Mutex;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Weak};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

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

    /// Compacts the log, if there is enough to compact; the log is free for others meanwhile.
    pub fn compact(&self, now_ms: i64, stopping: &CancellationToken) -> io::Result<()> {
        let Some(plan) = self.with(|log| log.plan_compaction(now_ms)) else { return Ok(()) };
        match plan.run(stopping) {
            // The broker stops, or retention or the topic's deletion was faster.
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::NotFound) => Ok(()),
            copies => self.with(|log| log.install(copies?)),
        }
    }

    /// Rings `bell` once at the next change.
    pub fn watch(&self, bell: &Arc<Notify>) {
        let mut bells = self.bells.lock();
        bells.retain(|waiting| waiting.strong_count() > 0 && !waiting.ptr_eq(&Arc::downgrade(bell)));
        bells.push(Arc::downgrade(bell));
    }
}
