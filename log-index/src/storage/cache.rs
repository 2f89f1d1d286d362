//! Pieces of remote objects on the local disk, up to so many bytes: what nobody has read for longest goes first.

use std::{collections::HashMap, io, path::PathBuf};

use parking_lot::Mutex;

use super::{Directory, Storage, put};

/// Objects are kept in pieces of this size; the last one is shorter.
pub const PIECE: u64 = 4 << 20;

/// Bytes of a checksum behind each piece.
const CRC: usize = 4;

/// Pieces of objects.
pub struct Cache {
    folder: Directory,
    limit: u64,
    pieces: Mutex<Pieces>,
}

#[derive(Default)]
struct Pieces {
    /// Size and last use.
    by_name: HashMap<String, (u64, u64)>,
    bytes: u64,
    /// Counts uses.
    clock: u64,
}

impl Cache {
    /// With what a process before has left in the folder.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(path: PathBuf, limit: u64) -> io::Result<Self> {
        let folder = Directory::open(path)?;
        let mut pieces = Pieces::default();
        for (name, bytes) in folder.list().map_err(|error| error.source)? {
            pieces.add(name, bytes);
        }
        let cache = Cache { folder, limit, pieces: Mutex::new(pieces) };
        cache.shrink();
        Ok(cache)
    }

    /// A piece, if it is there and whole.
    pub fn get(&self, object: &str, piece: u64) -> Option<Vec<u8>> {
        let name = name(object, piece);
        let bytes = self.pieces.lock().touch(&name)?;
        let content = self.folder.read(&name, 0, usize::try_from(bytes).ok()?).ok();
        let whole = content.and_then(|mut content| {
            let crc = content.split_off(content.len().checked_sub(CRC)?);
            (crc32fast::hash(&content).to_le_bytes()[..] == crc[..]).then_some(content)
        });
        if whole.is_none() {
            self.forget(&name);
        }
        whole
    }

    /// Keeps a piece. A disk that takes nothing makes reading slower and no less right.
    pub fn put(&self, object: &str, piece: u64, content: &[u8]) {
        let name = name(object, piece);
        let crc = crc32fast::hash(content).to_le_bytes();
        match put(&self.folder, &name, &[content, &crc[..]].concat()) {
            Ok(()) => self.pieces.lock().add(name, (content.len() + CRC) as u64),
            Err(error) => tracing::debug!(%error, "not kept on the local disk"),
        }
        self.shrink();
    }

    /// Forgets all pieces of an object.
    pub fn remove(&self, object: &str) {
        let prefix = format!("{object}.");
        let names: Vec<String> = self.pieces.lock().by_name.keys().cloned().collect();
        names.iter().filter(|name| name.starts_with(&prefix)).for_each(|name| self.forget(name));
    }

    fn shrink(&self) {
        loop {
            let Some(oldest) = self.pieces.lock().surplus(self.limit) else { return };
            self.forget(&oldest);
        }
    }

    fn forget(&self, name: &str) {
        self.pieces.lock().take(name);
        if let Err(error) = self.folder.delete(name) {
            tracing::warn!(%error, "stays on the local disk");
        }
    }
}

impl Pieces {
    fn add(&mut self, name: String, bytes: u64) {
        self.clock += 1;
        let before = self.by_name.insert(name, (bytes, self.clock)).map_or(0, |(bytes, _)| bytes);
        self.bytes = self.bytes - before + bytes;
    }

    fn touch(&mut self, name: &str) -> Option<u64> {
        self.clock += 1;
        let (bytes, used) = self.by_name.get_mut(name)?;
        *used = self.clock;
        Some(*bytes)
    }

    fn take(&mut self, name: &str) {
        if let Some((bytes, _)) = self.by_name.remove(name) {
            self.bytes -= bytes;
        }
    }

    /// What goes next if there are more than `limit` bytes.
    fn surplus(&self, limit: u64) -> Option<String> {
        let oldest = || self.by_name.iter().min_by_key(|(_, (_, used))| *used);
        (self.bytes > limit).then(oldest).flatten().map(|(name, _)| name.clone())
    }
}

fn name(object: &str, piece: u64) -> String {
    format!("{object}.{piece}")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_nobody_has_read_for_longest_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path().to_owned(), 30).unwrap();
        cache.put("a", 0, b"0123456789");
        cache.put("a", 1, b"abcdefghij");
        assert_eq!(cache.get("a", 0).unwrap(), b"0123456789");
        cache.put("b", 0, b"klm");
        assert_eq!((cache.get("a", 1), cache.get("b", 0)), (None, Some(b"klm".to_vec())));
        drop(cache);
        let smaller = Cache::open(folder.path().to_owned(), 8).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        smaller.remove("b");
        smaller.remove("a");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_piece_is_no_piece() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path().to_owned(), 100).unwrap();
        cache.put("a", 0, b"0123456789");
        fs::write(folder.path().join("a.0"), b"0123456780abcd").unwrap();
        assert_eq!(cache.get("a", 0), None);
        fs::write(folder.path().join("b.0"), b"x").unwrap();
        let cache = Cache::open(folder.path().to_owned(), 100).unwrap();
        assert_eq!(cache.get("b", 0), None);
    }
}
