//! Verifies every byte: checksums, and that what says the same says so.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde::Serialize;

use super::{Offline, Progress, by_block, place::Place, size, strangers::strangers};
use crate::{
    Kind, OpenError,
    catalog::{Manifest, SegmentInfo, Selection},
    columns::{Columns, LogColumns, SampleColumns},
    recover::MANIFEST,
    segment::{self, BlockPart, BlockRef, Damage, Segment, StreamMeta},
};

/// What [`check`] has found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Segments.
    pub segments: u64,
    /// Streams and series, each as often as segments have it.
    pub streams: u64,
    /// Blocks.
    pub blocks: u64,
    /// Bytes of the segments.
    pub bytes: u64,
    /// What is wrong; empty if all is well.
    pub problems: Vec<Problem>,
    /// What is no part of the index, and does it no harm.
    pub warnings: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file, from the index' folder or from its storage on.
    pub file: String,
    /// Where its block begins, if it is in one.
    pub block: Option<u64>,
    /// The first stream with rows there.
    pub stream: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// Verifies the index at `place`: a data directory or the folder `index` in it, or what `index.storage` is set to, a
/// folder or `s3://bucket/prefix`, also that of a group.
///
/// # Errors
/// When there is no index, or nothing there says what it holds.
pub fn check(place: &Path, progress: Progress<'_>) -> Result<CheckReport, OpenError> {
    let place = Place::open(place)?;
    let stores = place.look()?;
    let (mut report, total) = (CheckReport::default(), size(&stores));
    for shard in &place.missing {
        report.problems.push(Problem::of_file(shard.clone(), "the shard is missing".into()));
    }
    for store in &stores {
        check_manifests(store, &mut report);
        check_segments(store, &mut report, &mut |seen| progress(seen, total));
    }
    let now = place.look()?;
    forget_merged(&now, &mut report);
    report.warnings = strangers(&stores, &now);
    Ok(report)
}

impl Problem {
    pub(super) fn of_file(file: String, reason: String) -> Self {
        Problem { file, block: None, stream: None, reason }
    }
}

fn check_manifests(store: &Offline, report: &mut CheckReport) {
    let missing = || "it is missing".to_owned();
    let stored = match &store.stored {
        Ok(Some(_)) => None,
        Ok(None) => Some(missing()),
        Err(error) => Some(error.to_string()),
    };
    let in_catalog = match &store.catalog {
        None | Some(Ok((_, Some(_)))) => None,
        Some(Ok((_, None))) => Some(missing()),
        Some(Err(error)) => Some(error.to_string()),
    };
    let file = format!("{}{MANIFEST}", store.prefix);
    report.problems.extend(stored.map(|reason| Problem::of_file(file, reason)));
    report.problems.extend(in_catalog.map(|reason| Problem::of_file("catalog".into(), reason)));
}

fn check_segments(store: &Offline, report: &mut CheckReport, seen: &mut dyn FnMut(u64)) {
    let Some(manifest) = store.manifest() else { return };
    let mut listed = listed(store, manifest, report);
    for (id, info) in &manifest.segments {
        let mut found = Found { file: format!("{}{}", store.prefix, segment::name(*id)), report };
        if let Err(damage) = found.check_segment(&store.segment(*id), info, listed.remove(id)) {
            found.add(None, damage.reason);
        }
        found.check_size(info.bytes, store.present.get(&segment::name(*id)));
        report.segments += 1;
        report.bytes += info.bytes;
        seen(report.bytes);
    }
}

/// What the catalog says of each segment; nothing if it is not of the same commit.
fn listed(store: &Offline, manifest: &Manifest, report: &mut CheckReport) -> BTreeMap<u64, Vec<StreamMeta>> {
    let mut listed: BTreeMap<u64, Vec<StreamMeta>> = BTreeMap::new();
    let Some(Ok((catalog, Some(own)))) = &store.catalog else { return listed };
    if own.commit != manifest.commit {
        return listed;
    }
    let listing = catalog.listing();
    let all = |kind| listing.streams(&Selection { kind, matchers: &[], span: i64::MIN..=i64::MAX });
    let found = all(Kind::Logs).and_then(|logs| Ok([logs, all(Kind::Metrics)?].concat()));
    match found {
        Ok(found) => found.into_iter().for_each(|(id, stream)| listed.entry(id).or_default().push(stream)),
        Err(error) => report.problems.push(Problem::of_file("catalog".into(), error.to_string())),
    }
    listed
        .values_mut()
        .for_each(|streams| streams.sort_by(|a, b| (a.kind, &a.labels).cmp(&(b.kind, &b.labels))));
    listed
}

/// What is found in one file.
struct Found<'a> {
    file: String,
    report: &'a mut CheckReport,
}

impl Found<'_> {
    fn add(&mut self, place: Option<(u64, &StreamMeta)>, reason: String) {
        let (block, stream) = (place.map(|(at, _)| at), place.map(|(_, stream)| stream.labels.to_string()));
        self.report.problems.push(Problem { file: self.file.clone(), block, stream, reason });
    }

    /// What is too short is noticed when it is read.
    fn check_size(&mut self, expected: u64, found: Option<&u64>) {
        if let Some(behind) = found.and_then(|found| found.checked_sub(expected)).filter(|bytes| *bytes > 0) {
            self.add(None, format!("{behind} bytes lie behind its end"));
        }
    }

    fn check_segment(
        &mut self,
        segment: &Arc<Segment>,
        info: &SegmentInfo,
        listed: Option<Vec<StreamMeta>>,
    ) -> Result<(), Damage> {
        let streams = segment.streams(info.bytes)?;
        if listed.is_some_and(|listed| listed != streams) {
            self.add(None, "footer and catalog do not say the same".into());
        }
        let mut end = segment::HEADER_LENGTH as u64;
        for (block, parts) in by_block(&streams).values() {
            let Some((stream, _)) = parts.first() else { continue };
            let checked = match stream.kind {
                Kind::Logs => check_block::<LogColumns>(segment, block, parts),
                Kind::Metrics => check_block::<SampleColumns>(segment, block, parts),
            };
            if let Err(damage) = checked {
                self.add(Some((block.offset, stream)), damage.reason);
            }
            if block.offset != end {
                self.add(Some((block.offset, stream)), "blocks do not follow each other".into());
            }
            end = block.offset + u64::from(block.length);
            self.report.blocks += 1;
        }
        self.report.streams += streams.len() as u64;
        Ok(())
    }
}

fn check_block<C: Columns>(
    segment: &Arc<Segment>,
    block: &BlockRef,
    parts: &[(&StreamMeta, &BlockPart)],
) -> Result<(), Damage> {
    let columns: C = segment.read(block)?;
    for (_, part) in parts {
        let rows = segment.rows_of(part, columns.rows())?;
        let times = || rows.clone().map(|row| columns.timestamp(row as usize));
        let is_right =
            times().is_sorted() && times().next() == Some(part.min) && times().last() == Some(part.max);
        if !is_right {
            return Err(segment.damage("times are not as the footer says".into()));
        }
    }
    Ok(())
}

/// A running index may have merged or dropped a segment meanwhile: that it is gone is no problem.
fn forget_merged(stores: &[Offline], report: &mut CheckReport) {
    let is_there = |problem: &Problem| {
        let name = problem.file.rsplit('/').next().unwrap_or_default();
        let is_listed =
            |id| stores.iter().filter_map(Offline::manifest).any(|m| m.segments.contains_key(&id));
        segment::id(name).is_none_or(is_listed)
    };
    report.problems.retain(is_there);
}
