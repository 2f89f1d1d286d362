//! Adds `detected_level` to entries as they are read.

use std::ops::ControlFlow;

use logql::{DETECTED_LEVEL, Entries, EntryRef, Expr, Scan, ScanError, Visit, detected_level};

use super::request::Wishes;
use crate::DetectedLevel;

/// Entries that have a level among their metadata.
pub(super) struct Leveled<'a, E>(pub &'a E);

impl<E: Entries> Entries for Leveled<'_, E> {
    fn scan(&self, scan: &Scan<'_>, visit: &mut Visit<'_>) -> Result<(), ScanError> {
        let lens = scan.lens.filter(|lens| !lens.looks_at(DETECTED_LEVEL));
        self.0.scan(&Scan { lens, ..*scan }, &mut |stream, entry| {
            let has_one = stream.get(DETECTED_LEVEL).is_some()
                || entry.metadata.iter().any(|(name, _)| name == DETECTED_LEVEL);
            if has_one {
                return visit(stream, entry);
            }
            // To look for a level costs more than the filters do.
            if !scan.filters.iter().all(|filter| filter.matches(entry.line)) {
                return ControlFlow::Continue(());
            }
            let level = detected_level(stream, entry.metadata, entry.line).into_owned();
            let mut metadata = entry.metadata.to_vec();
            metadata.push((DETECTED_LEVEL.to_owned(), level));
            visit(stream, EntryRef { metadata: &metadata, ..entry })
        })
    }
}

impl DetectedLevel {
    /// Whether the answer to `expr` has levels.
    pub(super) fn is_wanted(self, expr: &Expr, wishes: &Wishes) -> bool {
        match (self, expr) {
            (DetectedLevel::Always, _) => true,
            (DetectedLevel::Never, _) => false,
            (DetectedLevel::Asked, Expr::Log(_)) => wishes.categorize,
            (DetectedLevel::Asked, Expr::Metric(metric)) => {
                wishes.categorize && metric.to_string().contains(DETECTED_LEVEL)
            }
        }
    }
}
