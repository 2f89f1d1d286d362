//! The sections of a block. Each is a Zstandard frame of its own, so that a query reads what it needs. The block's
//! head has their number, and of each the length, the length unpacked and the CRC-32; empty ones have the length
//! alone.

use std::{borrow::Cow, cell::RefCell, io, sync::Arc};

use super::{BlockRef, Damage, MAX_BLOCK, Segment};
use crate::codec::{Damaged, Input, put_u64};

/// Blocks up to this length are read as a whole.
const SMALL_BLOCK: u32 = 64 << 10;

struct Place {
    /// In the block.
    start: usize,
    length: usize,
    raw_length: usize,
    crc: u32,
}

/// The sections of one block.
pub struct Sections {
    segment: Arc<Segment>,
    block: BlockRef,
    places: Vec<Place>,
    /// The block's bytes, if it is small.
    content: Option<Vec<u8>>,
}

/// Head and body of a block with these sections.
pub fn pack(
    sections: &[Vec<u8>],
    compressor: &mut zstd::bulk::Compressor<'static>,
) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let (mut head, mut body) = (Vec::new(), Vec::new());
    put_u64(&mut head, sections.len() as u64);
    for section in sections {
        let packed = if section.is_empty() { Vec::new() } else { compressor.compress(section)? };
        put_u64(&mut head, packed.len() as u64);
        if !packed.is_empty() {
            put_u64(&mut head, section.len() as u64);
            head.extend(crc32fast::hash(&packed).to_le_bytes());
        }
        body.extend(packed);
    }
    Ok((head, body))
}

fn places(head: &[u8]) -> Result<Vec<Place>, Damaged> {
    let (mut input, mut start) = (Input(head), head.len());
    let count = input.count()?;
    let place = |_| {
        let length = input.u32()? as usize;
        if length == 0 {
            return Ok(Place { start, length, raw_length: 0, crc: 0 });
        }
        let raw_length = input.u32()? as usize;
        let crc = input.take(4)?.try_into().map_or(0, u32::from_le_bytes);
        start += length;
        Ok(Place { start: start - length, length, raw_length, crc })
    };
    (0..count).map(place).collect()
}

impl Sections {
    pub(super) fn open(segment: Arc<Segment>, block: &BlockRef) -> Result<Self, Damage> {
        let small = block.length <= SMALL_BLOCK;
        let mut sections = Sections { segment, block: *block, places: Vec::new(), content: None };
        let content = sections.content(0, if small { block.length } else { block.head } as usize)?;
        let head = content.get(..block.head as usize).ok_or_else(|| sections.damage(Damaged))?;
        if crc32fast::hash(head) != block.crc {
            return Err(sections.damage("checksum is wrong"));
        }
        sections.places = places(head).map_err(|damaged| sections.damage(damaged))?;
        sections.content = small.then_some(content);
        Ok(sections)
    }

    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Bytes of each section, packed and unpacked.
    pub fn sizes(&self) -> Vec<(u64, u64)> {
        self.places.iter().map(|place| (place.length as u64, place.raw_length as u64)).collect()
    }

    /// Looks at the checksums of all sections, also of those that hold no rows.
    ///
    /// # Errors
    /// When a section is not as it was written.
    pub fn check(&self) -> Result<(), Damage> {
        self.places.iter().try_for_each(|place| self.packed(place).map(drop))
    }

    /// Unpacks a section.
    ///
    /// # Errors
    /// When it is not there, or not as it was written.
    pub fn read(&self, section: usize) -> Result<Vec<u8>, Damage> {
        let place = self.places.get(section).ok_or_else(|| self.damage(Damaged))?;
        if place.length == 0 { Ok(Vec::new()) } else { self.unpack(place, &self.packed(place)?) }
    }

    /// A section as it lies in the segment.
    fn packed(&self, place: &Place) -> Result<Cow<'_, [u8]>, Damage> {
        let packed: Cow<'_, [u8]> = match &self.content {
            Some(content) => {
                let packed = content.get(place.start..place.start + place.length);
                packed.ok_or_else(|| self.damage(Damaged))?.into()
            }
            None => self.content(place.start, place.length)?.into(),
        };
        let whole = place.length == 0 || crc32fast::hash(&packed) == place.crc;
        if whole { Ok(packed) } else { Err(self.damage("checksum is wrong")) }
    }

    fn unpack(&self, place: &Place, packed: &[u8]) -> Result<Vec<u8>, Damage> {
        thread_local! {
            /// Making one takes longer than a small section.
            static DECOMPRESSOR: RefCell<io::Result<zstd::bulk::Decompressor<'static>>> =
                RefCell::new(zstd::bulk::Decompressor::new());
        }
        if place.raw_length > MAX_BLOCK {
            return Err(self.damage("size is not possible"));
        }
        DECOMPRESSOR.with_borrow_mut(|decompressor| match decompressor {
            Ok(decompressor) => decompressor.decompress(packed, place.raw_length).map_err(|e| self.damage(e)),
            Err(error) => Err(self.damage(error)),
        })
    }

    fn content(&self, start: usize, length: usize) -> Result<Vec<u8>, Damage> {
        self.segment.content(self.block.offset + start as u64, length).map_err(|reason| self.damage(reason))
    }

    /// That the block is not as it was written.
    pub fn damage(&self, reason: impl std::fmt::Display) -> Damage {
        self.segment.damage(format!("block at {}: {reason}", self.block.offset))
    }
}
