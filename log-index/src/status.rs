//! Figures of the index.

use std::collections::HashSet;

use event::Labels;
use serde::Serialize;

use crate::{Index, Kind, head::Head, telemetry};

/// What `/api/status` shows of the index.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Status {
    /// Log streams, those in memory and those in segments.
    pub streams: u64,
    /// Series of samples, likewise.
    pub series: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes of the segments on disk.
    pub bytes: u64,
    /// Bytes in memory that are not yet in a segment.
    pub head_bytes: u64,
    /// Log entries.
    pub entries: u64,
    /// Samples.
    pub samples: u64,
    /// Entries and samples left out since the start because they were older than the retention.
    pub expired: u64,
    /// The oldest timestamp, milliseconds since 1970; `null` while the index is empty.
    pub oldest_ms: Option<i64>,
    /// Of a group's shards, how many this instance writes; left out without a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owned_shards: Option<u64>,
    /// Of the requests to a group (flush, delete), why those have failed that are tried again; left out if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed_requests: Vec<String>,
    /// Why nothing can be written at the moment, for example a full disk; `null` if all is well.
    pub read_only: Option<String>,
}

impl Index {
    /// Figures. Streams are counted anew after each seal, so ask now and then, not in a loop.
    pub fn status(&self) -> Status {
        let state = self.inner.state.lock();
        let (heads, sealed) = (state.heads(), state.sealed.clone());
        let head_bytes = state.unsealed_bytes() as u64;
        let read_only = state.read_only.clone();
        drop(state);
        let segments = sealed.manifest.segments.values();
        let oldest = segments.clone().map(|s| s.min_ms).chain(heads.iter().filter_map(|h| h.oldest_ms()));
        let distinct = |kind, in_memory: HashSet<u64>| match sealed.listing.fingerprints(kind) {
            Ok(known) => (known.len() + in_memory.difference(known).count()) as u64,
            Err(_) => in_memory.len() as u64,
        };
        Status {
            streams: distinct(Kind::Logs, fingerprints(&heads, |head| head.logs.keys().collect())),
            series: distinct(Kind::Metrics, fingerprints(&heads, |head| head.metrics.keys().collect())),
            segments: segments.len() as u64,
            bytes: segments.clone().map(|s| s.bytes).sum(),
            head_bytes,
            entries: segments.clone().map(|s| s.entries).chain(heads.iter().map(|h| h.entries)).sum(),
            samples: segments.clone().map(|s| s.samples).chain(heads.iter().map(|h| h.samples)).sum(),
            expired: telemetry::DROPPED.with_label_values(&[telemetry::EXPIRED]).get(),
            oldest_ms: oldest.min(),
            failed_requests: sealed.manifest.failed_requests.values().map(|f| f.reason.clone()).collect(),
            owned_shards: self.inner.ledger.is_shared().then(|| self.is_owner().into()),
            read_only,
        }
    }
}

impl Status {
    /// Of two indexes of one process.
    pub(crate) fn and(self, other: Self) -> Self {
        Status {
            streams: self.streams + other.streams,
            series: self.series + other.series,
            segments: self.segments + other.segments,
            bytes: self.bytes + other.bytes,
            head_bytes: self.head_bytes + other.head_bytes,
            entries: self.entries + other.entries,
            samples: self.samples + other.samples,
            // Counted for the process.
            expired: self.expired,
            oldest_ms: [self.oldest_ms, other.oldest_ms].into_iter().flatten().min(),
            failed_requests: [self.failed_requests, other.failed_requests].concat(),
            read_only: self.read_only.or(other.read_only),
            owned_shards: self.owned_shards.zip(other.owned_shards).map(|(own, others)| own + others),
        }
    }
}

fn fingerprints<'a>(
    heads: &'a [std::sync::Arc<Head>],
    labels: impl Fn(&'a Head) -> Vec<&'a Labels>,
) -> HashSet<u64> {
    heads.iter().flat_map(|head| labels(head)).map(Labels::fingerprint).collect()
}
