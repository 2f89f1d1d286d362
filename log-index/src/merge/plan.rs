//! Which segments are merged next.

use std::collections::BTreeSet;

use crate::catalog::{Manifest, SegmentInfo};

/// So many neighbours of one level become one segment of the next.
pub const FANOUT: usize = 8;

/// What a merged segment may be at most.
#[derive(Clone, Copy)]
pub struct Limits {
    /// Bytes of its parts together.
    pub bytes: u64,
    /// How far the times from which its parts age may lie apart, milliseconds: the newest of all decides when
    /// retention takes the segment.
    pub spread_ms: i64,
}

/// One merge.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// In the order of arrival, which the merged segment keeps.
    pub inputs: Vec<u64>,
    /// For [`SegmentInfo::order`].
    pub order: u64,
    /// For [`SegmentInfo::level`].
    pub level: u8,
    /// That of its youngest part.
    pub ages_from_ms: i64,
}

impl Plan {
    /// The merge of the lowest level, which is the cheapest; of these the oldest. If there is none, a segment of
    /// which something is deleted, alone.
    pub fn next(manifest: &Manifest, excluded: &BTreeSet<u64>, limits: Limits) -> Option<Self> {
        let mut segments: Vec<(u64, &SegmentInfo)> =
            manifest.segments.iter().map(|(id, s)| (*id, s)).collect();
        segments.sort_by_key(|(_, info)| info.order);
        let fits = |window: &&[(u64, &SegmentInfo)]| {
            !window.iter().any(|(id, _)| excluded.contains(id)) && limits.allow(window)
        };
        let lowest = segments.windows(FANOUT).filter(fits).min_by_key(|window| window[0].1.level);
        let Some(window) = lowest else { return Self::rewrite(manifest, excluded) };
        let inputs = window.iter().map(|(id, _)| *id).collect();
        let SegmentInfo { order, level, .. } = *window[0].1;
        let ages_from_ms = window.iter().map(|(_, info)| info.ages_from_ms()).max()?;
        Some(Plan { inputs, order, level: level.saturating_add(1), ages_from_ms })
    }

    fn rewrite(manifest: &Manifest, excluded: &BTreeSet<u64>) -> Option<Self> {
        let mut pending = manifest.deletes.values().flat_map(|request| &request.pending);
        let id = pending.find(|id| !excluded.contains(id))?;
        let info = manifest.segments.get(id)?;
        let ages_from_ms = info.ages_from_ms();
        Some(Plan { inputs: vec![*id], order: info.order, level: info.level, ages_from_ms })
    }
}

impl Limits {
    fn allow(self, window: &[(u64, &SegmentInfo)]) -> bool {
        let newest = || window.iter().map(|(_, info)| info.ages_from_ms());
        let spread = newest().max().zip(newest().min()).map_or(0, |(max, min)| max.saturating_sub(min));
        window.iter().all(|(_, info)| info.level == window[0].1.level)
            && window.iter().map(|(_, info)| info.bytes).sum::<u64>() <= self.bytes
            && spread <= self.spread_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { bytes: 1000, spread_ms: 100 };

    /// Segments of 10 bytes with these levels and newest times, in the order of arrival, numbered from 1.
    fn manifest(segments: &[(u8, i64)]) -> Manifest {
        let mut manifest = Manifest::default();
        for (id, (level, max_ms)) in (1..).zip(segments) {
            let info =
                SegmentInfo { level: *level, max_ms: *max_ms, order: id, bytes: 10, ..Default::default() };
            manifest.segments.insert(id, info);
        }
        manifest
    }

    fn next(segments: &[(u8, i64)], excluded: &[u64], limits: Limits) -> Option<Plan> {
        Plan::next(&manifest(segments), &excluded.iter().copied().collect(), limits)
    }

    #[test]
    fn neighbours_of_one_level_are_merged_when_there_are_enough() {
        assert_eq!(next(&[(0, 0); 7], &[], LIMITS), None);
        let plan = next(&[(0, 0); 9], &[], LIMITS).unwrap();
        assert_eq!(plan, Plan { inputs: (1..=8).collect(), order: 1, level: 1, ages_from_ms: 0 });
        let mixed: Vec<_> = [(1, 0); 8].into_iter().chain([(0, 0); 8]).collect();
        assert_eq!(next(&mixed, &[], LIMITS).unwrap().inputs, (9..=16).collect::<Vec<_>>());
        let apart = [(0, 0), (0, 0), (0, 0), (0, 0), (1, 0), (0, 0), (0, 0), (0, 0), (0, 0)];
        assert_eq!(next(&apart, &[], LIMITS), None);
    }

    #[test]
    fn what_would_be_too_large_or_live_too_long_is_not_merged() {
        assert_eq!(next(&[(0, 0); 8], &[], Limits { bytes: 79, ..LIMITS }), None);
        let late: Vec<_> = (0..9).map(|at| (0, if at == 0 { -101 } else { 0 })).collect();
        assert_eq!(next(&late, &[], LIMITS).unwrap().inputs, (2..=9).collect::<Vec<_>>());
    }

    #[test]
    fn damaged_segments_stay_as_they_are() {
        assert_eq!(next(&[(0, 0); 9], &[3], LIMITS), None);
        assert_eq!(next(&[(0, 0); 9], &[1], LIMITS).unwrap().order, 2);
    }
}
