//! Writes segments, from memory or from other segments.

use std::{
    io::{self, Write},
    sync::Arc,
};

use event::Labels;

use super::{BlockPart, BlockRef, END_MAGIC, StreamMeta, header, sections};
use crate::{
    columns::Columns,
    head::{Chunk, Head, Streams},
};

/// A block is closed when its content has this size.
const BLOCK_BYTES: usize = 1 << 20;

/// The same in merged segments: larger blocks pack better.
pub const MERGED_BLOCK_BYTES: usize = 4 << 20;

/// A stream begins a new block if the one under way has reached this part of its size: small streams share,
/// large ones do not.
const SHARED_PART: usize = 4;

/// A segment that has been written, but for the end of its object.
pub struct Built {
    /// Length in bytes.
    pub bytes: u64,
    pub streams: Vec<StreamMeta>,
}

/// Writes what is in memory.
///
/// # Errors
/// When `out` takes nothing more, or Zstandard has no memory.
pub fn build(head: &Head, compression_level: i32, out: impl Write) -> io::Result<Built> {
    let mut builder = Builder::new(out, compression_level, BLOCK_BYTES)?;
    add_all(&mut builder, &head.logs)?;
    add_all(&mut builder, &head.metrics)?;
    builder.finish()
}

fn add_all<C: Columns, W: Write>(builder: &mut Builder<W>, streams: &Streams<C>) -> io::Result<()> {
    let mut sorted: Vec<_> = streams.iter().collect();
    sorted.sort_by_key(|(labels, _)| *labels);
    let mut writer = builder.streams::<C>();
    for (labels, chunks) in sorted {
        writer.begin(labels);
        writer.add_chunks(chunks)?;
    }
    writer.end()
}

/// Writes a segment block by block: memory holds one block, and where each stream is.
pub struct Builder<W> {
    out: W,
    offset: u64,
    compressor: zstd::bulk::Compressor<'static>,
    /// A block is closed when its content has this size.
    block_bytes: usize,
    streams: Vec<StreamMeta>,
}

impl<W: Write> Builder<W> {
    /// # Errors
    /// As [`build`].
    pub fn new(out: W, compression_level: i32, block_bytes: usize) -> io::Result<Self> {
        let compressor = zstd::bulk::Compressor::new(compression_level)?;
        let mut builder = Builder { out, offset: 0, compressor, block_bytes, streams: Vec::new() };
        builder.put(&header())?;
        Ok(builder)
    }

    /// For the streams of one kind; those for logs come first.
    pub fn streams<C: Columns>(&mut self) -> StreamsWriter<'_, W, C> {
        let pending = Pending { columns: C::default(), parts: Vec::new() };
        StreamsWriter { builder: self, next: None, pending }
    }

    fn put(&mut self, content: &[u8]) -> io::Result<()> {
        self.out.write_all(content)?;
        self.offset += content.len() as u64;
        Ok(())
    }

    fn write<C: Columns>(&mut self, columns: &C) -> io::Result<BlockRef> {
        let (head, sections) = sections::pack(&columns.encode(), &mut self.compressor)?;
        let block = BlockRef {
            offset: self.offset,
            length: (head.len() + sections.len()) as u32,
            head: head.len() as u32,
            crc: crc32fast::hash(&head),
        };
        self.put(&head)?;
        self.put(&sections)?;
        Ok(block)
    }

    /// Writes the footer.
    ///
    /// # Errors
    /// As [`build`].
    pub fn finish(mut self) -> io::Result<Built> {
        let mut raw = Vec::new();
        self.streams.iter().for_each(|stream| stream.encode(&mut raw));
        let footer = self.compressor.compress(&raw)?;
        self.put(&footer)?;
        for number in [footer.len() as u32, raw.len() as u32, crc32fast::hash(&footer)] {
            self.put(&number.to_le_bytes())?;
        }
        self.put(END_MAGIC)?;
        Ok(Built { bytes: self.offset, streams: self.streams })
    }
}

/// A block under way, and whose rows are in it: index of the stream, and the part but for its block.
struct Pending<C> {
    columns: C,
    parts: Vec<(usize, BlockPart)>,
}

/// Takes the streams of one kind, sorted by labels, and of each the rows in the order of time.
pub struct StreamsWriter<'a, W, C> {
    builder: &'a mut Builder<W>,
    /// The stream whose first row has not come yet.
    next: Option<Labels>,
    pending: Pending<C>,
}

impl<W: Write, C: Columns> StreamsWriter<'_, W, C> {
    /// The rows from now on are of this stream. One without rows leaves no trace.
    pub fn begin(&mut self, labels: &Labels) {
        self.next = Some(labels.clone());
    }

    fn open_stream(&mut self) -> io::Result<()> {
        let Some(labels) = self.next.take() else { return Ok(()) };
        if self.pending.columns.weight() >= self.builder.block_bytes / SHARED_PART {
            self.close()?;
        }
        let stream = StreamMeta { kind: C::KIND, labels, parts: Vec::new() };
        self.builder.streams.push(stream);
        Ok(())
    }

    /// Adds a row of `columns` to the stream.
    ///
    /// # Errors
    /// As [`build`].
    pub fn push(&mut self, columns: &C, row: usize) -> io::Result<()> {
        self.open_stream()?;
        self.pending.push(self.builder.streams.len() - 1, columns, row);
        if self.pending.columns.weight() >= self.builder.block_bytes { self.close() } else { Ok(()) }
    }

    /// Writes what has not filled a block.
    ///
    /// # Errors
    /// As [`build`].
    pub fn end(mut self) -> io::Result<()> {
        self.close()
    }

    fn add_chunks(&mut self, chunks: &[Arc<Chunk<C>>]) -> io::Result<()> {
        if is_in_order(chunks) {
            return chunks.iter().try_for_each(|chunk| self.add_chunk(chunk));
        }
        for (chunk, row) in rows_by_time(chunks) {
            self.push(&chunks[chunk].columns, row)?;
        }
        Ok(())
    }

    /// A chunk that is as large as a block becomes one as it is.
    fn add_chunk(&mut self, chunk: &Chunk<C>) -> io::Result<()> {
        let columns = &chunk.columns;
        self.open_stream()?;
        if !self.pending.parts.is_empty() || columns.weight() < self.builder.block_bytes {
            return (0..columns.rows()).try_for_each(|row| self.push(columns, row));
        }
        let (rows, bytes) = (columns.rows() as u32, columns.weight() as u64);
        let block = self.builder.write(columns)?;
        let part = BlockPart { block, first_row: 0, rows, bytes, min: chunk.min, max: chunk.max };
        if let Some(stream) = self.builder.streams.last_mut() {
            stream.parts.push(part);
        }
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        if self.pending.parts.is_empty() {
            return Ok(());
        }
        let block = self.builder.write(&std::mem::take(&mut self.pending.columns))?;
        for (stream, part) in self.pending.parts.drain(..) {
            self.builder.streams[stream].parts.push(BlockPart { block, ..part });
        }
        Ok(())
    }
}

impl<C: Columns> Pending<C> {
    fn push(&mut self, stream: usize, from: &C, row: usize) {
        let (time, first_row, before) = (from.timestamp(row), self.columns.rows(), self.columns.weight());
        self.columns.push_from(from, row);
        let bytes = (self.columns.weight() - before) as u64;
        match self.parts.last_mut() {
            Some((last, part)) if *last == stream => {
                part.rows += 1;
                part.bytes += bytes;
                part.max = time;
            }
            _ => {
                let block = BlockRef { offset: 0, length: 0, head: 0, crc: 0 };
                let first_row = first_row as u32;
                self.parts
                    .push((stream, BlockPart { block, first_row, rows: 1, bytes, min: time, max: time }));
            }
        }
    }
}

fn is_in_order<C>(chunks: &[Arc<Chunk<C>>]) -> bool {
    chunks.iter().all(|c| c.sorted) && chunks.windows(2).all(|w| w[0].max <= w[1].min)
}

/// Chunk and row of every row, in the order of time, and of arrival where times are equal.
fn rows_by_time<C: Columns>(chunks: &[Arc<Chunk<C>>]) -> Vec<(usize, usize)> {
    let of_chunk = |chunk: usize| (0..chunks[chunk].columns.rows()).map(move |row| (chunk, row));
    let mut rows: Vec<_> = (0..chunks.len()).flat_map(of_chunk).collect();
    rows.sort_by_key(|(chunk, row)| chunks[*chunk].columns.timestamp(*row));
    rows
}
