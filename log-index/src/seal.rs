//! From memory to segments.

use std::{sync::Arc, time::Duration};

use crate::{
    AppendError, Index, SealError,
    catalog::Catalog,
    commit::{Added, Change},
    head::Head,
    merge::Stop,
    retention::now_ms,
    segment::{self, Built},
    state::{Sealed, Sealing},
    storage::failed,
    telemetry,
};

/// Heads' worth of what another process has still to seal.
const UNSEALED_HEADS: usize = 4;

impl Index {
    /// Seals all that is in memory; returns when it is on disk and in the catalog. Blocks.
    ///
    /// # Errors
    /// When the disk is full or broken; nothing is lost, it stays in memory.
    pub fn flush(&self) -> Result<(), SealError> {
        // What waits comes first: while the disk is full nothing more is put behind it.
        while self.seal_next()? {}
        self.inner.state.lock().rotate();
        while self.seal_next()? {}
        Ok(())
    }

    /// Seals what waits for it, and what is older than [`crate::Config::flush_after`].
    ///
    /// # Errors
    /// As [`Index::flush`].
    pub fn seal_due(&self) -> Result<(), SealError> {
        let due = self.inner.config.flush_after.0;
        let mut state = self.inner.state.lock();
        if state.sealing.is_empty() && state.since.is_some_and(|since| since.elapsed() >= due) {
            state.rotate();
        }
        drop(state);
        while self.seal_next()? {}
        Ok(())
    }

    /// Waits until something may be due for [`Index::seal_due`]: memory is full, `stop` says so and
    /// [`Index::wake_sealer`] was called, or `timeout` has passed.
    pub(crate) fn wait_for_seal(&self, timeout: Duration, stop: Stop<'_>) {
        let mut state = self.inner.state.lock();
        if !stop() && (state.sealing.is_empty() || state.read_only.is_some()) {
            self.inner.seal_wanted.wait_for(&mut state, timeout);
        }
    }

    /// Wakes whoever is in [`Index::wait_for_seal`].
    pub(crate) fn wake_sealer(&self) {
        // As [`Index::wake_merger`].
        let _state = self.inner.state.lock();
        self.inner.seal_wanted.notify_all();
    }

    /// A full head begins to wait for its segment. If one waits already, it is sealed first: memory holds two at
    /// most.
    pub(crate) fn make_room(&self) -> Result<(), AppendError> {
        let limit = self.head_limit();
        loop {
            let mut state = self.inner.state.lock();
            if !state.head.is_full(limit) || !self.is_owner() {
                return Ok(());
            }
            if state.sealing.is_empty() {
                state.rotate();
                drop(state);
                self.wake_sealer();
                return Ok(());
            }
            drop(state);
            self.seal_next().map_err(|error| AppendError::ReadOnly(error.to_string()))?;
        }
    }

    /// Whether it should read no more until the process that seals for it has done so.
    pub(crate) fn waits_for_owner(&self) -> bool {
        let limit = UNSEALED_HEADS.saturating_mul(self.head_limit());
        !self.is_owner() && self.inner.state.lock().unsealed_bytes() >= limit
    }

    fn head_limit(&self) -> usize {
        usize::try_from(self.inner.config.segment_bytes.0).unwrap_or(usize::MAX)
    }

    /// Seals the head that has waited longest; `false` if none waits.
    pub(crate) fn seal_next(&self) -> Result<bool, SealError> {
        let mut catalog = self.inner.catalog.lock();
        let Some(sealing) = self.inner.state.lock().sealing.front().cloned() else { return Ok(false) };
        let timer = telemetry::SEAL_SECONDS.start_timer();
        let result = self.seal(&mut catalog, &sealing);
        timer.observe_duration();
        let mut state = self.inner.state.lock();
        telemetry::READ_ONLY.set(i64::from(result.is_err() && self.is_owner()));
        match result {
            Ok(sealed) => {
                state.sealing.pop_front();
                state.read_only = None;
                state.sealed = Arc::new(sealed);
                state.release();
                state.tell();
                Ok(true)
            }
            Err(error) if !self.is_owner() => Err(error),
            Err(error) => {
                tracing::error!(%error, "index is read-only: segment cannot be written, will try again");
                state.read_only = Some(error.to_string());
                Err(error)
            }
        }
    }

    /// Segment first, then the commit: a crash in between leaves a file that no commit knows.
    fn seal(&self, catalog: &mut Catalog, sealing: &Sealing) -> Result<Sealed, SealError> {
        let state = self.inner.state.lock();
        let (before, id) = (state.sealed.clone(), state.next_id());
        drop(state);
        let mut manifest = before.manifest.next();
        manifest.progress = sealing.progress.clone();
        let added = match sealing.head.is_empty() {
            true => None,
            false => Some(Added::new(id, id, 0, now_ms(), self.write(id, &sealing.head)?)),
        };
        let sealed = self.commit(catalog, &before, manifest, Change { added, dropped: Vec::new() })?;
        fault::point("index.seal.after-commit");
        Ok(sealed)
    }

    fn write(&self, id: u64, head: &Head) -> Result<Built, SealError> {
        let name = segment::name(id);
        fault::point("index.seal.before-put");
        let mut out = self.inner.storage.create(&name)?;
        let built = segment::build(head, self.inner.config.compression_level, &mut *out);
        let built = built.map_err(failed("write", &name))?;
        out.finish()?;
        fault::point("index.seal.after-put");
        Ok(built)
    }
}
