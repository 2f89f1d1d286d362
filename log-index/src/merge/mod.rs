//! Merges: neighbours become one segment, in the background. Fewer and larger segments are found and packed
//! better, and what was deleted leaves the disk.

mod plan;
mod rows;

use std::{io, sync::Arc, time::Duration};

use thiserror::Error;

use self::{
    plan::{Limits, Plan},
    rows::Removed,
};
use crate::{
    Index, StorageError,
    catalog::CatalogError,
    commit::{Added, Change},
    segment::{self, Builder, Built, Damage, MERGED_BLOCK_BYTES},
    state::Sealed,
    storage::ObjectWriter,
    telemetry,
};

/// A merge did not happen: all segments are as they were.
#[derive(Debug, Error)]
pub enum MergeError {
    /// Told to stop.
    #[error("merge was interrupted")]
    Stopped,
    /// One of the segments cannot be read. It is left out of merges for an hour.
    #[error("merge left undone: {0}")]
    Damaged(Damage),
    /// The new segment.
    #[error("merged segment cannot be written: {0}")]
    Write(#[from] io::Error),
    /// The same.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The catalog.
    #[error("catalog: {0}")]
    Catalog(#[from] CatalogError),
}

/// Asked now and then: whether to break off.
pub type Stop<'a> = &'a dyn Fn() -> bool;

impl Index {
    /// Merges until nothing is left to merge. Blocks; others append and ask meanwhile.
    ///
    /// # Errors
    /// See [`MergeError`]. Nothing is lost.
    pub fn merge(&self, stop: Stop<'_>) -> Result<(), MergeError> {
        while self.merge_next(stop)? {}
        Ok(())
    }

    /// Whether there is something to merge.
    pub(crate) fn has_merge(&self) -> bool {
        let sealed = self.inner.state.lock().sealed.clone();
        self.next_plan(&sealed).is_some()
    }

    /// Waits until there may be something to merge, until `stop` says so and [`Index::wake_merger`] was called, or until
    /// `timeout` has passed.
    pub(crate) fn wait_for_merge(&self, timeout: Duration, stop: Stop<'_>) {
        let mut state = self.inner.state.lock();
        let sealed = state.sealed.clone();
        if !stop() && self.next_plan(&sealed).is_none() {
            self.inner.merge_wanted.wait_for(&mut state, timeout);
        }
    }

    /// Lets segments that could not be read be tried again: a bucket may only have been away.
    pub(crate) fn forget_unmergeable(&self) {
        self.inner.unmergeable.lock().clear();
    }

    /// Wakes whoever is in [`Index::wait_for_merge`].
    pub(crate) fn wake_merger(&self) {
        // With the lock nobody is between its look at `stop` and its wait.
        let _state = self.inner.state.lock();
        self.inner.merge_wanted.notify_all();
    }

    /// Does one merge; `false` if there is none to do.
    fn merge_next(&self, stop: Stop<'_>) -> Result<bool, MergeError> {
        let _one_at_a_time = self.inner.merging.lock();
        // Whoever seals holds the catalog from the choice of an id to its commit.
        let catalog = self.inner.catalog.lock();
        let mut state = self.inner.state.lock();
        let before = state.sealed.clone();
        let Some(plan) = self.next_plan(&before) else { return Ok(false) };
        let id = state.reserve();
        drop(state);
        drop(catalog);
        let timer = telemetry::MERGE_SECONDS.start_timer();
        let result = self.carry_out(&plan, &before, id, stop);
        self.inner.state.lock().reserved = None;
        match &result {
            Ok(()) => timer.observe_duration(),
            Err(MergeError::Damaged(damage)) => {
                self.inner.unmergeable.lock().extend(segment::id(&damage.segment));
                timer.stop_and_discard();
            }
            Err(_) => {
                timer.stop_and_discard();
            }
        }
        result.map(|()| true)
    }

    fn next_plan(&self, sealed: &Sealed) -> Option<Plan> {
        let config = &self.inner.config;
        let limits = Limits { bytes: config.merged_bytes.0, spread_ms: config.retention.spread_ms() };
        Plan::next(&sealed.manifest, &self.inner.unmergeable.lock(), limits)
    }

    /// The new segment first, then the one commit that swaps it for the old ones: a crash in between leaves a
    /// file that no commit knows.
    fn carry_out(&self, plan: &Plan, before: &Sealed, id: u64, stop: Stop<'_>) -> Result<(), MergeError> {
        fault::point("index.merge.before-put");
        let mut out = self.inner.storage.create(&segment::name(id))?;
        let (built, removed) = self.write_merged(plan, before, &mut *out, stop)?;
        fault::point("index.merge.after-write");
        let added = match built.streams.is_empty() {
            true => None,
            false => {
                out.finish()?;
                fault::point("index.merge.after-put");
                Some(Added::new(id, plan.order, plan.level, plan.ages_from_ms, built))
            }
        };
        self.swap(plan, added, &removed)
    }

    fn write_merged(
        &self,
        plan: &Plan,
        before: &Sealed,
        out: &mut dyn ObjectWriter,
        stop: Stop<'_>,
    ) -> Result<(Built, Removed), MergeError> {
        let level = self.inner.config.compression_level;
        let mut builder = Builder::new(out, level, MERGED_BLOCK_BYTES)?;
        let removed = rows::merge(plan.open(before)?, &mut builder, stop)?;
        Ok((builder.finish()?, removed))
    }

    fn swap(&self, plan: &Plan, added: Option<Added>, removed: &Removed) -> Result<(), MergeError> {
        let mut catalog = self.inner.catalog.lock();
        let state = self.inner.state.lock();
        let (before, reserved) = (state.sealed.clone(), state.reserved);
        drop(state);
        let mut manifest = before.manifest.next();
        let is_outdated = added.as_ref().is_some_and(|added| reserved != Some(added.id))
            || !plan.inputs.iter().all(|id| manifest.segments.contains_key(id))
            || !removed.keys().all(|id| manifest.deletes.contains_key(id));
        if is_outdated {
            // Retention was faster, a delete was taken back, or another owner was there meanwhile.
            if let Some(Added { id, .. }) = added {
                self.inner.storage.delete(&segment::name(id))?;
            }
            return Ok(());
        }
        let output = added.as_ref().map(|added| added.id);
        for (id, request) in &mut manifest.deletes {
            request.merged(&plan.inputs, output, removed.get(id).copied());
        }
        let change = Change { added, dropped: plan.inputs.clone() };
        let sealed = self.commit(&mut catalog, &before, manifest, change)?;
        fault::point("index.merge.after-commit");
        self.inner.state.lock().sealed = Arc::new(sealed);
        Ok(())
    }
}
