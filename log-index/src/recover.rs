//! What is true after a start. The manifest stands in the storage, beside the segments, and in the catalog's
//! commit; of the two the newer one that can be read counts. The catalog is only a way to find streams: what it
//! lacks is read from the footers of the segments.

use std::{fs, path::Path, sync::Arc};

use crate::{
    OpenError,
    catalog::{Catalog, CatalogError, Manifest, SegmentInfo},
    delete::understand,
    segment::{self, Damage, Segment},
    state::{Sealed, State},
    storage::{Storage, UNFINISHED, put},
};

/// The manifest's object in the storage.
pub const MANIFEST: &str = "manifest";

/// An index as of its last commit.
pub struct Recovered {
    pub catalog: Catalog,
    pub manifest: Manifest,
    /// Segments whose streams are not known.
    pub unlisted: Vec<Damage>,
}

impl Recovered {
    /// The state of an index that begins with it.
    ///
    /// # Errors
    /// When a delete is not understood.
    pub fn opened(self, path: &Path, storage: &Arc<dyn Storage>) -> Result<(Catalog, State), OpenError> {
        let Recovered { catalog, manifest, unlisted } = self;
        let open = |(id, info): (&u64, &SegmentInfo)| {
            (*id, Arc::new(Segment::new(*id, info.order, storage.clone())))
        };
        let segments = manifest.segments.iter().map(open).collect();
        let deletes = understand(&manifest, &[]);
        let deletes = deletes.map_err(|source| OpenError::Catalog { path: path.to_owned(), source })?;
        let sealed = Sealed { listing: catalog.listing(), segments, manifest, deletes, unlisted };
        sealed.tell(None);
        Ok((catalog, State::new(sealed)))
    }
}

/// Writes the manifest beside the segments: from then on it is true, whatever becomes of the catalog.
///
/// # Errors
/// When there is no room, or the device fails.
pub fn put_manifest(storage: &dyn Storage, manifest: &Manifest) -> Result<(), CatalogError> {
    put(storage, MANIFEST, manifest.to_payload()?.as_bytes())?;
    fault::point("index.catalog.after-manifest");
    Ok(())
}

/// # Errors
/// When a later release has written the index, the folder is not usable, or there are segments and no manifest.
pub fn recover(
    path: &Path,
    storage: &Arc<dyn Storage>,
    present: &[(String, u64)],
) -> Result<Recovered, OpenError> {
    let failed = |source| OpenError::Catalog { path: path.to_owned(), source };
    let stored = match stored_manifest(storage.as_ref(), present) {
        Err(error @ (CatalogError::Payload(_) | CatalogError::Checksum)) => {
            tracing::error!(%error, "damaged; the catalog has the same");
            None
        }
        other => other.map_err(failed)?,
    };
    let (mut catalog, own) = open_catalog(&path.join("catalog"))?;
    let known = own.clone().unwrap_or_default();
    let newest = [stored, own].into_iter().flatten().max_by_key(|manifest| manifest.commit);
    let last_id = present.iter().filter_map(|(name, _)| segment::id(name)).max();
    let Some(mut manifest) = newest else {
        if last_id.is_some() {
            return Err(OpenError::CatalogMissing(path.to_owned()));
        }
        let manifest = Manifest::default();
        // So that a segment without a manifest is never what the first seal has left.
        put_manifest(storage.as_ref(), &manifest).map_err(failed)?;
        return Ok(Recovered { catalog, manifest, unlisted: Vec::new() });
    };
    // A bucket may remove what no commit knows only after another segment could have taken its name.
    manifest.next_segment = last_id.map_or(0, |id| id + 1).max(manifest.next_segment);
    let unlisted = match manifest.commit == known.commit {
        true => Vec::new(),
        false => catch_up(&mut catalog, storage, &known, &manifest, true).map_err(failed)?,
    };
    Ok(Recovered { catalog, manifest, unlisted })
}

/// `None` if there is none that can be read.
///
/// # Errors
/// When it cannot be read; one that is damaged can be forgone if the catalog has it.
fn stored_manifest(
    storage: &dyn Storage,
    present: &[(String, u64)],
) -> Result<Option<Manifest>, CatalogError> {
    let stored = present.iter().find(|(name, _)| name == MANIFEST);
    stored.map(|(name, bytes)| read_manifest(storage, name, *bytes)).transpose()
}

/// # Errors
/// When it cannot be read, is damaged or of a later release.
pub fn read_manifest(storage: &dyn Storage, name: &str, bytes: u64) -> Result<Manifest, CatalogError> {
    let content = storage.read(name, 0, usize::try_from(bytes).unwrap_or(usize::MAX))?;
    Manifest::from_payload(&String::from_utf8_lossy(&content))
}

/// A catalog that cannot be read is made anew.
pub fn open_catalog(path: &Path) -> Result<(Catalog, Option<Manifest>), OpenError> {
    let failed = |source| OpenError::Catalog { path: path.to_owned(), source };
    let folder = OpenError::folder(path);
    fs::create_dir_all(path).map_err(&folder)?;
    match Catalog::open(path) {
        Ok(opened) => Ok(opened),
        Err(error @ CatalogError::UnknownVersion { .. }) => Err(failed(error)),
        Err(error) => {
            tracing::error!(path = %path.display(), %error, "catalog is damaged and is made anew from the segments");
            fs::remove_dir_all(path).map_err(&folder)?;
            fs::create_dir_all(path).map_err(&folder)?;
            Catalog::open(path).map_err(failed)
        }
    }
}

/// Brings the catalog from `known` to `manifest`; with `damaged` without the streams that cannot be read.
///
/// # Errors
/// When the catalog cannot be written, or a segment cannot be read.
pub fn catch_up(
    catalog: &mut Catalog,
    storage: &Arc<dyn Storage>,
    known: &Manifest,
    manifest: &Manifest,
    damaged: bool,
) -> Result<Vec<Damage>, CatalogError> {
    let mut unlisted = Vec::new();
    let added = manifest.segments.iter().filter(|(id, _)| !known.segments.contains_key(id));
    // One by one: together they may be more than memory holds.
    let added = added.filter_map(|(id, info)| {
        match Segment::new(*id, info.order, storage.clone()).streams(info.bytes) {
            Ok(streams) => Some(Ok((*id, streams))),
            Err(damage) if damaged => {
                unlisted.push(damage);
                None
            }
            Err(damage) => Some(Err(CatalogError::Segment(damage.into()))),
        }
    });
    let gone = known.segments.keys().filter(|id| !manifest.segments.contains_key(id)).copied();
    catalog.commit(manifest, added, &gone.collect::<Vec<_>>())?;
    Ok(unlisted)
}

/// Removes what an interrupted seal, merge or drop has left, and names what is missing.
pub fn tidy(storage: &dyn Storage, present: &[(String, u64)], manifest: &Manifest) {
    let is_ours = |name: &str| segment::id(name).is_some() || name.ends_with(UNFINISHED);
    for (name, _) in present.iter().filter(|(name, _)| is_ours(name)) {
        let known = manifest.segments.keys().any(|id| segment::name(*id) == *name);
        if !known && let Err(error) = storage.delete(name) {
            tracing::warn!(name, %error, "file that no commit knows stays");
        }
    }
    for (id, info) in &manifest.segments {
        let name = segment::name(*id);
        if !present.iter().any(|(n, bytes)| *n == name && *bytes == info.bytes) {
            tracing::error!(name, expected_bytes = info.bytes, "segment is missing or has another size");
        }
    }
}
