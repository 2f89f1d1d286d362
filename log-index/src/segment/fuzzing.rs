//! For fuzzing: contents that nobody has written, behind checksums that are right. Whatever they are, reading them
//! ends with rows or with an error.

use std::sync::{Arc, LazyLock};

use event::{Labels, LogBatch, LogEntry, Sample, SampleBatch, Series};

use super::{BlockRef, HEADER_LENGTH, Segment, StreamMeta, build, header, sections::pack};
use crate::{
    Kind,
    codec::Input,
    columns::{LogColumns, LogLines, SampleColumns},
    head::Head,
    lines,
    storage::{ObjectWriter, Room, Storage, StorageError, failed},
};

/// Bytes of one edit: section, kind of edit, place, value.
const EDIT: usize = 5;
/// A small segment of both kinds, and where its streams are.
static SAMPLE: LazyLock<(Vec<u8>, Vec<StreamMeta>)> = LazyLock::new(sample);
const TEXTS: [&[u8]; 3] = [b"error", b"10.0.0.7", b"\xff"];

/// Reads a footer.
pub fn footer(raw: &[u8]) {
    let mut input = Input(raw);
    while !input.0.is_empty() && StreamMeta::decode(&mut input).is_ok() {}
}

/// Reads a block of the kind that the first byte names, after edits of its sections that the others describe.
pub fn block(input: &[u8]) {
    let Some((kind, edits)) = input.split_first() else { return };
    let (content, streams) = &*SAMPLE;
    let wanted = if kind % 2 == 0 { Kind::Logs } else { Kind::Metrics };
    let Some(stream) = streams.iter().find(|stream| stream.kind == wanted) else { return };
    let (segment, block) = edited(content.clone(), &stream.parts[0].block, edits);
    match wanted {
        Kind::Logs => read_logs(&segment, &block),
        Kind::Metrics => drop(segment.read::<SampleColumns>(&block)),
    }
}

fn read_logs(segment: &Arc<Segment>, block: &BlockRef) {
    if let Ok(filter) = segment.filter(block) {
        TEXTS.iter().for_each(|text| _ = lines::may_hold(&filter, text));
    }
    if let Ok(lines) = segment.sections(block).and_then(LogLines::open) {
        TEXTS.iter().for_each(|text| drop(lines.search(text)));
        drop(lines.into_block());
    }
    drop(segment.read::<LogColumns>(block));
}

/// The block with edits, as the only one of a segment.
fn edited(content: Vec<u8>, block: &BlockRef, edits: &[u8]) -> (Arc<Segment>, BlockRef) {
    let segment = segment(content);
    let whole = segment.sections(block).expect("the block is as it was written");
    let mut sections: Vec<Vec<u8>> =
        (0..whole.count()).map(|section| whole.read(section).expect("so are its sections")).collect();
    edits.as_chunks::<EDIT>().0.iter().for_each(|edit| apply(*edit, &mut sections));
    let mut compressor = zstd::bulk::Compressor::new(1).expect("there is memory");
    let (head, body) = pack(&sections, &mut compressor).expect("there is memory");
    let block = BlockRef {
        offset: HEADER_LENGTH as u64,
        length: (head.len() + body.len()) as u32,
        head: head.len() as u32,
        crc: crc32fast::hash(&head),
    };
    (self::segment([header().as_slice(), &head, &body].concat()), block)
}

fn apply([section, kind, low, high, value]: [u8; EDIT], sections: &mut [Vec<u8>]) {
    let count = sections.len();
    let section = &mut sections[usize::from(section) % count];
    let place = usize::from(u16::from_le_bytes([low, high])) % (section.len() + 1);
    match kind % 3 {
        0 => section.truncate(place),
        1 => section.insert(place, value),
        _ => section.iter_mut().skip(place).take(1).for_each(|byte| *byte = value),
    }
}

fn sample() -> (Vec<u8>, Vec<StreamMeta>) {
    let (mut head, mut content) = (Head::default(), Vec::new());
    head.push_logs(&logs(), |_| true);
    head.push_samples(&samples(), i64::MIN);
    let built = build(&head, 1, &mut content).expect("memory takes everything");
    (content, built.streams)
}

fn labels(name: &str) -> Labels {
    [(event::METRIC_NAME.to_owned(), name.to_owned())].into_iter().collect()
}

fn logs() -> LogBatch {
    let entry = |row: i64| LogEntry {
        position: row as u64,
        timestamp_ns: 1_700_000_000_000_000_000 + row * 12_345_678,
        line: line(row).into(),
        metadata: (0..row % 2).map(|n| (format!("key{n}"), row.to_string())).collect(),
    };
    LogBatch { source: "fuzz".into(), labels: labels("logs"), entries: (0..60).map(entry).collect() }
}

fn line(row: i64) -> Vec<u8> {
    match row % 3 {
        0 => format!("GET /item/{row} took {}.5 ms from 10.0.0.{row}", row * 7).into_bytes(),
        1 => format!("2026-11-21T10:00:{row:02}Z error id={:08x}", row * 7_777_777).into_bytes(),
        _ => vec![row as u8, 0xff, b'='],
    }
}

fn samples() -> SampleBatch {
    let samples = (0..60).map(|row| Sample { timestamp_ms: row * 15_000, value: row as f64 * 0.1 });
    let series = Series { labels: labels("metrics"), samples: samples.collect(), ..Series::default() };
    SampleBatch { source: "fuzz".into(), position: 1, series: vec![series], ..SampleBatch::default() }
}

fn segment(content: Vec<u8>) -> Arc<Segment> {
    Arc::new(Segment::new(1, 1, Arc::new(Memory(content))))
}

/// One object, to be read only.
struct Memory(Vec<u8>);

impl Storage for Memory {
    fn create(&self, name: &str) -> Result<Box<dyn ObjectWriter>, StorageError> {
        Err(failed("create", name)(std::io::ErrorKind::Unsupported.into()))
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, StorageError> {
        let rest = self.0.get(offset as usize..).and_then(|rest| rest.get(..length));
        let short = || failed("read", name)(std::io::ErrorKind::UnexpectedEof.into());
        rest.map(<[u8]>::to_vec).ok_or_else(short)
    }

    fn list(&self) -> Result<Vec<(String, u64)>, StorageError> {
        Ok(Vec::new())
    }

    fn room(&self) -> Option<Room> {
        None
    }

    fn delete(&self, _name: &str) -> Result<(), StorageError> {
        Ok(())
    }
}
