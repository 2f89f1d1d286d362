//! Who a source is: the host's name, and the identity of a file.
//!
//! A file is the same file as long as host, device, inode, time of birth and generation are the same. That the
//! bytes are still those that were read shows in the fingerprint, a hash over the first bytes that grows with
//! the file up to [`HEAD`]. Two shippers that read one file come to the same identity.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh64::xxh64;

/// Bytes of a file's beginning that tell it from others.
pub const HEAD: usize = 1024;

/// Device and inode: names a file while it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileKey {
    /// Number of the device.
    pub device: u64,
    /// Number of the inode.
    pub inode: u64,
}

/// Hash over the first `length` bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Bytes that count.
    pub length: usize,
    /// xxHash64 over them.
    pub hash: u64,
}

impl FileKey {
    /// Of an open file.
    pub fn of(metadata: &Metadata) -> Self {
        FileKey { device: metadata.dev(), inode: metadata.ino() }
    }
}

impl Fingerprint {
    /// Of a file that begins with `head`.
    pub fn of(head: &[u8]) -> Self {
        Fingerprint { length: head.len(), hash: xxh64(head, 0) }
    }

    /// Whether a file that begins with `head` can be the same, grown or not.
    pub fn fits(&self, head: &[u8]) -> bool {
        head.get(..self.length).is_some_and(|begin| xxh64(begin, 0) == self.hash)
    }

    /// Whether it is long enough to recognise a file by its content alone.
    pub fn is_full(&self) -> bool {
        self.length >= HEAD
    }
}

/// The first bytes of a file, at most [`HEAD`].
///
/// # Errors
/// When the file cannot be read.
pub fn head(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD];
    let mut filled = 0;
    while filled < HEAD {
        match file.read_at(&mut head[filled..], filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    head.truncate(filled);
    Ok(head)
}

/// Time of birth in nanoseconds: tells files apart that have had the same inode one after the other. `None` where
/// the file system keeps none.
pub fn birth(metadata: &Metadata) -> Option<u64> {
    let created = metadata.created().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    created.map(|age| age.as_nanos() as u64)
}

/// The source of a file's entries.
pub fn file_source(host: &str, key: FileKey, birth: u64, generation: u32) -> String {
    format!("{host}/file/{:x}-{}-{birth:x}.{generation}", key.device, key.inode)
}

/// `name`, or the machine's host name.
pub fn host_name(name: Option<&str>, procfs: &Path) -> String {
    let read = || std::fs::read_to_string(procfs.join("sys/kernel/hostname")).ok();
    let name = name.map(str::to_owned).or_else(read).unwrap_or_default();
    match name.trim() {
        "" => "localhost".into(),
        name => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_fits_the_grown_file_but_not_a_rewritten_or_shorter_one() {
        let early = Fingerprint::of(b"Nov 21 web1 first");
        assert!(early.fits(b"Nov 21 web1 first line\nand more"));
        assert!(!early.fits(b"Nov 22 web1 first line\n"));
        assert!(!early.fits(b"Nov 21"));
        assert!(Fingerprint::of(b"").fits(b"anything"));
        assert!(!early.is_full());
    }

    #[test]
    fn a_reused_inode_and_a_new_generation_are_other_sources() {
        let key = FileKey { device: 0x803, inode: 42 };
        let first = file_source("web1", key, 255, 0);
        assert_eq!(first, "web1/file/803-42-ff.0");
        assert_ne!(first, file_source("web1", key, 256, 0));
        assert_ne!(first, file_source("web1", key, 255, 1));
    }
}
