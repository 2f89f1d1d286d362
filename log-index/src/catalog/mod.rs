//! Which streams are in which segments, and how far the bus has been read: a tantivy index with a document for
//! each stream in each segment, whose commits carry the [`Manifest`].

mod directory;
mod manifest;
mod query;
mod schema;

use std::path::{Path, PathBuf};

use tantivy::{
    Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyError,
    directory::error::OpenDirectoryError,
    index::IndexSettings,
    indexer::{IndexWriterOptions, LogMergePolicy},
    schema::Schema,
};
use thiserror::Error;

pub use manifest::{Families, Manifest, Progress, SegmentInfo};
pub use query::{Listing, Selection};

use self::{
    directory::Files,
    schema::{Fields, schema},
};
use crate::{
    segment::{Damage, StreamMeta},
    storage::StorageError,
};

/// The catalog could not be read or written.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// Written by another release.
    #[error(
        "catalog of version {found}; this release reads version {known}: upgrade the older one, or move the \
         index away and let Kafka fill it anew"
    )]
    UnknownVersion {
        /// On disk.
        found: u32,
        /// In this code.
        known: u32,
    },
    /// The manifest is damaged.
    #[error("the manifest cannot be read: {0}")]
    Payload(#[from] serde_json::Error),
    /// The same.
    #[error("the manifest's checksum is wrong")]
    Checksum,
    /// A file of the catalog is damaged.
    #[error("checksum of {} is wrong", .0.display())]
    Damaged(PathBuf),
    /// The manifest cannot be written beside the segments.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A delete is not understood.
    #[error("catalog's delete request {id} cannot be read: {reason}")]
    Delete {
        /// Its number.
        id: u64,
        /// What is wrong.
        reason: String,
    },
    /// Another process has taken over, or none has yet.
    #[error("this process may not change the segments: another one of the group does")]
    NotOwner,
    /// Kafka does not take it.
    #[error("{0}")]
    Bus(String),
    /// A segment's streams.
    #[error("{0}")]
    Segment(Box<Damage>),
    /// A stored document is damaged.
    #[error("catalog's document {0} cannot be read")]
    Document(u32),
    /// The folder.
    #[error("{0}")]
    Folder(#[from] OpenDirectoryError),
    /// Reading a posting list or a column.
    #[error("{0}")]
    Read(#[from] std::io::Error),
    /// Anything else that tantivy says.
    #[error("{0}")]
    Tantivy(#[from] TantivyError),
}

/// Memory for documents on their way to disk: the least that tantivy takes.
const WRITER_BYTES: usize = 15_000_000;

/// Merge when this share of a catalog segment's documents is deleted.
const DELETED_BEFORE_MERGE: f32 = 0.3;

/// Stored documents are unpacked into blocks; this many are kept for each catalog segment.
const CACHED_BLOCKS: usize = 4;

/// Writes the catalog; there is one at a time.
pub struct Catalog {
    index: Index,
    fields: Fields,
    reader: IndexReader,
    /// Made when something is written, and anew after an error.
    writer: Option<IndexWriter>,
}

impl Catalog {
    /// Opens the catalog in `path`, or makes an empty one. Answers the manifest of its last commit.
    ///
    /// # Errors
    /// When it is damaged, or of a later release.
    pub fn open(path: &Path) -> Result<(Self, Option<Manifest>), CatalogError> {
        let (schema, fields) = schema();
        let directory = Files::open(path)?;
        let found = Index::exists(&directory).map_err(TantivyError::from)?;
        let index = match found {
            // The version stands in the payload and is looked at before the schema.
            true => Index::open(directory)?,
            false => Index::create(directory, schema.clone(), IndexSettings::default())?,
        };
        let manifest = manifest_of(&index)?;
        check(&index, &schema)?;
        let builder = index.reader_builder().reload_policy(ReloadPolicy::Manual);
        let reader = builder.doc_store_cache_num_blocks(CACHED_BLOCKS).try_into()?;
        let catalog = Catalog { index, fields, reader, writer: None };
        let streams = |manifest: &Manifest| manifest.segments.values().map(|info| info.streams).sum();
        if catalog.searcher().num_docs() != manifest.as_ref().map_or(0, streams) {
            return Err(CatalogError::Damaged("meta.json".into()));
        }
        Ok((catalog, manifest))
    }

    /// Makes `manifest` true, together with the streams of new segments and without those of `dropped` ones.
    ///
    /// # Errors
    /// When the disk is full or broken, or `added` ends with an error; then the catalog is as it was.
    pub fn commit<S: AsRef<[StreamMeta]>>(
        &mut self,
        manifest: &Manifest,
        added: impl IntoIterator<Item = Result<(u64, S), CatalogError>>,
        dropped: &[u64],
    ) -> Result<Listing, CatalogError> {
        if let Err(error) = self.try_commit(manifest, added, dropped) {
            // The writer may be broken. Whether the commit has happened is what the disk says.
            self.writer = None;
            if manifest_of(&self.index)?.is_none_or(|found| found.commit != manifest.commit) {
                return Err(error);
            }
        }
        self.reader.reload()?;
        Ok(self.listing())
    }

    /// What is in the catalog as of the last commit.
    pub fn listing(&self) -> Listing {
        Listing::new(self.searcher(), self.fields)
    }

    fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    fn stage(&mut self, segment: u64, streams: &[StreamMeta]) -> Result<(), CatalogError> {
        let fields = self.fields;
        let writer = self.writer()?;
        for stream in streams {
            writer.add_document(fields.document(segment, stream))?;
        }
        Ok(())
    }

    fn try_commit<S: AsRef<[StreamMeta]>>(
        &mut self,
        manifest: &Manifest,
        added: impl IntoIterator<Item = Result<(u64, S), CatalogError>>,
        dropped: &[u64],
    ) -> Result<(), CatalogError> {
        for segment in added {
            let (segment, streams) = segment?;
            self.stage(segment, streams.as_ref())?;
        }
        let fields = self.fields;
        let writer = self.writer()?;
        for segment in dropped {
            writer.delete_term(fields.segment_term(*segment));
        }
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(&manifest.to_payload()?);
        fault::point("index.catalog.before-commit");
        commit.commit()?;
        fault::point("index.catalog.after-commit");
        Ok(())
    }

    fn writer(&mut self) -> Result<&mut IndexWriter, CatalogError> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => new_writer(&self.index)?,
        };
        Ok(self.writer.insert(writer))
    }
}

/// What tantivy itself takes on trust.
fn check(index: &Index, schema: &Schema) -> Result<(), CatalogError> {
    if index.schema() != *schema {
        return Err(CatalogError::Damaged("meta.json".into()));
    }
    match index.validate_checksum()?.into_iter().next() {
        Some(file) => Err(CatalogError::Damaged(file)),
        None => Ok(()),
    }
}

fn new_writer(index: &Index) -> Result<IndexWriter, CatalogError> {
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .num_merge_threads(1)
        .memory_budget_per_thread(WRITER_BYTES)
        .build();
    let writer: IndexWriter = index.writer_with_options(options)?;
    let mut policy = LogMergePolicy::default();
    policy.set_del_docs_ratio_before_merge(DELETED_BEFORE_MERGE);
    writer.set_merge_policy(Box::new(policy));
    // A commit that was cut off has left files whose names the next one may want.
    writer.garbage_collect_files().wait()?;
    Ok(writer)
}

fn manifest_of(index: &Index) -> Result<Option<Manifest>, CatalogError> {
    index.load_metas()?.payload.as_deref().map(Manifest::from_payload).transpose()
}
