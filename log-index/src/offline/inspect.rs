//! What an index holds: segments, the largest streams, and what the columns take.

use std::{collections::BTreeMap, path::Path};

use event::Labels;
use serde::Serialize;

use super::{Offline, Progress, by_block, place::Place, size};
use crate::{
    Kind, OpenError,
    catalog::SegmentInfo,
    recover::MANIFEST,
    segment::{self, Damage, StreamMeta},
};

/// What [`inspect`] has found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct InspectReport {
    /// Shard by shard, in the order of arrival.
    pub segments: Vec<SegmentReport>,
    /// The largest first.
    pub streams: Vec<StreamReport>,
    /// The largest first.
    pub columns: Vec<ColumnSize>,
    /// What could not be read.
    pub problems: Vec<String>,
}

/// One segment.
#[derive(Clone, Debug, Serialize)]
pub struct SegmentReport {
    /// Its file.
    pub name: String,
    /// How often its content has been merged.
    pub level: u8,
    /// Bytes on disk.
    pub bytes: u64,
    /// Streams and series.
    pub streams: u64,
    /// Log entries.
    pub entries: u64,
    /// Samples.
    pub samples: u64,
    /// Oldest time, milliseconds since 1970.
    pub min_ms: i64,
    /// Newest time, milliseconds since 1970.
    pub max_ms: i64,
}

/// One stream or series, over all segments.
#[derive(Clone, Debug, Serialize)]
pub struct StreamReport {
    /// Logs or metrics.
    pub kind: Kind,
    /// Its labels.
    pub labels: Labels,
    /// In how many segments it is.
    pub segments: u64,
    /// Entries or samples.
    pub rows: u64,
    /// Bytes of content, before packing.
    pub bytes: u64,
}

/// What one column takes in all blocks.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnSize {
    /// Its name.
    pub column: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// Bytes unpacked.
    pub raw_bytes: u64,
}

/// Reads the footers of the index at `place`, as [`super::check`] has it.
///
/// # Errors
/// When there is no index, or nothing there says what it holds.
pub fn inspect(place: &Path, progress: Progress<'_>) -> Result<InspectReport, OpenError> {
    let place = Place::open(place)?;
    let stores = place.look()?;
    let (mut inspector, total, mut seen) = (Inspector::default(), size(&stores), 0);
    for shard in &place.missing {
        inspector.report.problems.push(format!("{shard}: the shard is missing"));
    }
    for store in &stores {
        let Some(manifest) = store.manifest() else {
            inspector.report.problems.push(format!("{}{MANIFEST}: it cannot be read", store.prefix));
            continue;
        };
        for (id, info) in &manifest.segments {
            inspector.add_segment(*id, info);
            if let Err(damage) = inspector.add_content(store, *id, info) {
                inspector.report.problems.push(format!("{}: {}", damage.segment, damage.reason));
            }
            seen += info.bytes;
            progress(seen, total);
        }
    }
    Ok(inspector.finish())
}

#[derive(Default)]
struct Inspector {
    report: InspectReport,
    streams: BTreeMap<(Kind, Labels), StreamReport>,
    columns: BTreeMap<String, (u64, u64)>,
}

impl Inspector {
    fn add_segment(&mut self, id: u64, info: &SegmentInfo) {
        let SegmentInfo { level, bytes, streams, entries, samples, min_ms, max_ms, .. } = *info;
        let name = segment::name(id);
        self.report.segments.push(SegmentReport {
            name,
            level,
            bytes,
            streams,
            entries,
            samples,
            min_ms,
            max_ms,
        });
    }

    fn add_content(&mut self, store: &Offline, id: u64, info: &SegmentInfo) -> Result<(), Damage> {
        let segment = store.segment(id);
        let streams = segment.streams(info.bytes)?;
        let mut rest = info.bytes;
        for (block, parts) in by_block(&streams).values() {
            let kind = parts.first().map_or(Kind::Logs, |(stream, _)| stream.kind);
            for (column, bytes, raw_bytes) in segment.column_sizes(kind, block)? {
                let size = self.columns.entry(column).or_default();
                *size = (size.0 + bytes, size.1 + raw_bytes);
                rest -= bytes.min(rest);
            }
        }
        self.columns.entry("footers".to_owned()).or_default().0 += rest;
        streams.into_iter().for_each(|stream| self.add_stream(stream));
        Ok(())
    }

    fn add_stream(&mut self, stream: StreamMeta) {
        let StreamMeta { kind, labels, parts } = stream;
        let (rows, bytes) = parts
            .iter()
            .fold((0, 0), |(rows, bytes), part| (rows + u64::from(part.rows), bytes + part.bytes));
        let new = || StreamReport { kind, labels: labels.clone(), segments: 0, rows: 0, bytes: 0 };
        let report = self.streams.entry((kind, labels.clone())).or_insert_with(new);
        report.segments += 1;
        report.rows += rows;
        report.bytes += bytes;
    }

    fn finish(self) -> InspectReport {
        let mut report = self.report;
        report.streams = self.streams.into_values().collect();
        report.streams.sort_by_key(|stream| std::cmp::Reverse(stream.bytes));
        let column = |(column, (bytes, raw_bytes))| ColumnSize { column, bytes, raw_bytes };
        report.columns = self.columns.into_iter().map(column).collect();
        report.columns.sort_by_key(|column| std::cmp::Reverse(column.bytes));
        report
    }
}
