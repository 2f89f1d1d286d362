//! The footer: where each stream lies, as the segment itself says.

use super::{Damage, END_MAGIC, MAX_BLOCK, Segment, StreamMeta};
use crate::codec::{Damaged, Input};

const TRAILER_LENGTH: usize = 16;

/// The streams of a segment, sorted by kind and labels; unpacked, and decoded one by one.
pub struct Footer {
    raw: Vec<u8>,
    at: usize,
}

impl Segment {
    /// Reads the footer of a segment that is `bytes` long.
    ///
    /// # Errors
    /// When it is damaged, or the segment is not as long.
    pub fn footer(&self, bytes: u64) -> Result<Footer, Damage> {
        let damage = |what: &str| self.damage(format!("footer: {what}"));
        self.check()?;
        let trailer_at = bytes.checked_sub(TRAILER_LENGTH as u64).ok_or_else(|| damage("no room for it"))?;
        let trailer = self.content(trailer_at, TRAILER_LENGTH).map_err(|e| damage(&e))?;
        let (numbers, magic) = trailer.as_chunks::<4>().0.split_at(3);
        if magic != [*END_MAGIC] {
            return Err(damage("it does not end as a segment does"));
        }
        let [length, raw_length, crc] = [0, 1, 2].map(|at| u32::from_le_bytes(numbers[at]));
        let at = trailer_at.checked_sub(length.into()).ok_or_else(|| damage("size is not possible"))?;
        let packed = self.content(at, length as usize).map_err(|e| damage(&e))?;
        if crc32fast::hash(&packed) != crc {
            return Err(damage("checksum is wrong"));
        }
        let limit = (raw_length as usize).min(MAX_BLOCK);
        let raw = zstd::bulk::decompress(&packed, limit).map_err(|e| damage(&e.to_string()))?;
        if raw.len() != raw_length as usize {
            return Err(damage("size is wrong"));
        }
        Ok(Footer { raw, at: 0 })
    }
}

impl Segment {
    /// All streams of the footer.
    ///
    /// # Errors
    /// As [`Segment::footer`].
    pub fn streams(&self, bytes: u64) -> Result<Vec<StreamMeta>, Damage> {
        let streams: Result<Vec<_>, _> = self.footer(bytes)?.collect();
        streams.map_err(|error| self.damage(format!("footer: {error}")))
    }
}

impl Iterator for Footer {
    type Item = Result<StreamMeta, Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut input = Input(self.raw.get(self.at..).filter(|rest| !rest.is_empty())?);
        let stream = StreamMeta::decode(&mut input);
        self.at = if stream.is_ok() { self.raw.len() - input.0.len() } else { self.raw.len() };
        Some(stream)
    }
}
