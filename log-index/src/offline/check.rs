//! Verifies every byte: checksums, and that what says the same says so.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde::Serialize;

use super::{Offline, Progress, by_block};
use crate::{
    Kind, OpenError,
    catalog::{CatalogError, Manifest, SegmentInfo, Selection},
    columns::{Columns, LogColumns, SampleColumns},
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
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file, from the index' folder on.
    pub file: String,
    /// Where its block begins, if it is in one.
    pub block: Option<u64>,
    /// The first stream with rows there.
    pub stream: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// Verifies the index in `dir`, the data directory or the folder `index` in it.
///
/// # Errors
/// When there is no index, or nothing in it says what it holds.
pub fn check(dir: &Path, progress: Progress<'_>) -> Result<CheckReport, OpenError> {
    let offline = Offline::open(dir)?;
    let mut report = CheckReport::default();
    check_manifests(&offline, &mut report);
    let manifest = offline.manifest()?;
    let total = manifest.segments.values().map(|info| info.bytes).sum();
    let mut listed = listed(&offline, &manifest, &mut report);
    for (id, info) in &manifest.segments {
        let segment = offline.segment(*id);
        match check_segment(&segment, info, listed.remove(id), &mut report) {
            Ok(()) => {}
            Err(damage) => report.add(&segment::name(*id), None, damage.reason),
        }
        report.segments += 1;
        report.bytes += info.bytes;
        progress(report.bytes, total);
    }
    forget_merged(dir, &mut report)?;
    Ok(report)
}

impl CheckReport {
    fn add(&mut self, name: &str, place: Option<(u64, &StreamMeta)>, reason: String) {
        let file = format!("segments/{name}");
        let (block, stream) = (place.map(|(at, _)| at), place.map(|(_, stream)| stream.labels.to_string()));
        self.problems.push(Problem { file, block, stream, reason });
    }
}

fn check_manifests(offline: &Offline, report: &mut CheckReport) {
    let missing = || "it is missing".to_owned();
    match &offline.stored {
        Ok(Some(_)) => {}
        Ok(None) => report.add("manifest", None, missing()),
        Err(error) => report.add("manifest", None, error.to_string()),
    }
    let reason = match &offline.catalog {
        Ok((_, Some(_))) => return,
        Ok((_, None)) => missing(),
        Err(error) => error.to_string(),
    };
    report.problems.push(Problem { file: "catalog".into(), block: None, stream: None, reason });
}

/// What the catalog says of each segment; nothing if it is not of the same commit.
fn listed(
    offline: &Offline,
    manifest: &Manifest,
    report: &mut CheckReport,
) -> BTreeMap<u64, Vec<StreamMeta>> {
    let mut listed: BTreeMap<u64, Vec<StreamMeta>> = BTreeMap::new();
    let Ok((catalog, Some(own))) = &offline.catalog else { return listed };
    if own.commit != manifest.commit {
        return listed;
    }
    let listing = catalog.listing();
    let all = |kind| listing.streams(&Selection { kind, matchers: &[], span: i64::MIN..=i64::MAX });
    let found = all(Kind::Logs).and_then(|logs| Ok([logs, all(Kind::Metrics)?].concat()));
    match found {
        Ok(found) => found.into_iter().for_each(|(id, stream)| listed.entry(id).or_default().push(stream)),
        Err(error) => {
            let (file, reason) = ("catalog".into(), CatalogError::to_string(&error));
            report.problems.push(Problem { file, block: None, stream: None, reason });
        }
    }
    listed
        .values_mut()
        .for_each(|streams| streams.sort_by(|a, b| (a.kind, &a.labels).cmp(&(b.kind, &b.labels))));
    listed
}

fn check_segment(
    segment: &Arc<Segment>,
    info: &SegmentInfo,
    listed: Option<Vec<StreamMeta>>,
    report: &mut CheckReport,
) -> Result<(), Damage> {
    let name = segment::name(segment.id);
    let streams = segment.streams(info.bytes)?;
    if listed.is_some_and(|listed| listed != streams) {
        report.add(&name, None, "footer and catalog do not say the same".into());
    }
    let mut end = segment::HEADER_LENGTH as u64;
    for (block, parts) in by_block(&streams).values() {
        let Some((stream, _)) = parts.first() else { continue };
        let checked = match stream.kind {
            Kind::Logs => check_block::<LogColumns>(segment, block, parts),
            Kind::Metrics => check_block::<SampleColumns>(segment, block, parts),
        };
        if let Err(damage) = checked {
            report.add(&name, Some((block.offset, stream)), damage.reason);
        }
        if block.offset != end {
            report.add(&name, Some((block.offset, stream)), "blocks do not follow each other".into());
        }
        end = block.offset + u64::from(block.length);
        report.blocks += 1;
    }
    report.streams += streams.len() as u64;
    Ok(())
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
fn forget_merged(dir: &Path, report: &mut CheckReport) -> Result<(), OpenError> {
    if report.problems.is_empty() {
        return Ok(());
    }
    let manifest = Offline::open(dir)?.manifest()?;
    let is_there = |problem: &Problem| {
        let id = problem.file.strip_prefix("segments/").and_then(segment::id);
        id.is_none_or(|id| manifest.segments.contains_key(&id))
    };
    report.problems.retain(is_there);
    Ok(())
}
