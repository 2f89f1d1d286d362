//! What has been taken in and is not yet in a segment.

use std::sync::Arc;

use event::{HistogramSample, Labels, LogBatch, Sample, SampleBatch};
use hashbrown::HashMap;

use crate::columns::{Columns, LogColumns, SampleColumns};

/// From this weight on a stream begins a new chunk: an append after a snapshot copies at most one.
const CHUNK_BYTES: usize = 256 << 10;

/// How many times its limit a head of very many streams may take.
const MOST_LIMITS: usize = 3;

/// What a stream costs besides its rows and labels, roughly.
const STREAM_BYTES: usize = 256;

/// What a label costs besides its text.
const LABEL_BYTES: usize = 2;

/// Rows of one stream in the order of their arrival.
#[derive(Clone, Debug)]
pub struct Chunk<C> {
    pub columns: C,
    pub min: i64,
    pub max: i64,
    /// Whether the order of arrival is that of time.
    pub sorted: bool,
}

/// Chunks in the order of their arrival, by stream.
pub type Streams<C> = HashMap<Labels, Vec<Arc<Chunk<C>>>>;

/// Behind an `Arc`, so that a snapshot costs nothing: a change after it copies the table of streams, and of the
/// streams that change their last chunk.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub logs: Streams<LogColumns>,
    pub metrics: Streams<SampleColumns>,
    row_bytes: usize,
    /// What streams cost besides their rows.
    stream_bytes: usize,
    pub entries: u64,
    pub samples: u64,
}

/// Columns that a head holds.
pub trait InHead: Columns {
    fn streams(head: &Head) -> &Streams<Self>;
}

impl InHead for LogColumns {
    fn streams(head: &Head) -> &Streams<Self> {
        &head.logs
    }
}

impl InHead for SampleColumns {
    fn streams(head: &Head) -> &Streams<Self> {
        &head.metrics
    }
}

impl Head {
    pub fn is_empty(&self) -> bool {
        self.entries == 0 && self.samples == 0
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        self.row_bytes + self.stream_bytes
    }

    /// Whether it should become a segment. It may take more where there are very many streams: else a segment would
    /// hold a row or two of each, and cost more than it holds.
    pub fn is_full(&self, limit: usize) -> bool {
        self.row_bytes >= limit || self.bytes() >= limit.saturating_mul(MOST_LIMITS)
    }

    /// Takes in the entries for which `keep` holds; answers how many these are.
    pub fn push_logs(&mut self, batch: &LogBatch, mut keep: impl FnMut(&event::LogEntry) -> bool) -> u64 {
        let mut kept = batch.entries.iter().filter(|entry| keep(entry)).peekable();
        if kept.peek().is_none() {
            return 0;
        }
        let chunks = chunks_of(&mut self.logs, &mut self.stream_bytes, &batch.labels);
        let mut count = 0;
        for entry in kept {
            let chunk = open_chunk(chunks);
            let before = chunk.columns.weight();
            chunk.columns.push(entry.timestamp_ns, &entry.line, &entry.metadata);
            chunk.note(entry.timestamp_ns);
            self.row_bytes += chunk.columns.weight() - before;
            count += 1;
        }
        self.entries += count;
        count
    }

    /// Takes in the samples that are not older than `horizon_ms`; answers how many these are.
    pub fn push_samples(&mut self, batch: &SampleBatch, horizon_ms: i64) -> u64 {
        let mut count = 0;
        for series in &batch.series {
            let kept = series.samples.iter().filter(|s| s.timestamp_ms >= horizon_ms);
            count += self.push_series(&series.labels, kept);
        }
        for series in &batch.histograms {
            let kept = series.samples.iter().filter(|s| s.timestamp_ms >= horizon_ms);
            count += self.push_series(&series.labels, kept);
        }
        self.samples += count;
        count
    }

    fn push_series<'a, S: InColumns + 'a>(
        &mut self,
        labels: &Labels,
        samples: impl Iterator<Item = &'a S>,
    ) -> u64 {
        let mut samples = samples.peekable();
        if samples.peek().is_none() {
            return 0;
        }
        let chunks = chunks_of(&mut self.metrics, &mut self.stream_bytes, labels);
        let mut count = 0;
        for sample in samples {
            let chunk = open_chunk(chunks);
            let before = chunk.columns.weight();
            let timestamp = sample.push_into(&mut chunk.columns);
            chunk.note(timestamp);
            self.row_bytes += chunk.columns.weight() - before;
            count += 1;
        }
        count
    }

    /// The oldest time in milliseconds.
    pub fn oldest_ms(&self) -> Option<i64> {
        let logs = self.logs.values().flatten().map(|chunk| chunk.min.div_euclid(1_000_000));
        let metrics = self.metrics.values().flatten().map(|chunk| chunk.min);
        logs.chain(metrics).min()
    }
}

/// Numbers and histograms.
trait InColumns {
    /// Answers its time.
    fn push_into(&self, columns: &mut SampleColumns) -> i64;
}

impl InColumns for Sample {
    fn push_into(&self, columns: &mut SampleColumns) -> i64 {
        columns.push(*self);
        self.timestamp_ms
    }
}

impl InColumns for HistogramSample {
    fn push_into(&self, columns: &mut SampleColumns) -> i64 {
        columns.push_histogram(self.timestamp_ms, &self.histogram);
        self.timestamp_ms
    }
}

impl<C: Columns> Chunk<C> {
    fn new(columns: C) -> Self {
        Chunk { columns, min: i64::MAX, max: i64::MIN, sorted: true }
    }

    fn note(&mut self, timestamp: i64) {
        self.sorted &= timestamp >= self.max;
        self.min = self.min.min(timestamp);
        self.max = self.max.max(timestamp);
    }
}

fn chunks_of<'a, C: Columns>(
    streams: &'a mut Streams<C>,
    bytes: &mut usize,
    labels: &Labels,
) -> &'a mut Vec<Arc<Chunk<C>>> {
    streams.entry(labels.clone()).or_insert_with(|| {
        *bytes += STREAM_BYTES + labels.iter().map(|(n, v)| n.len() + v.len() + LABEL_BYTES).sum::<usize>();
        Vec::new()
    })
}

/// The chunk to append to, not shared with any snapshot.
fn open_chunk<C: Columns>(chunks: &mut Vec<Arc<Chunk<C>>>) -> &mut Chunk<C> {
    if chunks.last().is_none_or(|chunk| chunk.columns.weight() >= CHUNK_BYTES) {
        // A stream that has filled one chunk fills the next: growing would leave half of the memory unused.
        let columns = if chunks.is_empty() { C::default() } else { C::with_room(CHUNK_BYTES) };
        chunks.push(Arc::new(Chunk::new(columns)));
    }
    let last = chunks.len() - 1;
    Arc::make_mut(&mut chunks[last])
}
