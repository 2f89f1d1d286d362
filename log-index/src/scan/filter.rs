//! Line filters before lines are put together: which rows cannot pass, and which do for certain.

use logql::LineFilter;
use memchr::memmem::Finder;

use crate::{
    columns::{LogBlock, LogColumns, LogLines},
    head::Chunk,
    lines::{self, Hits, Verdict},
    parts::Part,
    segment::Damage,
};

/// The line filters of a query.
pub struct RowFilter<'a> {
    filters: &'a [LineFilter],
    texts: Vec<Texts<'a>>,
    /// Whether the texts say all that the filters do.
    complete: bool,
}

/// A row needs one of the texts, or must have none of them.
struct Texts<'a> {
    wanted: bool,
    finders: Vec<Finder<'a>>,
}

impl<'a> RowFilter<'a> {
    pub fn new(filters: &'a [LineFilter]) -> Self {
        let texts = |filter: &'a LineFilter| match filter.texts() {
            Some((wanted, texts)) => vec![Texts::new(wanted, texts)],
            None => filter.required_texts().into_iter().map(|texts| Texts::new(true, texts)).collect(),
        };
        let complete = filters.iter().all(|filter| filter.texts().is_some());
        RowFilter { filters, texts: filters.iter().flat_map(texts).collect(), complete }
    }

    pub fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    /// Whether a block has to be searched.
    pub fn has_texts(&self) -> bool {
        !self.texts.is_empty()
    }

    pub fn matches(&self, line: &[u8]) -> bool {
        self.filters.iter().all(|filter| filter.matches(line))
    }

    /// Whether any row of a block may pass, by the block's own filter.
    ///
    /// # Errors
    /// When the block is damaged.
    pub fn may_pass(&self, part: &Part<LogColumns>) -> Result<bool, Damage> {
        let useful: Vec<&Texts<'_>> = self.texts.iter().filter(|texts| texts.is_useful()).collect();
        if useful.is_empty() {
            return Ok(true);
        }
        let Some(filter) = part.filter()? else { return Ok(true) };
        let any =
            |texts: &Texts<'_>| texts.finders.iter().any(|text| lines::may_hold(&filter, text.needle()));
        Ok(useful.into_iter().all(any))
    }

    /// The rows of a chunk that may pass, and whether it is certain that they do.
    pub fn rows_of_chunk(&self, chunk: &Chunk<LogColumns>, mut rows: Vec<u32>) -> Vec<(u32, bool)> {
        for texts in self.texts.iter().filter(|texts| texts.is_useful()) {
            rows = with_any(&chunk.columns, rows, &texts.finders);
        }
        rows.into_iter().map(|row| (row, self.is_empty())).collect()
    }

    /// What templates and values of a block say about the texts.
    ///
    /// # Errors
    /// When the block is damaged.
    pub fn hits(&self, lines: &LogLines) -> Result<BlockHits, Damage> {
        let hits = |texts: &Texts<'_>| {
            let hits = texts.finders.iter().map(|finder| lines.search(finder.needle()));
            Ok((texts.wanted, hits.collect::<Result<Vec<Hits>, Damage>>()?))
        };
        Ok(BlockHits(self.texts.iter().map(hits).collect::<Result<_, Damage>>()?))
    }

    /// The same as [`RowFilter::rows_of_chunk`] for a block.
    pub fn rows_of_block(&self, block: &LogBlock, hits: &BlockHits, rows: Vec<u32>) -> Vec<(u32, bool)> {
        let verdict = |row: u32| {
            let of_one = |(wanted, hits): &(bool, Vec<Hits>)| {
                let best = hits.iter().map(|hits| block.verdict(hits, row as usize)).max();
                best.unwrap_or(Verdict::No).unless(!wanted)
            };
            hits.0.iter().map(of_one).min().unwrap_or(Verdict::Yes)
        };
        let judged = rows.into_iter().map(|row| (row, verdict(row)));
        let possible = judged.filter(|(_, verdict)| *verdict != Verdict::No);
        possible.map(|(row, verdict)| (row, self.complete && verdict == Verdict::Yes)).collect()
    }
}

/// For each filter with texts: whether a row needs one of them, and the rows that hold each.
#[derive(Default)]
pub struct BlockHits(Vec<(bool, Vec<Hits>)>);

impl BlockHits {
    /// Whether no row has what a filter wants.
    pub fn refuse_all(&self) -> bool {
        let none = |hits: &Vec<Hits>| hits.iter().all(|hits| matches!(hits, Hits::None));
        self.0.iter().any(|(wanted, hits)| *wanted && none(hits))
    }
}

impl<'a> Texts<'a> {
    fn new(wanted: bool, texts: Vec<&'a str>) -> Self {
        Texts { wanted, finders: texts.into_iter().map(Finder::new).collect() }
    }

    /// Whether lines in memory are worth a search of their own.
    fn is_useful(&self) -> bool {
        self.wanted && !self.finders.is_empty() && self.finders.iter().all(|f| !f.needle().is_empty())
    }
}

/// The rows whose lines hold one of the texts: one search over all lines instead of one for each.
fn with_any(columns: &LogColumns, rows: Vec<u32>, texts: &[Finder<'_>]) -> Vec<u32> {
    let (Some(first), Some(last)) = (rows.iter().min().copied(), rows.iter().max().copied()) else {
        return rows;
    };
    let mut found = vec![false; (last - first + 1) as usize];
    let end = columns.line_start(last as usize) + columns.line(last as usize).len();
    for text in texts {
        let mut from = columns.line_start(first as usize);
        while let Some(at) = text.find(&columns.lines()[from..end]).map(|at| from + at) {
            let row = columns.row_at(at);
            let line_end = columns.line_start(row) + columns.line(row).len();
            let within = at + text.needle().len() <= line_end;
            found[row - first as usize] |= within;
            // What begins in one line and ends in the next is no hit, but one may begin right behind it.
            from = if within { line_end } else { at + 1 };
        }
    }
    rows.into_iter().filter(|row| found[(row - first) as usize]).collect()
}
