//! The segments of the queue: which there are, and where the next frame is.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::Path,
};

use super::segment::{self, Read};
use crate::checkpoint::SpoolPosition;

/// What is on disk, and how far it has been read.
pub struct State {
    /// Segments on disk, by number; the last one is written to.
    pub segments: BTreeMap<u64, Segment>,
    current: Option<File>,
    /// The next frame to send.
    pub next: SpoolPosition,
}

#[derive(Clone, Copy, Default)]
pub struct Segment {
    pub length: u64,
    /// Entries and samples that have not been read yet.
    pub unread: u64,
}

impl State {
    /// Takes up the segments in `folder`; those before `from` are acknowledged and go.
    pub fn load(folder: &Path, from: SpoolPosition) -> io::Result<Self> {
        let mut segments = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            match segment::number(&entry.path()) {
                Some(number) if number < from.segment => fs::remove_file(entry.path())?,
                Some(number) => {
                    segments.insert(number, scan(folder, number, from, entry.metadata()?.len()));
                }
                None => {}
            }
        }
        Ok(State { segments, current: None, next: from })
    }

    /// Bytes of all segments.
    pub fn total(&self) -> u64 {
        self.segments.values().map(|s| s.length).sum()
    }

    /// Adds a frame, in a new segment where the last one is full.
    pub fn append(&mut self, folder: &Path, payload: &[u8], count: u32, segment_size: u64) -> io::Result<()> {
        let full = self.segments.last_key_value().is_some_and(|(_, s)| s.length >= segment_size);
        if self.current.is_none() || full {
            let last = self.segments.last_key_value().map_or(0, |(n, _)| *n);
            let number = last.max(self.next.segment) + 1;
            self.current = Some(segment::create(folder, number)?);
            fault::point("shipper.spool.after-create");
            self.segments.insert(number, Segment { length: segment::START, unread: 0 });
        }
        if let (Some(file), Some(mut last)) = (&self.current, self.segments.last_entry()) {
            let segment = last.get_mut();
            fault::point("shipper.spool.before-write");
            segment.length = segment::write(file, segment.length, payload, count)?;
            fault::point("shipper.spool.after-write");
            segment.unread += u64::from(count);
        }
        Ok(())
    }

    /// The next place to read, how much of its segment counts, and whether that is the last segment.
    pub fn place(&mut self) -> Option<(SpoolPosition, u64, bool)> {
        let (number, segment) = self.segments.range(self.next.segment..).next()?;
        if *number > self.next.segment {
            self.next = SpoolPosition { segment: *number, offset: segment::START };
        }
        self.next.offset = self.next.offset.max(segment::START);
        let is_last = self.segments.last_key_value().is_some_and(|(last, _)| last == number);
        Some((self.next, segment.length, is_last))
    }

    /// A frame has been read.
    pub fn pass(&mut self, end: SpoolPosition, count: u64) {
        self.next = end;
        if let Some(segment) = self.segments.get_mut(&end.segment) {
            segment.unread = segment.unread.saturating_sub(count);
        }
    }

    /// Nothing more is read of a segment.
    pub fn skip(&mut self, number: u64) {
        self.next = SpoolPosition { segment: number + 1, offset: 0 };
        // What follows a damaged place is never appended to.
        if self.segments.last_key_value().is_some_and(|(last, _)| *last == number) {
            self.current = None;
        }
    }
}

/// What a segment of an earlier run still holds.
fn scan(folder: &Path, number: u64, from: SpoolPosition, length: u64) -> Segment {
    let mut segment = Segment { length, unread: 0 };
    let Ok(file) = segment::open(folder, number) else { return segment };
    let mut at = if number == from.segment { from.offset.max(segment::START) } else { segment::START };
    while let Ok(Read::Frame(frame)) = segment::read(&file, at, length) {
        segment.unread += u64::from(frame.count);
        at = frame.end;
    }
    segment
}
