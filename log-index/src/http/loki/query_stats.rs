//! What a query took, in Loki's shape. Grafana shows the summary; the parts that tell Loki's own services and
//! caches apart are there for clients that read them, and are zero. `index` tells how many blocks the filters skipped.

use std::time::Duration;

use logql::Stats;
use serde_json::{Value, json};

use crate::BlockStats;

/// The `stats` object of an answer.
/// Loki's chunks are our blocks.
pub(super) fn json(stats: &Stats, blocks: BlockStats, took: Duration) -> Value {
    let seconds = took.as_secs_f64();
    let per_second = |amount: u64| if seconds > 0.0 { (amount as f64 / seconds) as u64 } else { 0 };
    json!({
        "summary": {
            "bytesProcessedPerSecond": per_second(stats.bytes_scanned),
            "linesProcessedPerSecond": per_second(stats.entries_scanned),
            "totalBytesProcessed": stats.bytes_scanned,
            "totalLinesProcessed": stats.entries_scanned,
            "execTime": seconds,
            "queueTime": 0,
            "subqueries": 0,
            "totalEntriesReturned": stats.returned,
            "splits": 0,
            "shards": 0,
            "totalPostFilterLines": stats.entries_passed,
            "totalStructuredMetadataBytesProcessed": 0,
        },
        "querier": {"store": store(stats, blocks)},
        "ingester": {
            "totalReached": 0,
            "totalChunksMatched": 0,
            "totalBatches": 0,
            "totalLinesSent": 0,
            "store": store(&Stats::default(), BlockStats::default()),
        },
        "cache": cache(),
        "index": {
            "totalChunks": blocks.total,
            "postFilterChunks": blocks.total - blocks.skipped,
            "shardsDuration": 0,
            "usedBloomFilters": blocks.skipped > 0,
        },
    })
}

fn store(stats: &Stats, blocks: BlockStats) -> Value {
    json!({
        "totalChunksRef": blocks.total,
        "totalChunksDownloaded": blocks.total - blocks.skipped,
        "chunksDownloadTime": 0,
        "queryReferencedStructuredMetadata": false,
        "chunk": {
            "headChunkBytes": 0,
            "headChunkLines": 0,
            "decompressedBytes": stats.bytes_scanned,
            "decompressedLines": stats.entries_scanned,
            "compressedBytes": blocks.bytes - blocks.skipped_bytes,
            "totalDuplicates": 0,
            "postFilterLines": stats.entries_passed,
            "headChunkStructuredMetadataBytes": 0,
            "decompressedStructuredMetadataBytes": 0,
        },
        "chunkRefsFetchTime": 0,
        "congestionControlLatency": 0,
        "pipelineWrapperFilteredLines": 0,
    })
}

fn cache() -> Value {
    let unused = json!({
        "entriesFound": 0,
        "entriesRequested": 0,
        "entriesStored": 0,
        "bytesReceived": 0,
        "bytesSent": 0,
        "requests": 0,
        "downloadTime": 0,
        "queryLengthServed": 0,
    });
    let kinds = ["chunk", "index", "result", "statsResult", "volumeResult", "seriesResult", "labelResult"];
    let all = kinds.into_iter().chain(["instantMetricResult"]);
    Value::Object(all.map(|kind| (kind.to_owned(), unused.clone())).collect())
}
