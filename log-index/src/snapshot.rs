//! What a query sees. How it reads entries is in `scan.rs`, how samples in `select.rs`.

use std::{
    collections::{BTreeSet, HashSet},
    ops::RangeInclusive,
    sync::Arc,
};

use event::{Labels, Matcher, MetricFamily};
use parking_lot::Mutex;
use serde::Serialize;

use crate::{
    Kind, QueryError,
    catalog::{Families, Selection},
    columns::{LogColumns, SampleColumns},
    head::{Head, InHead},
    parts::Parts,
    scope::Scope,
    segment::Damage,
    state::Sealed,
    telemetry,
};

/// A consistent view of the index as of one moment; later changes do not touch it. Reads block: call them
/// where blocking is allowed.
pub struct Snapshot {
    /// Oldest first.
    pub(crate) heads: Vec<Arc<Head>>,
    /// One for each index that it is of.
    pub(crate) sealed: Vec<Arc<Sealed>>,
    families: Vec<Arc<Families>>,
    pub(crate) scope: Scope,
    notices: Mutex<BTreeSet<String>>,
    blocks: Mutex<BlockStats>,
}

/// What the reads of a snapshot had to do with blocks of segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BlockStats {
    /// Blocks with rows of the matching streams in the span.
    pub total: u64,
    /// Of these, how many were not opened because they cannot hold what the line filters want.
    pub skipped: u64,
    /// Bytes of all of them, packed.
    pub bytes: u64,
    /// Of these, bytes of those not opened.
    pub skipped_bytes: u64,
}

/// How much a selector holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Streams.
    pub streams: u64,
    /// Blocks, whole ones and those in memory.
    pub chunks: u64,
    /// Entries in these blocks.
    pub entries: u64,
    /// Bytes of their content.
    pub bytes: u64,
}

impl Snapshot {
    pub(crate) fn new(heads: Vec<Arc<Head>>, sealed: Arc<Sealed>, families: Arc<Families>) -> Self {
        Snapshot {
            heads,
            sealed: vec![sealed],
            families: vec![families],
            scope: Scope::default(),
            notices: Mutex::default(),
            blocks: Mutex::default(),
        }
    }

    /// What all of them see.
    pub(crate) fn joined(snapshots: impl IntoIterator<Item = Snapshot>) -> Option<Self> {
        snapshots.into_iter().reduce(|mut all, one| {
            all.heads.extend(one.heads);
            all.sealed.extend(one.sealed);
            all.families.extend(one.families);
            all
        })
    }

    /// The same as a certain reader sees it.
    pub fn scoped(self, scope: Scope) -> Self {
        Snapshot { scope, ..self }
    }

    /// Names of the labels of the matching streams or series that have data around the span (to the block, or
    /// the segment), sorted.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn label_names(
        &self,
        kind: Kind,
        matchers: &[Matcher],
        start: i64,
        end: i64,
    ) -> Result<Vec<String>, QueryError> {
        let matchers = self.scope.matchers(matchers);
        let selection = Selection { kind, matchers: &matchers, span: span(kind, start, end) };
        let mut names = BTreeSet::new();
        if self.hides_some(kind) {
            let visible = self.series(kind, &matchers, start, end)?;
            names.extend(visible.iter().flat_map(Labels::iter).map(|(name, _)| name.to_owned()));
            return Ok(names.into_iter().collect());
        }
        for sealed in &self.sealed {
            sealed.listing.label_names(&selection, &mut names)?;
        }
        for labels in self.in_memory(&selection) {
            names.extend(labels.iter().map(|(name, _)| name.to_owned()));
        }
        Ok(names.into_iter().filter(|name| self.scope.shows(name)).collect())
    }

    /// Values of one label of the matching streams or series that have data around the span, sorted.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn label_values(
        &self,
        kind: Kind,
        name: &str,
        matchers: &[Matcher],
        start: i64,
        end: i64,
    ) -> Result<Vec<String>, QueryError> {
        if !self.scope.shows(name) {
            return Ok(Vec::new());
        }
        let matchers = self.scope.matchers(matchers);
        let selection = Selection { kind, matchers: &matchers, span: span(kind, start, end) };
        let mut values = BTreeSet::new();
        if self.hides_some(kind) {
            let visible = self.series(kind, &matchers, start, end)?;
            values.extend(visible.iter().filter_map(|labels| labels.get(name)).map(str::to_owned));
            return Ok(values.into_iter().collect());
        }
        for sealed in &self.sealed {
            sealed.listing.label_values(name, &selection, &mut values)?;
        }
        values.extend(
            self.in_memory(&selection).iter().filter_map(|labels| labels.get(name)).map(str::to_owned),
        );
        Ok(values.into_iter().collect())
    }

    /// The matching streams or series that have data around the span, sorted.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn series(
        &self,
        kind: Kind,
        matchers: &[Matcher],
        start: i64,
        end: i64,
    ) -> Result<Vec<Labels>, QueryError> {
        let span = span(kind, start, end);
        match kind {
            Kind::Logs => Ok(Parts::<LogColumns>::find(self, matchers, span)?.streams),
            Kind::Metrics => Ok(Parts::<SampleColumns>::find(self, matchers, span)?.streams),
        }
    }

    /// Types and help texts of the metrics, sorted by name.
    pub fn families(&self) -> Vec<MetricFamily> {
        Families::merged(&self.families)
    }

    /// How much the matching log streams hold in `[start_ns, end_ns)`, by whole blocks.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn stats(&self, matchers: &[Matcher], start_ns: i64, end_ns: i64) -> Result<Stats, QueryError> {
        let found = Parts::<LogColumns>::find(self, matchers, span(Kind::Logs, start_ns, end_ns))?;
        let blocks: HashSet<(u64, u64)> = found.parts.iter().filter_map(|part| part.block()).collect();
        let in_memory = found.parts.iter().filter(|part| part.block().is_none()).count();
        let mut stats = Stats {
            streams: found.streams.len() as u64,
            chunks: (blocks.len() + in_memory) as u64,
            ..Stats::default()
        };
        for (entries, bytes) in found.parts.iter().map(|part| part.size()) {
            stats.entries += entries;
            stats.bytes += bytes;
        }
        Ok(stats)
    }

    /// What the reads of this snapshot so far had to leave out: damaged or missing segments, by name.
    pub fn notices(&self) -> Vec<String> {
        let unlisted = self.sealed.iter().flat_map(|sealed| &sealed.unlisted).map(ToString::to_string);
        self.notices.lock().iter().cloned().chain(unlisted).collect()
    }

    /// How many blocks the reads of this snapshot so far came to, and how many they skipped.
    pub fn block_stats(&self) -> BlockStats {
        *self.blocks.lock()
    }

    pub(crate) fn count_block(&self, bytes: u64, skipped: bool) {
        let mut blocks = self.blocks.lock();
        blocks.total += 1;
        blocks.bytes += bytes;
        if skipped {
            blocks.skipped += 1;
            blocks.skipped_bytes += bytes;
        }
    }

    pub(crate) fn note(&self, damage: &Damage) {
        telemetry::DAMAGED.inc();
        tracing::error!(segment = damage.segment, reason = damage.reason, "damaged segment");
        self.notices.lock().insert(damage.to_string());
    }

    /// Whether deletes may hide whole streams, which the posting lists do not know.
    fn hides_some(&self, kind: Kind) -> bool {
        self.sealed.iter().flat_map(|sealed| &sealed.deletes).any(|delete| delete.kind == kind)
    }

    /// The matching streams in memory.
    fn in_memory(&self, selection: &Selection<'_>) -> BTreeSet<&Labels> {
        match selection.kind {
            Kind::Logs => self.in_heads::<LogColumns>(selection),
            Kind::Metrics => self.in_heads::<SampleColumns>(selection),
        }
    }

    fn in_heads<C: InHead>(&self, selection: &Selection<'_>) -> BTreeSet<&Labels> {
        let (start, end) = (*selection.span.start(), *selection.span.end());
        let streams = self.heads.iter().flat_map(|head| C::streams(head));
        let within = streams.filter(|(_, chunks)| chunks.iter().any(|c| c.min <= end && c.max >= start));
        let labels = within.map(|(labels, _)| labels);
        labels.filter(|labels| selection.matchers.iter().all(|m| m.matches_labels(labels))).collect()
    }
}

/// A span whose both ends belong to it. An end of `i64::MAX` means that there is none.
pub(crate) fn span(kind: Kind, start: i64, end: i64) -> RangeInclusive<i64> {
    match kind {
        Kind::Logs if end == i64::MAX => start..=end,
        Kind::Logs if end == i64::MIN => RangeInclusive::new(i64::MAX, i64::MIN),
        Kind::Logs => start..=end - 1,
        Kind::Metrics => start..=end,
    }
}
