//! Deletes by selector, line filters and time. What a delete asks for is hidden at once, and leaves the disk when
//! its segments are merged next.

mod hide;
mod request;

use std::collections::BTreeSet;

use thiserror::Error;

pub use hide::{Delete, understand};
pub use request::DeleteRequest;

use crate::{
    Index, Kind, QueryError, SealError, Snapshot,
    catalog::{CatalogError, Manifest},
    columns::{LogColumns, SampleColumns},
    commit::Change,
    head::InHead,
    parts::{Loader, Part, Parts},
    segment::Damage,
    state::Sealed,
};

/// So many requests are kept, those that are done included.
const MAX_REQUESTS: usize = 1_000;

/// A delete was not taken in, or not taken back.
#[derive(Debug, Error)]
pub enum DeleteError {
    /// The query cannot delete.
    #[error("{0}")]
    Query(String),
    /// There are too many that are not done.
    #[error("more than {MAX_REQUESTS} deletes are under way: wait until some are processed")]
    TooMany,
    /// No such request.
    #[error("could not find delete request with given id")]
    NotFound,
    /// Something is gone already.
    #[error("deletion of request which is in process or already processed is not allowed")]
    Started,
    /// What is in memory has to be in segments first.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The group has not done it yet.
    #[error("{0}")]
    Group(String),
    /// What is to be deleted cannot be found.
    #[error(transparent)]
    Find(#[from] QueryError),
}

impl From<CatalogError> for DeleteError {
    fn from(error: CatalogError) -> Self {
        DeleteError::Seal(error.into())
    }
}

impl Index {
    /// Deletes what has been taken in so far, matches `query` and lies between `start` and `end`, both included
    /// (nanoseconds for logs, milliseconds for metrics). When this returns it is hidden from every new snapshot
    /// and stays so. Answers the receipt.
    ///
    /// # Errors
    /// See [`DeleteError`]; nothing is deleted then.
    pub fn delete(
        &self,
        kind: Kind,
        query: &str,
        (start, end): (i64, i64),
        now_ms: i64,
    ) -> Result<DeleteRequest, DeleteError> {
        self.delete_as(None, DeleteRequest::new(kind, query, (start, end), now_ms))
    }

    /// The same for a request of the group, by its offset.
    pub(crate) fn delete_as(
        &self,
        offset: Option<i64>,
        mut request: DeleteRequest,
    ) -> Result<DeleteRequest, DeleteError> {
        let delete = request.understood()?;
        self.flush()?;
        // Merges go on meanwhile: one that swaps what was counted has it counted anew.
        loop {
            let snapshot = self.snapshot();
            (request.matched, request.pending) = count(&snapshot, &delete)?;
            if let Some(taken) = self.take_delete(&snapshot.sealed[0], offset, request.clone())? {
                return Ok(taken);
            }
        }
    }

    /// Puts the request into the catalog, unless one of its segments has been replaced since `counted`.
    fn take_delete(
        &self,
        counted: &Sealed,
        offset: Option<i64>,
        mut request: DeleteRequest,
    ) -> Result<Option<DeleteRequest>, DeleteError> {
        let mut catalog = self.inner.catalog.lock();
        let before = self.inner.state.lock().sealed.clone();
        let replaced = |id| counted.segments.contains_key(id) && !before.segments.contains_key(id);
        if request.pending.iter().any(replaced) {
            return Ok(None);
        }
        let mut manifest = before.manifest.next();
        request::make_room(&mut manifest.deletes)?;
        if let Some(offset) = offset {
            manifest.carried_out(offset);
        }
        request.id = offset.map_or(manifest.next_delete, DeleteRequest::id_of);
        manifest.next_delete = request.id + 1;
        manifest.deletes.insert(request.id, request.clone());
        fault::point("index.delete.before-commit");
        let sealed = self.commit(&mut catalog, &before, manifest, Change::default())?;
        fault::point("index.delete.after-commit");
        self.inner.state.lock().sealed = sealed.into();
        Ok(Some(request))
    }

    /// All requests, oldest first.
    pub fn deletes(&self) -> Vec<DeleteRequest> {
        self.inner.state.lock().sealed.manifest.deletes.values().cloned().collect()
    }

    /// Takes a delete back: what it hides is there again. With `force` also one of which a part is gone already.
    ///
    /// # Errors
    /// When there is no such request, or it is too late.
    pub fn cancel_delete(&self, id: u64, force: bool) -> Result<(), DeleteError> {
        self.change(|manifest| {
            manifest.deletes.remove(&id).ok_or(DeleteError::NotFound)?.check_cancel(force)?;
            Ok(())
        })
    }

    /// Commits a change of the manifest alone.
    pub(crate) fn change<E: From<CatalogError>>(
        &self,
        change: impl FnOnce(&mut Manifest) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut catalog = self.inner.catalog.lock();
        let before = self.inner.state.lock().sealed.clone();
        let mut manifest = before.manifest.next();
        change(&mut manifest)?;
        let sealed = self.commit(&mut catalog, &before, manifest, Change::default())?;
        self.inner.state.lock().sealed = sealed.into();
        Ok(())
    }
}

/// How many rows in segments a delete hides that are visible yet, and which segments may have some. What is
/// damaged counts as one that may.
fn count(snapshot: &Snapshot, delete: &Delete) -> Result<(u64, BTreeSet<u64>), QueryError> {
    match delete.kind {
        Kind::Logs => count_in::<LogColumns>(snapshot, delete),
        Kind::Metrics => count_in::<SampleColumns>(snapshot, delete),
    }
}

fn count_in<C: InHead>(snapshot: &Snapshot, delete: &Delete) -> Result<(u64, BTreeSet<u64>), QueryError> {
    let found = Parts::<C>::find(snapshot, &delete.matchers, delete.span.clone())?;
    let (mut matched, mut segments) = (0, BTreeSet::new());
    let mut loader = Loader::new();
    for part in &found.parts {
        let Some((segment, _)) = part.block() else { continue };
        let hidden = hidden(&mut loader, part, delete).inspect_err(|damage| snapshot.note(damage));
        let Ok(hidden) = hidden else {
            segments.insert(segment);
            continue;
        };
        matched += hidden;
        if hidden > 0 {
            segments.insert(segment);
        }
    }
    Ok((matched, segments))
}

/// How many visible rows of a part a delete hides.
fn hidden<C: InHead>(loader: &mut Loader<C>, part: &Part<C>, delete: &Delete) -> Result<u64, Damage> {
    let loaded = loader.load(part)?;
    let mut hidden = 0;
    for row in part.rows_within(&loaded, &delete.span)? {
        hidden += u64::from(delete.hides(&loaded, row as usize)?);
    }
    Ok(hidden)
}
