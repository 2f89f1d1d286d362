//! What compaction keeps: batch by batch, record by record.

use crate::broker::log::batch::{self, HEADER_LEN, Header};
use crate::broker::log::producers::Aborted;
use crate::broker::log::records::{self, Record};
use crate::broker::log::{codec, segment};
use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// The newest offset of every key. Keys are known by 128 bits that nobody outside can foresee.
pub struct KeyMap {
    newest: HashMap<u128, i64>,
    hashers: [RandomState; 2],
    most: usize,
    /// Before this offset all keys have been seen.
    pub end: i64,
    is_full: bool,
}

impl KeyMap {
    /// An empty map for so many keys.
    pub fn new(most: usize) -> KeyMap {
        let hashers = [RandomState::new(), RandomState::new()];
        KeyMap { newest: HashMap::new(), hashers, most, end: 0, is_full: false }
    }

    fn id(&self, key: &[u8]) -> u128 {
        let [high, low] = self.hashers.each_ref().map(|hasher| u128::from(hasher.hash_one(key)));
        high << 64 | low
    }

    /// Notes the keys of a batch; when there is no room for all of them, of none from here on. A batch that no map has
    /// room for is left alone.
    fn add(&mut self, header: &Header, batch: &[u8]) {
        let readable = header.matches(batch) && (header.count as usize) < self.most;
        let opened = codec::decompress(header.attributes, batch.get(HEADER_LEN..).unwrap_or_default());
        for record in records::iter(header, &opened).filter(|_| readable) {
            let Some(key) = record.key.map(|key| self.id(key)) else { continue };
            if self.newest.len() >= self.most && !self.newest.contains_key(&key) {
                self.is_full = true;
                return;
            }
            self.newest.insert(key, record.offset);
        }
        self.end = header.last_offset() + 1;
    }

    fn has_newer(&self, key: &[u8], offset: i64) -> bool {
        self.newest.get(&self.id(key)).is_some_and(|newest| *newest > offset)
    }
}

/// One run over a log, from its first segment on.
pub struct Cleaning {
    /// First and last offset of aborted transactions, by producer.
    aborted: HashMap<i64, Vec<(i64, i64)>>,
    needed: HashSet<i64>,
    tombstones_before: i64,
    /// Producers of whose current transaction something was kept: its marker has to stay.
    in_transaction: HashSet<i64>,
    /// Offsets of markers that were not kept.
    pub dropped_markers: HashSet<i64>,
}

/// What is kept of a batch.
enum Kept {
    /// All of it, byte for byte.
    Whole,
    /// Some of its records, or only its place.
    Part(Bytes),
    /// Nothing.
    Nothing,
}

impl Cleaning {
    /// A run that leaves out `aborted` transactions and deletions before an offset, and keeps the batches that end at
    /// the `needed` offsets.
    pub fn new(aborted: Vec<Aborted>, needed: HashSet<i64>, tombstones_before: i64) -> Cleaning {
        let mut by_producer: HashMap<i64, Vec<(i64, i64)>> = HashMap::new();
        for txn in aborted {
            by_producer.entry(txn.producer_id).or_default().push((txn.first_offset, txn.last_offset));
        }
        Cleaning {
            aborted: by_producer,
            needed,
            tombstones_before,
            in_transaction: HashSet::new(),
            dropped_markers: HashSet::new(),
        }
    }

    /// Notes the keys of a segment, as far as they are new and there is room for them.
    pub fn collect_keys(
        &self,
        source: &Path,
        dirty_from: i64,
        keys: &mut KeyMap,
        stopping: &CancellationToken,
    ) -> io::Result<()> {
        for batch in segment::batches(source)? {
            let (header, bytes) = batch?;
            check_stopping(stopping)?;
            if keys.is_full {
                return Ok(());
            }
            let counts =
                header.last_offset() >= dirty_from && !header.is_control() && !self.is_aborted(&header);
            keys.add(&header, if counts { &bytes } else { &[] });
        }
        Ok(())
    }

    /// Copies what is kept of a segment.
    pub fn copy(
        &mut self,
        source: &Path,
        keys: &KeyMap,
        out: &mut impl Write,
        stopping: &CancellationToken,
    ) -> io::Result<()> {
        for batch in segment::batches(source)? {
            let (header, bytes) = batch?;
            check_stopping(stopping)?;
            match self.clean(&header, &bytes, keys)? {
                Kept::Whole => out.write_all(&bytes)?,
                Kept::Part(part) => out.write_all(&part)?,
                Kept::Nothing => {}
            }
        }
        Ok(())
    }

    fn clean(&mut self, header: &Header, bytes: &[u8], keys: &KeyMap) -> io::Result<Kept> {
        if header.is_control() {
            return Ok(self.clean_marker(header));
        }
        let kept = match self.is_aborted(header) {
            true => Kept::Nothing,
            false => self.clean_records(header, bytes, keys)?,
        };
        let kept = match kept {
            Kept::Nothing if self.needed.contains(&header.last_offset()) => {
                Kept::Part(batch::with_records(bytes, &[], 0, -1))
            }
            other => other,
        };
        if header.is_transactional() && !matches!(kept, Kept::Nothing) {
            self.in_transaction.insert(header.producer_id);
        }
        Ok(kept)
    }

    /// At start a transaction is open from its first record to its marker, so one does not stay without the other.
    fn clean_marker(&mut self, header: &Header) -> Kept {
        let has_records = self.in_transaction.remove(&header.producer_id);
        if has_records || self.needed.contains(&header.last_offset()) {
            return Kept::Whole;
        }
        self.dropped_markers.insert(header.base_offset);
        Kept::Nothing
    }

    fn clean_records(&self, header: &Header, bytes: &[u8], keys: &KeyMap) -> io::Result<Kept> {
        let opened = codec::decompress(header.attributes, &bytes[HEADER_LEN..]);
        let (mut total, mut count, mut newest, mut part) = (0, 0, -1, Vec::new());
        for record in records::iter(header, &opened) {
            total += 1;
            if self.keeps(&record, keys) {
                part.extend_from_slice(record.bytes);
                (count, newest) = (count + 1, newest.max(record.timestamp));
            }
        }
        // What is damaged or cannot be read to its end is not touched.
        if count == total || total != header.count || !header.matches(bytes) {
            return Ok(Kept::Whole);
        }
        if count == 0 {
            return Ok(Kept::Nothing);
        }
        let part = codec::compress(header.attributes, &part)?;
        Ok(Kept::Part(batch::with_records(bytes, &part, count, newest)))
    }

    fn keeps(&self, record: &Record, keys: &KeyMap) -> bool {
        let Some(key) = record.key else { return false };
        let deleted = record.is_tombstone && record.offset < self.tombstones_before;
        !deleted && !keys.has_newer(key, record.offset)
    }

    fn is_aborted(&self, header: &Header) -> bool {
        let aborted = self.aborted.get(&header.producer_id).filter(|_| header.is_transactional());
        let within = |(first, last): &(i64, i64)| (*first..=*last).contains(&header.base_offset);
        aborted.is_some_and(|transactions| transactions.iter().any(within))
    }
}

fn check_stopping(stopping: &CancellationToken) -> io::Result<()> {
    match stopping.is_cancelled() {
        true => Err(io::ErrorKind::Interrupted.into()),
        false => Ok(()),
    }
}
