//! A segment: an immutable object with the entries and samples of many streams over a span of time.
//!
//! | part | content |
//! | --- | --- |
//! | header, 8 bytes | `TRSEGM`, the version as two bytes, little-endian |
//! | blocks | sections with columns; rows of one stream, or of several small ones in a row |
//! | footer | a Zstandard frame of the [`StreamMeta`]s, sorted by kind and labels |
//! | trailer, 16 bytes | length of the footer, its length unpacked, its CRC-32, `TRSG` |
//!
//! The catalog holds a copy of each [`StreamMeta`], so that a query goes from there to the blocks directly; the
//! footer is for whoever checks a segment or makes the catalog anew.

mod footer;
#[cfg(fuzzing)]
pub mod fuzzing;
mod meta;
mod reader;
mod sections;
mod writer;

pub use footer::Footer;
pub use meta::{BlockPart, BlockRef, StreamMeta};
pub use reader::{Damage, Segment};
pub use sections::Sections;
pub use writer::{Builder, Built, MERGED_BLOCK_BYTES, StreamsWriter, build};

/// The version that this code writes. 3: samples lie in runs and planes, and may be native
/// histograms.
pub const VERSION: u16 = 3;
/// The oldest one that it reads.
pub const OLDEST: u16 = 2;

const MAGIC: &[u8; 6] = b"TRSEGM";
const END_MAGIC: &[u8; 4] = b"TRSG";
const ENDING: &str = ".seg";
pub const HEADER_LENGTH: usize = 8;

/// No block that this code writes comes near this, unpacked: a larger one is damage.
const MAX_BLOCK: usize = 256 << 20;

fn header() -> [u8; HEADER_LENGTH] {
    let mut header = [0; HEADER_LENGTH];
    header[..6].copy_from_slice(MAGIC);
    header[6..].copy_from_slice(&VERSION.to_le_bytes());
    header
}

/// The object's name; sorts by age.
pub fn name(id: u64) -> String {
    format!("{id:016x}{ENDING}")
}

/// The id in an object's name; `None` if it is not that of a segment.
pub fn id(name: &str) -> Option<u64> {
    u64::from_str_radix(name.strip_suffix(ENDING)?, 16).ok()
}
