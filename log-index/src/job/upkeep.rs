//! The threads that seal, drop what is too old, and merge.

use std::time::{Duration, Instant};

use super::{RETRY_WRITE, Shared};
use crate::{Index, MergeError, retention::now_ms};

/// How often to look whether memory is old enough to be sealed.
const SEAL_LOOK: Duration = Duration::from_secs(1);

/// How often to look for segments that have to go.
const RETAIN_LOOK: Duration = Duration::from_secs(10);

/// How often to look for something to merge when nobody says that there is.
const MERGE_LOOK: Duration = Duration::from_secs(60);

/// How often to try again to merge segments that could not be read.
const MERGE_ALL: Duration = Duration::from_secs(3600);

/// Pause after a merge that failed.
const RETRY_MERGE: Duration = Duration::from_secs(60);

/// Merges leave the processor to whoever wants it: from 0 (as everybody) to 19.
const MERGE_NICENESS: i32 = 10;

/// How often to look at the ends of the topics for the lag's metric.
const ENDS_LOOK: Duration = Duration::from_secs(10);

impl Shared {
    /// The thread that keeps the lag's metric alive while nobody asks.
    pub(super) fn look(&self) {
        while !self.shutdown.is_cancelled() {
            self.look_at_ends();
            self.pause(ENDS_LOOK);
        }
    }

    /// The thread that seals.
    pub(super) fn seal(&self, index: &Index) {
        let mut retained = None;
        let mut wait = SEAL_LOOK;
        let stop = || self.shutdown.is_cancelled();
        while !stop() {
            index.wait_for_seal(wait, &stop);
            if stop() {
                return;
            }
            if !index.is_owner() {
                self.pause(SEAL_LOOK);
                continue;
            }
            wait = if index.seal_due().is_ok() { SEAL_LOOK } else { RETRY_WRITE };
            if retained.is_none_or(|at: Instant| at.elapsed() >= RETAIN_LOOK) {
                retain(index);
                retained = Some(Instant::now());
            }
        }
    }

    /// The thread that merges.
    pub(super) fn merge(&self, index: &Index) {
        // Without it merges are no less right.
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), MERGE_NICENESS);
        let stop = || self.shutdown.is_cancelled();
        let mut tried = Instant::now();
        while !stop() {
            if tried.elapsed() >= MERGE_ALL {
                index.forget_unmergeable();
                tried = Instant::now();
            }
            if !index.is_owner() {
                self.pause(SEAL_LOOK);
                continue;
            }
            match index.merge(&stop) {
                Ok(()) => index.wait_for_merge(MERGE_LOOK, &stop),
                Err(MergeError::Stopped) => return,
                Err(error @ MergeError::Damaged(_)) => tracing::error!(%error, "segments are not merged"),
                Err(error) => {
                    tracing::error!(%error, "segments are not merged, will try again");
                    self.pause(RETRY_MERGE);
                }
            }
        }
    }
}

fn retain(index: &Index) {
    match index.retain(now_ms()) {
        Ok(0) => {}
        Ok(segments) => tracing::info!(segments, "dropped what retention does not keep"),
        Err(error) => tracing::error!(%error, "what retention does not keep cannot be dropped"),
    }
}
