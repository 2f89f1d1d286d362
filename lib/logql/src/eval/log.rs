//! Log queries: entries as they come, until there are enough.

use std::{collections::HashMap, ops::ControlFlow};

use event::Labels;

use super::budget::{Budget, bytes_of};
use crate::{
    Answer, Direction, Entries, EntryAnswer, EntryRef, EvalError, LabelSet, Lens, Options, Order, Range,
    Scan, Stats, StreamAnswer, Value,
    ast::{LogExpr, RangeAggregation},
    stage::row::{Origin, Row},
};

/// How many entries pass between two looks at whether the query was cancelled.
const CANCEL_EVERY: u64 = 4096;

impl LogExpr {
    /// What the stages make of one entry of a stream that matches: an answer with this entry, or nothing if a
    /// stage refuses it. For those who get entries one by one, as they arrive.
    pub fn process(&self, stream: &Labels, entry: EntryRef<'_>) -> Option<StreamAnswer> {
        let mut row = Row::new(stream, entry);
        if !self.stages.iter().all(|stage| stage.apply(&mut row)) {
            return None;
        }
        let entry = EntryAnswer {
            timestamp_ns: row.timestamp_ns,
            line: row.text().into_owned(),
            metadata: row.labels_from(Origin::Metadata),
            parsed: row.labels_from(Origin::Parsed),
        };
        let stream = row.labels_from(Origin::Stream).into_iter().collect();
        Some(StreamAnswer { labels: row.label_set(), stream, entries: vec![entry] })
    }
}

impl RangeAggregation {
    /// The labels that the stages leave an entry of a stream that matches; `None` if the aggregation does not count
    /// it.
    pub fn labels_of(&self, stream: &Labels, entry: EntryRef<'_>) -> Option<LabelSet> {
        let mut row = Row::new(stream, entry);
        let counts = self.log.stages.iter().all(|stage| stage.apply(&mut row))
            && self.unwrap.as_ref().is_none_or(|unwrap| unwrap.apply(&mut row).is_some());
        counts.then(|| row.label_set())
    }
}

/// The first entries of `log` in the direction of the query.
pub fn evaluate(
    log: &LogExpr,
    entries: &dyn Entries,
    range: &Range,
    options: &Options<'_>,
) -> Result<Answer, EvalError> {
    let filters = log.leading_filters();
    let order = match options.direction {
        Direction::Forward => Order::Forward,
        Direction::Backward => Order::Backward,
    };
    let lens = Lens::of_filters(&log.stages[filters.len()..]);
    let scan = Scan {
        matchers: &log.matchers,
        start_ns: range.start_ns,
        end_ns: range.end_ns,
        order,
        filters: &filters,
        lens: lens.as_ref(),
    };
    let (streams, budget) = (HashMap::new(), Budget::new(options.max_bytes));
    let mut found = Found { log, options, streams, budget, stats: Stats::default(), failure: None };
    if options.limit > 0 {
        entries.scan(&scan, &mut |stream, entry| found.visit(stream, entry))?;
    }
    match found.failure.take() {
        Some(error) => Err(error),
        None => Ok(found.answer()),
    }
}

/// Of one entry with its labels.
fn bytes(answer: &StreamAnswer) -> usize {
    let pairs = |pairs: &[(String, String)]| bytes_of(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    let entry = |e: &EntryAnswer| size_of_val(e) + e.line.len() + pairs(&e.metadata) + pairs(&e.parsed);
    bytes_of(answer.labels.iter()) + answer.entries.iter().map(entry).sum::<usize>()
}

struct Found<'a> {
    log: &'a LogExpr,
    options: &'a Options<'a>,
    streams: HashMap<LabelSet, StreamAnswer>,
    budget: Budget,
    stats: Stats,
    failure: Option<EvalError>,
}

impl Found<'_> {
    fn visit(&mut self, stream: &Labels, entry: EntryRef<'_>) -> ControlFlow<()> {
        self.stats.entries_scanned += 1;
        self.stats.bytes_scanned += entry.line.len() as u64;
        let due = self.stats.entries_scanned.is_multiple_of(CANCEL_EVERY);
        if due && self.options.cancelled.is_some_and(|cancelled| cancelled()) {
            self.failure = Some(EvalError::Cancelled);
        }
        if let Some(answer) = self.log.process(stream, entry) {
            self.stats.entries_passed += 1;
            self.failure = self.failure.take().or(self.budget.take(bytes(&answer)).err());
            self.add(answer);
        }
        let enough = self.stats.entries_passed >= self.options.limit as u64;
        if self.failure.is_some() || enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn add(&mut self, mut answer: StreamAnswer) {
        match self.streams.get_mut(&answer.labels) {
            Some(known) => known.entries.append(&mut answer.entries),
            None => {
                self.streams.insert(answer.labels.clone(), answer);
            }
        }
    }

    fn answer(self) -> Answer {
        let mut streams: Vec<StreamAnswer> = self.streams.into_values().collect();
        streams.sort_by(|a, b| a.labels.cmp(&b.labels));
        let stats = Stats { returned: self.stats.entries_passed, ..self.stats };
        Answer { value: Value::Streams(streams), stats, notices: Vec::new() }
    }
}
