//! Looks at an index on disk without taking it in use: a process that has it open does not mind.

mod check;
mod inspect;
mod place;
mod strangers;

use std::{collections::BTreeMap, sync::Arc};

pub use check::{CheckReport, Problem, check};
pub use inspect::{ColumnSize, InspectReport, SegmentReport, StreamReport, inspect};

use crate::{
    catalog::{Catalog, CatalogError, Manifest},
    segment::{BlockPart, BlockRef, Segment, StreamMeta},
    storage::Storage,
};

/// Told after each segment: bytes looked at, and of how many.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// An index, or a shard of one, as its last commit has it.
struct Offline {
    /// What the names of its objects begin with in a report.
    prefix: String,
    storage: Arc<dyn Storage>,
    /// The objects there and their sizes.
    present: BTreeMap<String, u64>,
    stored: Result<Option<Manifest>, CatalogError>,
    /// `None` where there is no catalog beside the segments.
    catalog: Option<Result<(Catalog, Option<Manifest>), CatalogError>>,
}

impl Offline {
    /// The newest that can be read.
    fn manifest(&self) -> Option<&Manifest> {
        let catalog = self.catalog.as_ref().and_then(|catalog| catalog.as_ref().ok());
        let of_catalog = catalog.and_then(|(_, manifest)| manifest.as_ref());
        let stored = self.stored.as_ref().ok().and_then(Option::as_ref);
        [of_catalog, stored].into_iter().flatten().max_by_key(|manifest| manifest.commit)
    }

    fn segment(&self, id: u64) -> Arc<Segment> {
        Arc::new(Segment::new(id, id, self.storage.clone()))
    }
}

/// Bytes of all segments.
fn size(stores: &[Offline]) -> u64 {
    let segments = stores.iter().filter_map(Offline::manifest).flat_map(|m| m.segments.values());
    segments.map(|info| info.bytes).sum()
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
