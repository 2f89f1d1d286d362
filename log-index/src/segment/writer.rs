//! From what is in memory to the bytes of a segment.

use std::{io, sync::Arc};

use event::Labels;

use super::{BlockPart, BlockRef, END_MAGIC, StreamMeta, header};
use crate::{
    columns::Columns,
    head::{Chunk, Head, Streams},
};

/// A block is closed when its content has this size.
const BLOCK_BYTES: usize = 256 << 10;

/// A stream begins a new block if the one under way has this size: small streams share, large ones do not.
const SHARED_BYTES: usize = BLOCK_BYTES / 4;

/// A segment that is ready to be written.
pub struct Built {
    pub bytes: Vec<u8>,
    pub streams: Vec<StreamMeta>,
}

/// # Errors
/// When Zstandard refuses, which it does only for want of memory.
pub fn build(head: &Head, compression_level: i32) -> io::Result<Built> {
    let mut writer = Writer {
        out: header().to_vec(),
        compressor: zstd::bulk::Compressor::new(compression_level)?,
        streams: Vec::new(),
    };
    writer.add(&head.logs)?;
    writer.add(&head.metrics)?;
    writer.finish()
}

struct Writer {
    out: Vec<u8>,
    compressor: zstd::bulk::Compressor<'static>,
    streams: Vec<StreamMeta>,
}

/// A block under way, and whose rows are in it: index of the stream, and the part but for its block.
struct Pending<C> {
    columns: C,
    parts: Vec<(usize, BlockPart)>,
}

impl Writer {
    fn add<C: Columns>(&mut self, streams: &Streams<C>) -> io::Result<()> {
        let mut sorted: Vec<_> = streams.iter().collect();
        sorted.sort_by_key(|(labels, _)| *labels);
        let mut pending = Pending { columns: C::default(), parts: Vec::new() };
        for (labels, chunks) in sorted {
            if pending.columns.weight() >= SHARED_BYTES {
                self.close(&mut pending)?;
            }
            self.add_stream(labels, chunks, &mut pending)?;
        }
        self.close(&mut pending)
    }

    fn add_stream<C: Columns>(
        &mut self,
        labels: &Labels,
        chunks: &[Arc<Chunk<C>>],
        pending: &mut Pending<C>,
    ) -> io::Result<()> {
        let stream = self.streams.len();
        self.streams.push(StreamMeta { kind: C::KIND, labels: labels.clone(), parts: Vec::new() });
        if is_in_order(chunks) {
            return chunks.iter().try_for_each(|chunk| self.add_chunk(stream, chunk, pending));
        }
        for (chunk, row) in rows_by_time(chunks) {
            self.add_row(stream, &chunks[chunk].columns, row, pending)?;
        }
        Ok(())
    }

    /// A chunk that is as large as a block becomes one as it is.
    fn add_chunk<C: Columns>(
        &mut self,
        stream: usize,
        chunk: &Chunk<C>,
        pending: &mut Pending<C>,
    ) -> io::Result<()> {
        let columns = &chunk.columns;
        if pending.parts.is_empty() && columns.weight() >= BLOCK_BYTES {
            let (rows, bytes) = (columns.rows() as u32, columns.weight() as u64);
            let block = self.write(columns)?;
            let part = BlockPart { block, first_row: 0, rows, bytes, min: chunk.min, max: chunk.max };
            self.streams[stream].parts.push(part);
            return Ok(());
        }
        (0..columns.rows()).try_for_each(|row| self.add_row(stream, columns, row, pending))
    }

    fn add_row<C: Columns>(
        &mut self,
        stream: usize,
        columns: &C,
        row: usize,
        pending: &mut Pending<C>,
    ) -> io::Result<()> {
        pending.push(stream, columns, row);
        if pending.columns.weight() >= BLOCK_BYTES { self.close(pending) } else { Ok(()) }
    }

    fn close<C: Columns>(&mut self, pending: &mut Pending<C>) -> io::Result<()> {
        if pending.parts.is_empty() {
            return Ok(());
        }
        let block = self.write(&std::mem::take(&mut pending.columns))?;
        for (stream, part) in pending.parts.drain(..) {
            self.streams[stream].parts.push(BlockPart { block, ..part });
        }
        Ok(())
    }

    fn write<C: Columns>(&mut self, columns: &C) -> io::Result<BlockRef> {
        let raw = columns.encode();
        let packed = self.compressor.compress(&raw)?;
        let block = BlockRef {
            offset: self.out.len() as u64,
            length: packed.len() as u32,
            raw_length: raw.len() as u32,
            crc: crc32fast::hash(&packed),
        };
        self.out.extend_from_slice(&packed);
        Ok(block)
    }

    fn finish(mut self) -> io::Result<Built> {
        let mut raw = Vec::new();
        self.streams.iter().for_each(|stream| stream.encode(&mut raw));
        let footer = self.compressor.compress(&raw)?;
        self.out.extend_from_slice(&footer);
        for number in [footer.len() as u32, raw.len() as u32, crc32fast::hash(&footer)] {
            self.out.extend_from_slice(&number.to_le_bytes());
        }
        self.out.extend_from_slice(END_MAGIC);
        Ok(Built { bytes: self.out, streams: self.streams })
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
                let block = BlockRef { offset: 0, length: 0, raw_length: 0, crc: 0 };
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
