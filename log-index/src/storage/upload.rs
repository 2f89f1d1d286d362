//! Objects on their way into a bucket, in parts: memory holds a few of them.

use std::{
    io::{self, ErrorKind, Write},
    sync::Arc,
};

use object_store::buffered::BufWriter;
use tokio::io::AsyncWriteExt;

use super::{
    ObjectWriter, StorageError,
    bucket::{Inner, as_io, is_kept},
    cache::PIECE,
    failed,
};

/// An object under way to the bucket.
pub struct Upload {
    inner: Arc<Inner>,
    name: String,
    /// `None` when it is there, or has failed.
    writer: Option<BufWriter>,
    pending: Vec<u8>,
    pieces: u64,
}

impl Upload {
    pub fn new(inner: Arc<Inner>, name: &str, writer: BufWriter) -> Self {
        Upload { inner, name: name.to_owned(), writer: Some(writer), pending: Vec::new(), pieces: 0 }
    }

    fn send(&mut self, piece: Vec<u8>) -> io::Result<()> {
        if is_kept(&self.name) {
            self.inner.cache.put(&self.name, self.pieces, &piece);
        }
        self.pieces += 1;
        let mut writer = self.writer.take().ok_or(ErrorKind::BrokenPipe)?;
        let put = self.inner.wait(async move {
            let put = writer.put(piece.into()).await;
            (writer, put)
        });
        let (writer, put) = put?;
        self.writer = Some(writer);
        put.map_err(as_io)
    }

    fn end(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.pending);
        self.send(rest)?;
        let mut writer = self.writer.take().ok_or(ErrorKind::BrokenPipe)?;
        fault::point("index.bucket.before-put");
        let ended = self.inner.wait(async move { writer.shutdown().await }).flatten();
        if ended.is_err() {
            self.inner.cache.remove(&self.name);
        }
        fault::point("index.bucket.after-put");
        ended
    }
}

impl Write for Upload {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(content);
        while self.pending.len() as u64 >= PIECE {
            let rest = self.pending.split_off(PIECE as usize);
            let piece = std::mem::replace(&mut self.pending, rest);
            self.send(piece)?;
        }
        Ok(content.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ObjectWriter for Upload {
    fn finish(mut self: Box<Self>) -> Result<(), StorageError> {
        self.end().map_err(failed("write", &self.name))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            self.inner.cache.remove(&self.name);
            self.inner.start(async move {
                if let Err(error) = writer.abort().await {
                    tracing::warn!(%error, "parts of an object stay in the bucket");
                }
            });
        }
    }
}
