//! From memory to segments, and out of the index again when they are too old.

use std::{sync::Arc, time::Duration};

use parking_lot::MutexGuard;

use crate::{
    AppendError, Index, SealError,
    catalog::{Catalog, SegmentInfo},
    head::Head,
    segment::{self, Built, Segment, StreamMeta},
    state::{Sealed, Sealing},
    telemetry,
};

impl Index {
    /// Seals all that is in memory; returns when it is on disk and in the catalog. Blocks.
    ///
    /// # Errors
    /// When the disk is full or broken; nothing is lost, it stays in memory.
    pub fn flush(&self) -> Result<(), SealError> {
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

    /// Waits until something may be due for [`Index::seal_due`]: memory is full, or `timeout` has passed.
    pub(crate) fn wait_for_seal(&self, timeout: Duration) {
        let mut state = self.inner.state.lock();
        if state.sealing.is_empty() || state.read_only.is_some() {
            self.inner.seal_wanted.wait_for(&mut state, timeout);
        }
    }

    /// Wakes whoever is in [`Index::wait_for_seal`].
    pub(crate) fn wake_sealer(&self) {
        self.inner.seal_wanted.notify_all();
    }

    /// A full head begins to wait for its segment. If one waits already, it is sealed first: memory holds two
    /// at most.
    pub(crate) fn make_room(&self) -> Result<(), AppendError> {
        let limit = usize::try_from(self.inner.config.segment_bytes.0).unwrap_or(usize::MAX);
        loop {
            let mut state = self.inner.state.lock();
            if state.head.bytes < limit {
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

    /// Seals the head that has waited longest; `false` if none waits.
    fn seal_next(&self) -> Result<bool, SealError> {
        let mut catalog = self.inner.catalog.lock();
        let Some(sealing) = self.inner.state.lock().sealing.front().cloned() else { return Ok(false) };
        let timer = telemetry::SEAL_SECONDS.start_timer();
        let result = self.seal(&mut catalog, &sealing);
        timer.observe_duration();
        let mut state = self.inner.state.lock();
        telemetry::READ_ONLY.set(i64::from(result.is_err()));
        match result {
            Ok(sealed) => {
                state.sealing.pop_front();
                state.read_only = None;
                state.sealed = Arc::new(sealed);
                telemetry::HEAD_BYTES.set(state.unsealed_bytes() as i64);
                Ok(true)
            }
            Err(error) => {
                tracing::error!(%error, "index is read-only: segment cannot be written, will try again");
                state.read_only = Some(error.to_string());
                Err(error)
            }
        }
    }

    /// Segment first, then the commit: a crash in between leaves a file that no commit knows.
    fn seal(&self, catalog: &mut Catalog, sealing: &Sealing) -> Result<Sealed, SealError> {
        let before = self.inner.state.lock().sealed.clone();
        let mut manifest = before.manifest.next();
        manifest.progress = sealing.progress.clone();
        let mut segments = before.segments.clone();
        if sealing.head.is_empty() {
            let listing = catalog.commit(&manifest, None, &[])?;
            return Ok(Sealed { listing, segments, manifest }.told());
        }
        let built = segment::build(&sealing.head, self.inner.config.compression_level)
            .map_err(SealError::Compression)?;
        let id = manifest.next_segment;
        fault::point("index.seal.before-put");
        self.inner.storage.put(&segment::name(id), &built.bytes)?;
        fault::point("index.seal.after-put");
        manifest.next_segment += 1;
        manifest.segments.insert(id, info(&sealing.head, &built));
        segments.insert(id, Arc::new(Segment::new(id, self.inner.storage.clone())));
        let listing = catalog.commit(&manifest, Some((id, &built.streams)), &[])?;
        fault::point("index.seal.after-commit");
        Ok(Sealed { listing, segments, manifest }.told())
    }

    /// Drops the segments in which everything is older than retention; answers how many. Forgets sources that
    /// have been silent for long.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub fn retain(&self, now_ms: i64) -> Result<usize, SealError> {
        let horizon_ms = self.inner.config.retention.horizon_ms(now_ms);
        let mut catalog: MutexGuard<'_, Catalog> = self.inner.catalog.lock();
        let mut state = self.inner.state.lock();
        state.progress.marks.forget(now_ms);
        let before = state.sealed.clone();
        drop(state);
        let expired = |(id, info): (&u64, &SegmentInfo)| (info.max_ms < horizon_ms).then_some(*id);
        let dropped: Vec<u64> = before.manifest.segments.iter().filter_map(expired).collect();
        if dropped.is_empty() {
            return Ok(0);
        }
        let mut manifest = before.manifest.next();
        manifest.segments.retain(|id, _| !dropped.contains(id));
        fault::point("index.retain.before-commit");
        let listing = catalog.commit(&manifest, None, &dropped)?;
        fault::point("index.retain.after-commit");
        let mut segments = before.segments.clone();
        dropped.iter().filter_map(|id| segments.remove(id)).for_each(|segment| segment.doom());
        self.inner.state.lock().sealed = Arc::new(Sealed { listing, segments, manifest }.told());
        Ok(dropped.len())
    }
}

impl Sealed {
    /// Sets the gauges.
    pub(crate) fn tell(&self) {
        telemetry::SEGMENTS.set(self.segments.len() as i64);
        let bytes: u64 = self.manifest.segments.values().map(|info| info.bytes).sum();
        telemetry::SEGMENT_BYTES.set(bytes as i64);
    }

    fn told(self) -> Self {
        self.tell();
        self
    }
}

fn info(head: &Head, built: &Built) -> SegmentInfo {
    use crate::columns::Kind;
    let span = |stream: &StreamMeta| match (stream.kind, stream.span()) {
        (Kind::Logs, (min, max)) => (min.div_euclid(1_000_000), max.div_euclid(1_000_000)),
        (Kind::Metrics, span) => span,
    };
    let spans = built.streams.iter().map(span);
    let (min_ms, max_ms) =
        spans.fold((i64::MAX, i64::MIN), |(min, max), (from, to)| (min.min(from), max.max(to)));
    SegmentInfo {
        bytes: built.bytes.len() as u64,
        entries: head.entries,
        samples: head.samples,
        min_ms,
        max_ms,
    }
}
