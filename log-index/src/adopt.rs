//! Goes along with what another process commits, and takes over from it.

#[cfg(test)]
pub mod tests;

use std::{path::Path, sync::Arc};

use bus::Record;
use event::LogBatch;
use tokio::sync::broadcast;

use crate::{
    Config, Index, OpenError,
    catalog::{CatalogError, Manifest},
    delete::understand,
    index::lock,
    ledger::Ledger,
    others::Others,
    recover::{Recovered, catch_up, open_catalog},
    segment::Segment,
    state::{Sealed, State},
    storage::Storage,
};

impl Index {
    /// One of several processes' indexes over one storage, as the folder `path` knows it.
    ///
    /// # Errors
    /// When another process has the folder open, or it is not usable.
    pub(crate) fn open_shared(
        path: &Path,
        config: &Config,
        storage: Arc<dyn Storage>,
        ledger: Arc<dyn Ledger>,
        followers: broadcast::Sender<Arc<LogBatch>>,
    ) -> Result<Index, OpenError> {
        let lock = lock(path)?;
        let (catalog, manifest) = open_catalog(&path.join("catalog"))?;
        let known = Recovered { catalog, manifest: manifest.unwrap_or_default(), unlisted: Vec::new() };
        let (catalog, mut state) = known.opened(path, &storage)?;
        state.others = Some(Default::default());
        state.followers = followers;
        Ok(Index::new(config, storage, ledger, catalog, state, lock))
    }

    /// Begins to own the segments, with new ones from number `first` on: nobody seals between `own` and that.
    ///
    /// # Errors
    /// That of `own`; when another process has taken over meanwhile, or something cannot be written.
    pub(crate) fn begin_at(
        &self,
        first: u64,
        own: impl FnOnce(&mut Manifest) -> Result<(), CatalogError>,
    ) -> Result<(), CatalogError> {
        self.change(|manifest| {
            own(manifest)?;
            manifest.next_segment = first;
            // What is being merged began under another owner.
            self.inner.state.lock().reserved = None;
            Ok(())
        })
    }

    /// As of the last commit.
    pub(crate) fn manifest(&self) -> Manifest {
        self.inner.state.lock().sealed.manifest.clone()
    }

    /// Of the last commit.
    pub(crate) fn commit_number(&self) -> u64 {
        self.inner.state.lock().sealed.manifest.commit
    }

    /// Remembers a record that nobody can read until another process has committed it, which sends its letters then.
    pub(crate) fn note_unreadable(&self, record: &Record) {
        self.inner.state.lock().note_unreadable(record);
    }

    /// Those whose letters this process has to send if it is the owner.
    pub(crate) fn take_unreadable(&self) -> Vec<Record> {
        self.inner.state.lock().others.as_mut().map(Others::take_unreadable).unwrap_or_default()
    }

    /// Puts the segments of `manifest` in the place of those that are known, and leaves out of memory what they hold.
    /// With `damaged` also if streams of some cannot be read.
    ///
    /// # Errors
    /// When the catalog cannot be written, or a segment cannot be read; then all is as it was.
    pub(crate) fn adopt(&self, manifest: Manifest, damaged: bool) -> Result<(), CatalogError> {
        let mut catalog = self.inner.catalog.lock();
        let before = self.inner.state.lock().sealed.clone();
        let deletes = understand(&manifest, &before.deletes)?;
        let mut unlisted = catch_up(&mut catalog, &self.inner.storage, &before.manifest, &manifest, damaged)?;
        let segment = |(id, order)| match before.segments.get(&id) {
            Some(known) => (id, known.clone()),
            None => (id, Arc::new(Segment::new(id, order, self.inner.storage.clone()))),
        };
        let segments = manifest.segments.iter().map(|(id, info)| segment((*id, info.order))).collect();
        unlisted.extend(before.unlisted.iter().cloned());
        let sealed = Sealed { listing: catalog.listing(), segments, manifest, deletes, unlisted };
        sealed.tell(Some(&before));
        self.replace(&before, sealed);
        Ok(())
    }

    fn replace(&self, before: &Sealed, sealed: Sealed) {
        let mut state = self.inner.state.lock();
        state.read_only = None;
        let (theirs, known) = (&sealed.manifest.progress, &before.manifest.progress);
        if (&theirs.offsets, &theirs.begun) == (&known.offsets, &known.begun) {
            state.sealed = Arc::new(sealed);
        } else {
            *state = self.restarted(&mut state, sealed);
        }
        drop(state);
        self.inner.taken_in.send_replace(());
    }

    /// As if a process had begun with `sealed` and read as far as `before` has.
    fn restarted(&self, before: &mut State, sealed: Sealed) -> State {
        let mut others = before.others.take().unwrap_or_default();
        let mut read = before.progress.clone();
        others.agree(&mut read, &before.sealed.manifest, &sealed.manifest);
        others.release_all(&sealed.manifest.progress);
        let mut state = State::new(sealed);
        state.told_bytes = before.told_bytes;
        let retained = std::mem::take(&mut others.retained);
        state.others = Some(others);
        for (begun, record) in retained {
            if let Ok(event) = self.decode(&record) {
                state.progress.begin(&record.topic, record.partition, begun);
                self.take_in(&mut state, &record, &event);
            }
        }
        state.go_on_from(&read);
        state.tell();
        std::mem::swap(&mut state.followers, &mut before.followers);
        state
    }
}
