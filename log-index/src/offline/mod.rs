//! Looks at an index on disk without taking it in use: a process that has it open does not mind.

mod check;
mod inspect;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use check::{CheckReport, Problem, check};
pub use inspect::{ColumnSize, InspectReport, SegmentReport, StreamReport, inspect};

use crate::{
    OpenError,
    catalog::{Catalog, CatalogError, Manifest},
    recover::stored_manifest,
    segment::{BlockPart, BlockRef, Segment, StreamMeta},
    storage::{Directory, Storage},
};

/// Told after each segment: bytes looked at, and of how many.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// An index as its last commit has it.
struct Offline {
    path: PathBuf,
    storage: Arc<dyn Storage>,
    stored: Result<Option<Manifest>, CatalogError>,
    catalog: Result<(Catalog, Option<Manifest>), CatalogError>,
}

impl Offline {
    /// `dir` is the data directory, or the folder `index` in it.
    fn open(dir: &Path) -> Result<Self, OpenError> {
        let inner = dir.join("index");
        let path = if inner.is_dir() { inner } else { dir.to_owned() };
        let folder = OpenError::folder(&path);
        let segments = path.join("segments");
        fs::metadata(&segments).map_err(&folder)?;
        let storage: Arc<dyn Storage> = Arc::new(Directory::open(segments).map_err(&folder)?);
        let stored = stored_manifest(storage.as_ref(), &storage.list()?);
        let catalog = match path.join("catalog/meta.json").exists() {
            true => Catalog::open(&path.join("catalog")),
            false => Err(io::Error::from(io::ErrorKind::NotFound).into()),
        };
        Ok(Offline { path, storage, stored, catalog })
    }

    /// The newest that can be read.
    fn manifest(&self) -> Result<Manifest, OpenError> {
        let of_catalog = self.catalog.as_ref().ok().and_then(|(_, manifest)| manifest.as_ref());
        let stored = self.stored.as_ref().ok().and_then(Option::as_ref);
        let newest = [of_catalog, stored].into_iter().flatten().max_by_key(|manifest| manifest.commit);
        newest.cloned().ok_or_else(|| OpenError::CatalogMissing(self.path.clone()))
    }

    fn segment(&self, id: u64) -> Arc<Segment> {
        Arc::new(Segment::new(id, id, self.storage.clone()))
    }
}

/// Streams that share a block, and the part of each.
type Sharing<'a> = Vec<(&'a StreamMeta, &'a BlockPart)>;

/// The blocks by their offsets.
fn by_block(streams: &[StreamMeta]) -> BTreeMap<u64, (BlockRef, Sharing<'_>)> {
    let mut blocks = BTreeMap::new();
    for stream in streams {
        for part in &stream.parts {
            let block = blocks.entry(part.block.offset).or_insert((part.block, Vec::new()));
            block.1.push((stream, part));
        }
    }
    blocks
}
