//! One file of the disk queue: a header, then frames of length, checksum, number of entries and an event in the
//! batch form. A frame that was cut off by a crash ends the segment.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// Name and version.
const MAGIC: &[u8; 8] = b"TRSPOOL1";
const FRAME_HEADER: usize = 12;
/// No event of ours is as large: a longer frame is damage.
const FRAME_LIMIT: u32 = 64 << 20;

/// Where the frames begin.
pub const START: u64 = MAGIC.len() as u64;

/// One event, as stored.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// The event in the batch form.
    pub payload: Vec<u8>,
    /// Entries or samples in it.
    pub count: u32,
    /// Where the next frame begins.
    pub end: u64,
}

/// What is at a place in a segment.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// An event.
    Frame(Frame),
    /// Nothing yet.
    End,
    /// Something that no frame begins with.
    Damaged,
}

/// File name of a segment.
pub fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:020}.spool"))
}

/// Number of a segment, from its path.
pub fn number(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(".spool")?.parse().ok()
}

/// Makes a new segment.
///
/// # Errors
/// When the file cannot be written.
pub fn create(folder: &Path, number: u64) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path(folder, number))?;
    file.write_all(MAGIC)?;
    Ok(file)
}

/// Writes a frame at `offset`; returns where the next one begins. What a failed attempt leaves is overwritten
/// by the next.
///
/// # Errors
/// When the file cannot be written.
pub fn write(file: &File, offset: u64, payload: &[u8], count: u32) -> io::Result<u64> {
    let mut frame = Vec::with_capacity(FRAME_HEADER + payload.len());
    frame.extend((payload.len() as u32).to_le_bytes());
    frame.extend(crc32fast::hash(payload).to_le_bytes());
    frame.extend(count.to_le_bytes());
    frame.extend(payload);
    file.write_all_at(&frame, offset)?;
    Ok(offset + frame.len() as u64)
}

/// Reads the frame at `offset` of a segment of which `limit` bytes count.
///
/// # Errors
/// When the file cannot be read.
pub fn read(file: &File, offset: u64, limit: u64) -> io::Result<Read> {
    if offset >= limit {
        return Ok(Read::End);
    }
    let mut header = [0; FRAME_HEADER];
    if offset + FRAME_HEADER as u64 > limit || file.read_exact_at(&mut header, offset).is_err() {
        return Ok(Read::Damaged);
    }
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (length, checksum, count) = (word(0), word(4), word(8));
    let end = offset + FRAME_HEADER as u64 + u64::from(length);
    if length > FRAME_LIMIT || end > limit {
        return Ok(Read::Damaged);
    }
    let mut payload = vec![0; length as usize];
    file.read_exact_at(&mut payload, offset + FRAME_HEADER as u64)?;
    let intact = crc32fast::hash(&payload) == checksum;
    Ok(if intact { Read::Frame(Frame { payload, count, end }) } else { Read::Damaged })
}

/// Opens a segment for reading.
///
/// # Errors
/// When it is not there, or of another version.
pub fn open(folder: &Path, number: u64) -> io::Result<File> {
    let path = path(folder, number);
    let file = File::open(&path)?;
    let mut magic = [0; MAGIC.len()];
    file.read_exact_at(&mut magic, 0)?;
    if &magic != MAGIC {
        let reason = format!("{} is no segment of the disk queue, or of another version", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    Ok(file)
}
