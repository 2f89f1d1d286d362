//! Where the rows of the matching streams lie, in memory and in segments, and how to get at them.

mod loaded;

use std::{
    collections::{BTreeMap, HashMap},
    ops::{Range, RangeInclusive},
    sync::{Arc, Weak},
};

use event::{Labels, Matcher};

use crate::{
    QueryError, Snapshot,
    catalog::Selection,
    columns::{Columns, LogBlock, LogColumns, Rows},
    delete::Delete,
    head::{Chunk, Head, InHead},
    segment::{BlockPart, Damage, Sections, Segment},
    state::Sealed,
};

pub use loaded::Loaded;

/// Where a part comes in the order of arrival: segments, then heads; and within these.
pub type Sequence = (u64, usize);

/// Heads come behind all segments.
const FIRST_HEAD: u64 = u64::MAX / 2;

type ByStream<C> = BTreeMap<Labels, Vec<Part<C>>>;

/// The matching streams, sorted, and their parts in the order of arrival.
pub struct Parts<C> {
    pub streams: Vec<Labels>,
    pub parts: Vec<Part<C>>,
}

/// Some rows of one stream.
pub struct Part<C> {
    /// Which of [`Parts::streams`].
    pub stream: usize,
    pub sequence: Sequence,
    pub min: i64,
    pub max: i64,
    source: Source<C>,
    /// Deletes that may hide rows of it.
    hidden: Vec<Arc<Delete>>,
}

enum Source<C> {
    Memory(Arc<Chunk<C>>),
    Stored(Arc<Segment>, BlockPart),
}

impl<C: InHead> Parts<C> {
    /// The parts of `snapshot` that may have rows in `span`.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn find(
        snapshot: &Snapshot,
        matchers: &[Matcher],
        span: RangeInclusive<i64>,
    ) -> Result<Self, QueryError> {
        let mut found = ByStream::new();
        let matchers = &*snapshot.scope.matchers(matchers);
        let selection = Selection { kind: C::KIND, matchers, span: span.clone() };
        for sealed in &snapshot.sealed {
            add_segments(&mut found, sealed, &selection)?;
        }
        for (at, head) in snapshot.heads.iter().enumerate() {
            for (labels, parts) in parts_of_head(FIRST_HEAD + at as u64, head, matchers) {
                found.entry(labels.clone()).or_default().extend(parts);
            }
        }
        let mut all = Self::within(found, &span);
        for labels in &mut all.streams {
            *labels = snapshot.scope.labels(std::mem::take(labels));
        }
        Ok(all)
    }

    fn within(found: ByStream<C>, span: &RangeInclusive<i64>) -> Self {
        let mut all = Parts { streams: Vec::with_capacity(found.len()), parts: Vec::new() };
        for (labels, mut parts) in found {
            parts.retain(|part| part.min <= *span.end() && part.max >= *span.start());
            if !parts.is_empty() {
                let stream = all.streams.len();
                all.parts.extend(parts.into_iter().map(|part| Part { stream, ..part }));
                all.streams.push(labels);
            }
        }
        all.parts.sort_by_key(|part| (part.sequence, part.stream));
        all
    }
}

/// The visible parts in segments.
fn add_segments<C: InHead>(
    found: &mut ByStream<C>,
    sealed: &Sealed,
    selection: &Selection<'_>,
) -> Result<(), QueryError> {
    for (id, meta) in sealed.listing.streams(selection)? {
        let Some(segment) = sealed.segments.get(&id) else { continue };
        let deletes = sealed.deletes_in(id).filter(|d| d.concerns(C::KIND, &meta.labels));
        let hidden: Vec<Arc<Delete>> = deletes.cloned().collect();
        let visible = meta.parts.into_iter().enumerate();
        let visible = visible.filter(|(_, part)| !hidden.iter().any(|delete| delete.hides_all(part)));
        let part = |(at, part): (usize, BlockPart)| {
            let place = (segment.order, at);
            let part = Part::new(place, (part.min, part.max), Source::Stored(segment.clone(), part));
            Part { hidden: hidden.clone(), ..part }
        };
        found.entry(meta.labels).or_default().extend(visible.map(part));
    }
    Ok(())
}

fn parts_of_head<'a, C: InHead>(
    number: u64,
    head: &'a Head,
    matchers: &'a [Matcher],
) -> impl Iterator<Item = (&'a Labels, Vec<Part<C>>)> {
    let matching =
        C::streams(head).iter().filter(|(labels, _)| matchers.iter().all(|m| m.matches_labels(labels)));
    matching.map(move |(labels, chunks)| {
        let part = |(at, chunk): (usize, &Arc<Chunk<C>>)| {
            Part::new((number, at), (chunk.min, chunk.max), Source::Memory(chunk.clone()))
        };
        (labels, chunks.iter().enumerate().map(part).collect())
    })
}

impl<C: Columns> Part<C> {
    fn new(sequence: Sequence, (min, max): (i64, i64), source: Source<C>) -> Self {
        Part { stream: 0, sequence, min, max, source, hidden: Vec::new() }
    }

    /// Rows and bytes of content.
    pub fn size(&self) -> (u64, u64) {
        match &self.source {
            Source::Memory(chunk) => (chunk.columns.rows() as u64, chunk.columns.weight() as u64),
            Source::Stored(_, part) => (part.rows.into(), part.bytes),
        }
    }

    /// Bytes of its block in the segment, 0 in memory.
    pub fn packed_bytes(&self) -> u64 {
        match &self.source {
            Source::Memory(_) => 0,
            Source::Stored(_, part) => part.block.length.into(),
        }
    }

    /// The block, if it is in one: segment and offset.
    pub fn block(&self) -> Option<(u64, u64)> {
        match &self.source {
            Source::Memory(_) => None,
            Source::Stored(segment, part) => Some((segment.id, part.block.offset)),
        }
    }

    /// The sections of its block, if it is in one, and that is not damaged.
    pub fn sections(&self) -> Option<Result<Sections, Damage>> {
        match &self.source {
            Source::Memory(_) => None,
            Source::Stored(segment, part) => Some(segment.sections(&part.block)),
        }
    }

    /// The filter of its block, if it is in one.
    ///
    /// # Errors
    /// When the block is damaged or missing.
    pub fn filter(&self) -> Result<Option<Arc<[u8]>>, Damage> {
        match &self.source {
            Source::Memory(_) => Ok(None),
            Source::Stored(segment, part) => segment.filter(&part.block).map(Some),
        }
    }

    /// The rows with times in `span` that no delete hides, in the order of time, and of arrival where times are
    /// equal.
    ///
    /// # Errors
    /// When the lines that a delete looks at are damaged.
    pub fn rows_within(&self, loaded: &Loaded<C>, span: &RangeInclusive<i64>) -> Result<Vec<u32>, Damage> {
        let mut rows: Vec<u32> = match self.sorted_within(loaded, span) {
            Some(rows) => rows.collect(),
            None => self.unsorted_within(loaded, span),
        };
        for delete in &self.hidden {
            let hidden = |row: &u32| delete.hides(loaded, *row as usize);
            let hidden: Vec<bool> = rows.iter().map(hidden).collect::<Result<_, Damage>>()?;
            let mut hidden = hidden.into_iter();
            rows.retain(|_| hidden.next() == Some(false));
        }
        Ok(rows)
    }

    /// The same if these rows lie one behind the other.
    pub fn range_within(&self, loaded: &Loaded<C>, span: &RangeInclusive<i64>) -> Option<Range<u32>> {
        if self.hidden.is_empty() { self.sorted_within(loaded, span) } else { None }
    }

    /// `None` if the rows lie in the order of arrival.
    fn sorted_within(&self, loaded: &Loaded<C>, span: &RangeInclusive<i64>) -> Option<Range<u32>> {
        let rows = match &self.source {
            Source::Memory(chunk) => chunk.sorted.then_some(0..chunk.columns.rows() as u32)?,
            Source::Stored(_, part) => part.first_row..part.first_row + part.rows,
        };
        let time = |row: u32| loaded.timestamp(row as usize);
        let begin = first_row(rows.clone(), |row| time(row) >= *span.start());
        Some(begin..first_row(begin..rows.end, |row| time(row) > *span.end()))
    }

    fn unsorted_within(&self, loaded: &Loaded<C>, span: &RangeInclusive<i64>) -> Vec<u32> {
        let time = |row: u32| loaded.timestamp(row as usize);
        let mut found: Vec<u32> =
            (0..loaded.rows() as u32).filter(|row| span.contains(&time(*row))).collect();
        found.sort_by_key(|row| time(*row));
        found
    }
}

/// The first row for which `holds`, where it holds for all rows behind it; the end if there is none.
fn first_row(rows: Range<u32>, holds: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (rows.start, rows.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

/// Reads blocks for one pass, each once while somebody still uses it: small streams share blocks.
pub struct Loader<C: Columns> {
    blocks: HashMap<(u64, u64), Weak<C::Block>>,
    /// Kept for the next part, which often is in the same block.
    last: Option<Arc<C::Block>>,
}

impl<C: Columns> Loader<C> {
    pub fn new() -> Self {
        Loader { blocks: HashMap::new(), last: None }
    }

    /// # Errors
    /// When the block is damaged or missing.
    pub fn load(&mut self, part: &Part<C>) -> Result<Loaded<C>, Damage> {
        let (segment, part) = match &part.source {
            Source::Memory(chunk) => return Ok(Loaded::Chunk(chunk.clone())),
            Source::Stored(segment, part) => (segment, part),
        };
        let key = (segment.id, part.block.offset);
        let block = match self.blocks.get(&key).and_then(Weak::upgrade) {
            Some(block) => block,
            None => self.keep(key, segment.open(&part.block)?),
        };
        segment.rows_of(part, block.rows())?;
        Ok(Loaded::Block(block))
    }

    /// Takes a block that is open already.
    fn keep(&mut self, key: (u64, u64), block: C::Block) -> Arc<C::Block> {
        let block = Arc::new(block);
        self.blocks.insert(key, Arc::downgrade(&block));
        self.last = Some(block.clone());
        block
    }
}

impl Loader<LogColumns> {
    /// Knows a block that is open already.
    pub fn with(part: &Part<LogColumns>, block: LogBlock) -> Self {
        let mut loader = Loader::new();
        if let Some(key) = part.block() {
            loader.keep(key, block);
        }
        loader
    }
}
