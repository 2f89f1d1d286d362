//! Record batches (format 2, the only one that current clients write): their header, and what the broker may change in it.
//!
//! A batch is stored exactly as the producer sent it. Only the base offset and the leader epoch are filled in;
//! both lie outside what the checksum covers, so nothing has to be computed anew.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::ResponseError;

/// Bytes from the start of a batch to its first record.
pub const HEADER_LEN: usize = 61;
/// Bytes of base offset and length, which the length itself does not count.
const LENGTH_PREFIX: usize = 12;
const CRC_START: usize = 21;

const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;

/// The fixed part of a record batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Size of the whole batch in bytes, this header included.
    pub size: usize,
    crc: u32,
    /// Codec, timestamp type and flags.
    pub attributes: i16,
    /// Offset of the last record, counted from the base offset.
    pub last_offset_delta: i32,
    /// Milliseconds since 1970 of the first record.
    pub base_timestamp: i64,
    /// Largest timestamp of the batch, milliseconds since 1970.
    pub max_timestamp: i64,
    /// Who wrote it; -1 for producers that are not idempotent.
    pub producer_id: i64,
    /// The producer's epoch.
    pub producer_epoch: i16,
    /// Sequence number of the first record; -1 when there is none.
    pub base_sequence: i32,
    /// Number of records.
    pub count: i32,
}

impl Header {
    /// Reads the header from the start of `bytes`; `None` when it is cut off or not a batch of format 2.
    pub fn parse(bytes: &[u8]) -> Option<Header> {
        let bytes: &[u8; HEADER_LEN] = bytes.first_chunk()?;
        let length = i32::from_be_bytes(field(bytes, 8));
        let size = usize::try_from(length).ok()?.checked_add(LENGTH_PREFIX)?;
        if bytes[16] != 2 || size < HEADER_LEN {
            return None;
        }
        Some(Header {
            base_offset: i64::from_be_bytes(field(bytes, 0)),
            size,
            crc: u32::from_be_bytes(field(bytes, 17)),
            attributes: i16::from_be_bytes(field(bytes, 21)),
            last_offset_delta: i32::from_be_bytes(field(bytes, 23)),
            base_timestamp: i64::from_be_bytes(field(bytes, 27)),
            max_timestamp: i64::from_be_bytes(field(bytes, 35)),
            producer_id: i64::from_be_bytes(field(bytes, 43)),
            producer_epoch: i16::from_be_bytes(field(bytes, 51)),
            base_sequence: i32::from_be_bytes(field(bytes, 53)),
            count: i32::from_be_bytes(field(bytes, 57)),
        })
    }

    /// Offset of the last record.
    pub fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// Sequence number of the last record; numbers wrap from the largest `i32` to 0.
    pub fn last_sequence(&self) -> i32 {
        self.base_sequence.wrapping_add(self.last_offset_delta) & i32::MAX
    }

    /// Belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// A marker of the broker that ends a transaction, never shown to applications.
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// Whether `batch`, which starts with this header, is whole and carries the checksum it was written with.
    pub fn matches(&self, batch: &[u8]) -> bool {
        batch.len() >= self.size && crc32c::crc32c(&batch[CRC_START..self.size]) == self.crc
    }

    fn is_coherent(&self) -> bool {
        self.count > 0
            && self.last_offset_delta == self.count - 1
            && self.attributes & 0x07 <= 4
            && (self.producer_id < 0 || (self.producer_epoch >= 0 && self.base_sequence >= 0))
    }
}

/// Checks what a producer sent for one partition: exactly one whole batch with the right checksum.
pub fn check_produced(records: &[u8], max_bytes: usize) -> Result<Header, ResponseError> {
    let header = Header::parse(records).ok_or(ResponseError::CorruptMessage)?;
    if header.size > max_bytes {
        return Err(ResponseError::MessageTooLarge);
    }
    if header.size != records.len() || header.is_control() || !header.is_coherent() {
        return Err(ResponseError::InvalidRecord);
    }
    if !header.matches(records) {
        return Err(ResponseError::CorruptMessage);
    }
    Ok(header)
}

/// A copy of `records` with its place in the log filled in.
pub fn place(records: &[u8], base_offset: i64) -> BytesMut {
    let mut batch = BytesMut::from(records);
    batch[0..8].copy_from_slice(&base_offset.to_be_bytes());
    batch[12..16].copy_from_slice(&0i32.to_be_bytes());
    batch
}

/// A batch in the place of `batch`, with its offsets and sequence numbers, but only these (compressed) records.
/// `max_timestamp` is theirs.
pub fn with_records(batch: &[u8], records: &[u8], count: i32, max_timestamp: i64) -> Bytes {
    let mut part = BytesMut::with_capacity(HEADER_LEN + records.len());
    part.put_slice(&batch[..HEADER_LEN]);
    part.put_slice(records);
    let length = (part.len() - LENGTH_PREFIX) as i32;
    part[8..12].copy_from_slice(&length.to_be_bytes());
    part[35..43].copy_from_slice(&max_timestamp.to_be_bytes());
    part[57..HEADER_LEN].copy_from_slice(&count.to_be_bytes());
    seal(&mut part);
    part.freeze()
}

/// Fills in the checksum.
fn seal(batch: &mut BytesMut) {
    let crc = crc32c::crc32c(&batch[CRC_START..]);
    batch[17..CRC_START].copy_from_slice(&crc.to_be_bytes());
}

/// The offset after the last of these batches; `None` if there are none.
pub fn end_of(mut batches: &[u8]) -> Option<i64> {
    let mut end = None;
    while let Some(header) = Header::parse(batches) {
        end = Some(header.last_offset() + 1);
        batches = batches.get(header.size..)?;
    }
    end
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// Its records do not count.
    Abort,
    /// Its records count.
    Commit,
}

/// Builds the control batch that ends a transaction of this producer.
pub fn marker(kind: Marker, producer_id: i64, producer_epoch: i16, now_ms: i64) -> Bytes {
    let record = marker_record(kind);
    let mut batch = BytesMut::with_capacity(HEADER_LEN + record.len());
    batch.put_i64(0);
    batch.put_i32((HEADER_LEN + record.len() - LENGTH_PREFIX) as i32);
    batch.put_i32(0);
    batch.put_u8(2);
    batch.put_u32(0);
    batch.put_i16(TRANSACTIONAL | CONTROL);
    batch.put_i32(0);
    batch.put_i64(now_ms);
    batch.put_i64(now_ms);
    batch.put_i64(producer_id);
    batch.put_i16(producer_epoch);
    batch.put_i32(-1);
    batch.put_i32(1);
    batch.put_slice(&record);
    seal(&mut batch);
    batch.freeze()
}

/// The one record of a control batch: key (version, kind), value (version, coordinator epoch). Lengths are zigzag
/// varints that all fit one byte.
fn marker_record(kind: Marker) -> [u8; 17] {
    let kind = match kind {
        Marker::Abort => 0,
        Marker::Commit => 1,
    };
    //length, attributes, two deltas, key length, key, value length, value, headers
    [32, 0, 0, 0, 8, 0, 0, 0, kind, 12, 0, 0, 0, 0, 0, 0, 0]
}

/// Which kind of marker a control batch holds; `None` when it is none that we know.
pub fn marker_kind(batch: &[u8]) -> Option<Marker> {
    match batch.get(HEADER_LEN + 5..HEADER_LEN + 9)? {
        [0, 0, 0, 0] => Some(Marker::Abort),
        [0, 0, 0, 1] => Some(Marker::Commit),
        _ => None,
    }
}

fn field<const N: usize>(bytes: &[u8; HEADER_LEN], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::log::records;

    #[test]
    fn a_marker_is_a_valid_control_batch() {
        for kind in [Marker::Abort, Marker::Commit] {
            let batch = marker(kind, 7, 3, 1000);
            let header = Header::parse(&batch).expect("header");
            assert!(header.matches(&batch) && header.is_control() && header.is_transactional());
            assert_eq!((header.producer_id, header.producer_epoch, header.size), (7, 3, batch.len()));
            assert_eq!(marker_kind(&batch), Some(kind));
            assert_eq!(records::times(&header, &batch), vec![(0, 1000)]);
        }
    }

    #[test]
    fn placing_a_batch_keeps_its_checksum() {
        let placed = place(&marker(Marker::Commit, 1, 0, 5), 42);
        let header = Header::parse(&placed).expect("header");
        assert_eq!(header.base_offset, 42);
        assert!(header.matches(&placed));
    }

    #[test]
    fn a_flipped_bit_or_a_cut_tail_is_noticed() {
        let batch = marker(Marker::Commit, 1, 0, 5);
        let header = Header::parse(&batch).expect("header");
        let mut flipped = batch.to_vec();
        flipped[70] ^= 1;
        assert!(!header.matches(&flipped));
        assert!(!header.matches(&batch[..batch.len() - 1]));
        assert_eq!(Header::parse(&batch[..60]), None);
    }
}
