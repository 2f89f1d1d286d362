//! The rows of a part, opened.

use std::sync::Arc;

use logql::{EntryRef, LineFilter};

use crate::{
    columns::{Columns, LogColumns, Rows, SampleColumns},
    head::Chunk,
    segment::Damage,
};

/// The rows of a chunk or a block.
pub enum Loaded<C: Columns> {
    Chunk(Arc<Chunk<C>>),
    Block(Arc<C::Block>),
}

impl<C: Columns> Rows for Loaded<C> {
    fn rows(&self) -> usize {
        match self {
            Loaded::Chunk(chunk) => chunk.columns.rows(),
            Loaded::Block(block) => block.rows(),
        }
    }

    fn timestamp(&self, row: usize) -> i64 {
        match self {
            Loaded::Chunk(chunk) => chunk.columns.timestamp(row),
            Loaded::Block(block) => block.timestamp(row),
        }
    }

    fn passes(&self, row: usize, filters: &[LineFilter]) -> Result<bool, Damage> {
        match self {
            Loaded::Chunk(chunk) => chunk.columns.passes(row, filters),
            Loaded::Block(block) => block.passes(row, filters),
        }
    }
}

impl Loaded<SampleColumns> {
    pub fn columns(&self) -> &SampleColumns {
        match self {
            Loaded::Chunk(chunk) => &chunk.columns,
            Loaded::Block(block) => block,
        }
    }
}

impl Loaded<LogColumns> {
    /// Of all rows.
    pub fn timestamps(&self) -> &[i64] {
        match self {
            Loaded::Chunk(chunk) => chunk.columns.timestamps(),
            Loaded::Block(block) => block.timestamps(),
        }
    }

    /// Whether any row may have metadata.
    pub fn has_metadata(&self) -> bool {
        match self {
            Loaded::Chunk(chunk) => chunk.columns.has_metadata(),
            Loaded::Block(block) => block.has_metadata(),
        }
    }

    /// # Errors
    /// When its block is damaged.
    pub fn metadata(&self, row: usize) -> Result<&[(String, String)], Damage> {
        match self {
            Loaded::Chunk(chunk) => Ok(chunk.columns.entry(row).metadata),
            Loaded::Block(block) => block.metadata(row),
        }
    }

    /// The entry of a row; `line` is where its line is put together.
    ///
    /// # Errors
    /// When its block is damaged.
    pub fn entry<'a>(&'a self, row: usize, line: &'a mut Vec<u8>) -> Result<EntryRef<'a>, Damage> {
        match self {
            Loaded::Chunk(chunk) => Ok(chunk.columns.entry(row)),
            Loaded::Block(block) => {
                line.clear();
                block.write_line(row, line)?;
                Ok(EntryRef { timestamp_ns: block.timestamp(row), line, metadata: block.metadata(row)? })
            }
        }
    }
}
