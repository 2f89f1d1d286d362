//! Reads blocks of a segment, and finds damage.

use std::{
    collections::HashMap,
    ops::Range,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use thiserror::Error;

use super::{BlockPart, BlockRef, HEADER_LENGTH, MAGIC, OLDEST, Sections, VERSION, name};
use crate::{
    Kind,
    columns::{Block, Columns, LogBlock, SampleColumns},
    storage::Storage,
};

/// A segment keeps so many filters in memory, of at most 2 KiB each.
const MOST_FILTERS: usize = 1024;

/// Something of a segment cannot be read. The rest of the answer stands.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("segment {segment} is left out of this answer where it is damaged: {reason}")]
pub struct Damage {
    /// Name of the object.
    pub segment: String,
    /// What is wrong.
    pub reason: String,
}

/// A segment in the storage. Removed there when it was [doomed](Segment::doom) and nobody reads it any more.
pub struct Segment {
    pub id: u64,
    /// Its place in the order of arrival.
    pub order: u64,
    name: String,
    storage: Arc<dyn Storage>,
    /// There when the header has been looked at and is right.
    header: OnceLock<()>,
    doomed: AtomicBool,
    /// Filters of blocks by their offsets: every search asks them all.
    filters: Mutex<HashMap<u64, Arc<[u8]>>>,
}

impl Segment {
    pub fn new(id: u64, order: u64, storage: Arc<dyn Storage>) -> Self {
        let (header, doomed, filters) = (OnceLock::new(), AtomicBool::new(false), Mutex::default());
        Segment { id, order, name: name(id), storage, header, doomed, filters }
    }

    /// Has the object removed as soon as no snapshot holds it.
    pub fn doom(&self) {
        self.doomed.store(true, Ordering::Relaxed);
    }

    /// Opens a block; its sections are read when somebody asks for them.
    ///
    /// # Errors
    /// When it is not there, not as it was written, or of another version.
    pub fn open<B: Block<C>, C>(self: &Arc<Self>, block: &BlockRef) -> Result<B, Damage> {
        B::open(self.sections(block)?)
    }

    /// The sections of a block.
    ///
    /// # Errors
    /// As [`Segment::open`].
    pub fn sections(self: &Arc<Self>, block: &BlockRef) -> Result<Sections, Damage> {
        self.check()?;
        Sections::open(self.clone(), block)
    }

    /// The filter of a block of logs.
    ///
    /// # Errors
    /// As [`Segment::open`].
    pub fn filter(self: &Arc<Self>, block: &BlockRef) -> Result<Arc<[u8]>, Damage> {
        if let Some(known) = self.filters.lock().get(&block.offset) {
            return Ok(known.clone());
        }
        let filter: Arc<[u8]> = LogBlock::filter(&self.sections(block)?)?.into();
        let mut filters = self.filters.lock();
        if filters.len() < MOST_FILTERS {
            filters.insert(block.offset, filter.clone());
        }
        Ok(filter)
    }

    /// Reads a whole block.
    ///
    /// # Errors
    /// As [`Segment::open`].
    pub fn read<C: Columns>(self: &Arc<Self>, block: &BlockRef) -> Result<C, Damage> {
        let sections = self.sections(block)?;
        sections.check()?;
        C::Block::open(sections)?.into_columns()
    }

    /// The columns of a block: name, bytes on disk and bytes unpacked.
    ///
    /// # Errors
    /// When the block is damaged.
    pub fn column_sizes(
        self: &Arc<Self>,
        kind: Kind,
        block: &BlockRef,
    ) -> Result<Vec<(String, u64, u64)>, Damage> {
        let name = |section: usize| match kind {
            Kind::Logs => LogBlock::section_name(section),
            Kind::Metrics => SampleColumns::section_name(section),
        };
        let sizes = self.sections(block)?.sizes().into_iter().enumerate();
        Ok(sizes.map(|(section, (packed, raw))| (name(section), packed, raw)).collect())
    }

    /// The rows of a part in its block, which has `rows`.
    ///
    /// # Errors
    /// When it has not as many.
    pub fn rows_of(&self, part: &BlockPart, rows: usize) -> Result<Range<u32>, Damage> {
        match part.first_row.checked_add(part.rows) {
            Some(end) if end as usize <= rows => Ok(part.first_row..end),
            _ => Err(self.damage(format!("block at {} has only {rows} rows", part.block.offset))),
        }
    }

    pub fn damage(&self, reason: String) -> Damage {
        Damage { segment: self.name.clone(), reason }
    }

    pub(super) fn content(&self, offset: u64, length: usize) -> Result<Vec<u8>, String> {
        self.storage.read(&self.name, offset, length).map_err(|e| e.source.to_string())
    }

    /// Looks at the header until it is right: what cannot be reached now may be reached later.
    pub(super) fn check(&self) -> Result<(), Damage> {
        if self.header.get().is_none() {
            self.check_header().map_err(|reason| self.damage(reason))?;
            self.header.get_or_init(|| ());
        }
        Ok(())
    }

    fn check_header(&self) -> Result<(), String> {
        let header = self.content(0, HEADER_LENGTH)?;
        match header.as_slice() {
            [magic @ .., low, high] if magic == MAGIC => match u16::from_le_bytes([*low, *high]) {
                OLDEST..=VERSION => Ok(()),
                found => Err(format!(
                    "version {found}; this release reads versions {OLDEST} to {VERSION}: use the release that wrote it"
                )),
            },
            _ => Err("it does not begin as a segment does".into()),
        }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if !*self.doomed.get_mut() {
            return;
        }
        fault::point("index.segment.before-delete");
        if let Err(error) = self.storage.delete(&self.name) {
            // The next start removes what no commit knows.
            tracing::warn!(segment = self.name, %error, "dropped segment stays on disk");
        }
        fault::point("index.segment.after-delete");
    }
}
