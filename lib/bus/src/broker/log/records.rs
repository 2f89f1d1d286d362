//! The records inside a batch. The broker looks at them for two purposes only: to find one by its time, and to know its
//! key where a topic is compacted.

use super::batch::{HEADER_LEN, Header};
use super::codec;

/// One record of a batch.
#[derive(Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its offset in the log.
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Its key, if it has one.
    pub key: Option<&'a [u8]>,
    /// It has no value: its key is deleted.
    pub is_tombstone: bool,
    /// The whole record with its length, as it stands in the batch.
    pub bytes: &'a [u8],
}

/// The records of a batch, in order; `opened` is what is behind the header, decompressed. Ends early where they cannot be
/// read.
pub fn iter<'a>(header: &'a Header, opened: &'a [u8]) -> impl Iterator<Item = Record<'a>> {
    let mut rest = opened;
    std::iter::from_fn(move || next(header, &mut rest))
}

/// Offset and timestamp of every record of a batch, in order. Ends early where the records cannot be read.
pub fn times(header: &Header, batch: &[u8]) -> Vec<(i64, i64)> {
    let records = batch.get(HEADER_LEN..header.size).unwrap_or_default();
    let opened = codec::decompress(header.attributes, records);
    iter(header, &opened).map(|record| (record.offset, record.timestamp)).collect()
}

/// Whether all records of a batch can be read and have a key.
pub fn all_have_keys(header: &Header, batch: &[u8]) -> bool {
    let records = batch.get(HEADER_LEN..header.size).unwrap_or_default();
    let opened = codec::decompress(header.attributes, records);
    iter(header, &opened).filter(|record| record.key.is_some()).count() == header.count as usize
}

fn next<'a>(header: &Header, rest: &mut &'a [u8]) -> Option<Record<'a>> {
    let start = *rest;
    let length = usize::try_from(varint(rest)?).ok()?;
    let (mut record, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    let bytes = &start[..start.len() - tail.len()];
    record = record.get(1..)?;
    let timestamp = header.base_timestamp.checked_add(varint(&mut record)?)?;
    let offset = header.base_offset.checked_add(varint(&mut record)?)?;
    let key = field(&mut record)?;
    let is_tombstone = field(&mut record)?.is_none();
    Some(Record { offset, timestamp, key, is_tombstone, bytes })
}

/// Bytes after their length; the inner `None` stands for those that are absent.
fn field<'a>(record: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let Ok(length) = usize::try_from(varint(record)?) else { return Some(None) };
    let (bytes, rest) = record.split_at_checked(length)?;
    *record = rest;
    Some(Some(bytes))
}

/// A zigzag variable-length integer of at most ten bytes.
fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}
