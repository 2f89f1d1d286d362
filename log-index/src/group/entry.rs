//! What stands on the group's topic: for each shard which manifest is its newest one.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{recover::MANIFEST, segment};

/// The version that this code writes and reads.
const VERSION: u32 = 1;

/// A shard's segments lie under numbers of their own: shard, ownership, count.
const SHARD_SHIFT: u32 = 48;
const EPOCH_SHIFT: u32 = 24;

/// One record: JSON. The last one of a partition counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    version: u32,
    /// Counts the owners of the shard.
    pub epoch: u64,
    /// Counts the changes of the shard.
    pub commit: u64,
    /// Of the manifest.
    pub bytes: u64,
}

/// A record that is none of ours.
#[derive(Debug, Error)]
pub enum EntryError {
    #[error("it is no JSON of an entry: {0}")]
    Form(#[from] serde_json::Error),
    #[error("version {0}; this release reads version {VERSION}: upgrade it")]
    Version(u32),
}

impl Entry {
    pub fn new(epoch: u64, commit: u64, bytes: u64) -> Self {
        Entry { version: VERSION, epoch, commit, bytes }
    }

    /// The entry of a manifest by the object's name and size; `None` if it is none.
    pub fn of_object(name: &str, bytes: u64) -> Option<Self> {
        let (epoch, commit) = name.strip_prefix(MANIFEST)?.strip_prefix('-')?.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        Some(Entry::new(number(epoch)?, number(commit)?, bytes))
    }

    /// Whether it comes behind another one of the shard.
    pub fn is_after(&self, other: &Entry) -> bool {
        self.commit > other.commit
    }

    /// Name of the manifest in the shard's storage.
    pub fn manifest(&self) -> String {
        format!("{MANIFEST}-{:08x}-{:016x}", self.epoch, self.commit)
    }

    /// # Errors
    /// When it has another form or version.
    pub fn from_record(value: &[u8]) -> Result<Self, EntryError> {
        let entry: Entry = serde_json::from_slice(value)?;
        if entry.version == VERSION { Ok(entry) } else { Err(EntryError::Version(entry.version)) }
    }

    pub fn to_record(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers")
    }
}

/// The newest one of those whose manifests are among the objects of a storage.
pub fn newest(present: &[(String, u64)]) -> Option<Entry> {
    let entries = present.iter().filter_map(|(name, bytes)| Entry::of_object(name, *bytes));
    entries.max_by_key(|entry| (entry.epoch, entry.commit))
}

/// The first number for segments of an owner. No other owner and no other shard comes upon the same: what a former
/// owner still writes is never what a manifest means.
pub fn first_segment(shard: i32, epoch: u64) -> u64 {
    (u64::from(shard.unsigned_abs()) << SHARD_SHIFT) | (epoch << EPOCH_SHIFT) | 1
}

/// The owner that has written an object of a shard.
pub fn epoch_of(name: &str) -> u64 {
    let of_segment =
        segment::id(name).map(|id| (id >> EPOCH_SHIFT) & ((1 << (SHARD_SHIFT - EPOCH_SHIFT)) - 1));
    of_segment.or_else(|| Some(Entry::of_object(name, 0)?.epoch)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was_and_a_later_version_is_refused() {
        let entry = Entry::new(3, 42, 7);
        assert_eq!(Entry::from_record(&entry.to_record()).unwrap(), entry);
        assert_eq!(Entry::of_object(&entry.manifest(), 7), Some(entry));
        assert_eq!(
            (Entry::of_object("manifest", 7), Entry::of_object("0000000000000001.seg", 7)),
            (None, None)
        );
        let later = br#"{"version": 2, "epoch": 1, "commit": 1, "bytes": 1}"#;
        assert!(Entry::from_record(later).unwrap_err().to_string().contains("upgrade"));
        assert!(Entry::from_record(b"no JSON").is_err());
    }

    #[test]
    fn owners_and_shards_have_numbers_of_their_own() {
        let firsts =
            [(0, 1), (0, 2), (1, 1), (1, 2), (300, 1)].map(|(shard, epoch)| first_segment(shard, epoch));
        assert!(firsts.is_sorted());
        let epochs = firsts.map(|first| epoch_of(&segment::name(first + 77)));
        assert_eq!(epochs, [1, 2, 1, 2, 1]);
        assert_eq!((epoch_of(&Entry::new(9, 1, 0).manifest()), epoch_of("other")), (9, 0));
        assert!(firsts.windows(2).all(|pair| pair[1] - pair[0] >= 1 << EPOCH_SHIFT));
    }
}
