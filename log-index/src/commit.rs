//! From one commit of the catalog to the next: every change of the segments goes through here.

use std::sync::Arc;

use crate::{
    Index, Kind,
    catalog::{Catalog, CatalogError, Manifest, SegmentInfo},
    delete::understand,
    segment::{Built, Segment, StreamMeta},
    state::Sealed,
    telemetry,
};

/// What a commit does to the segments.
#[derive(Default)]
pub struct Change {
    pub added: Option<Added>,
    pub dropped: Vec<u64>,
}

/// A new segment; its object is there.
pub struct Added {
    pub id: u64,
    pub info: SegmentInfo,
    pub streams: Vec<StreamMeta>,
}

impl Added {
    /// `order`, `level` and `written_ms` are those of [`SegmentInfo`].
    pub fn new(id: u64, order: u64, level: u8, written_ms: i64, built: Built) -> Self {
        let of = |kind| built.streams.iter().filter(move |s| s.kind == kind).flat_map(|s| &s.parts);
        let spans = of(Kind::Logs).map(|p| (p.min.div_euclid(1_000_000), p.max.div_euclid(1_000_000)));
        let spans = spans.chain(of(Kind::Metrics).map(|part| (part.min, part.max)));
        let info = SegmentInfo {
            order,
            level,
            bytes: built.bytes,
            streams: built.streams.len() as u64,
            entries: of(Kind::Logs).map(|part| u64::from(part.rows)).sum(),
            samples: of(Kind::Metrics).map(|part| u64::from(part.rows)).sum(),
            min_ms: spans.clone().map(|(min, _)| min).min().unwrap_or(i64::MAX),
            max_ms: spans.map(|(_, max)| max).max().unwrap_or(i64::MIN),
            written_ms: Some(written_ms),
        };
        Added { id, info, streams: built.streams }
    }
}

impl Index {
    /// Makes `manifest` and the change true on disk: first beside the segments, then in the catalog. A crash in
    /// between is made good at the next start. Whoever calls holds the catalog since before it looked at
    /// `before`, and puts the answer into the state.
    pub(crate) fn commit(
        &self,
        catalog: &mut Catalog,
        before: &Sealed,
        mut manifest: Manifest,
        change: Change,
    ) -> Result<Sealed, CatalogError> {
        let mut segments = before.segments.clone();
        if let Some(Added { id, info, .. }) = &change.added {
            manifest.next_segment = manifest.next_segment.max(id + 1);
            manifest.segments.insert(*id, *info);
            segments.insert(*id, Arc::new(Segment::new(*id, info.order, self.inner.storage.clone())));
        }
        manifest.segments.retain(|id, _| !change.dropped.contains(id));
        for request in manifest.deletes.values_mut() {
            request.pending.retain(|id| manifest.segments.contains_key(id));
        }
        let deletes = understand(&manifest, &before.deletes)?;
        let added = change.added.as_ref().map(|added| Ok((added.id, added.streams.as_slice())));
        self.inner.ledger.publish(&manifest)?;
        let listing = catalog.commit(&manifest, added, &change.dropped);
        let listing = listing.inspect_err(|_| self.inner.ledger.give_up())?;
        change.dropped.iter().filter_map(|id| segments.remove(id)).for_each(|segment| segment.doom());
        self.inner.merge_wanted.notify_all();
        let sealed = Sealed { listing, segments, manifest, deletes, unlisted: before.unlisted.clone() };
        sealed.tell(Some(before));
        Ok(sealed)
    }
}

impl Sealed {
    /// Sets the gauges, which may count other indexes of this process too.
    pub(crate) fn tell(&self, before: Option<&Sealed>) {
        let (segments, bytes) = self.size();
        let (segments_before, bytes_before) = before.map_or((0, 0), Sealed::size);
        telemetry::SEGMENTS.add(segments - segments_before);
        telemetry::SEGMENT_BYTES.add(bytes - bytes_before);
    }

    fn size(&self) -> (i64, i64) {
        let bytes: u64 = self.manifest.segments.values().map(|info| info.bytes).sum();
        (self.segments.len() as i64, bytes as i64)
    }
}
