//! Range aggregations: one pass over the entries in any order. Window edges cut time into cells; each entry
//! goes into one cell, and each window is the merger of the cells that it covers.

use std::{
    collections::{HashMap, btree_map::Entry},
    ops::ControlFlow,
};

use event::Labels;

use super::{
    Evaluation,
    accumulator::Accumulator,
    pipeline_error,
    series::Series,
    steps::Span,
    windows::{Cells, absent, windows},
};
use crate::{
    EntryRef, EvalError, LabelSet, Lens, Order, Scan, Stats, Times,
    ast::{Grouping, RangeAggregation, RangeOp},
    stage::{
        Stage,
        row::{ERROR, PRESERVE_ERROR, Row},
    },
};

/// How many entries pass between two looks at whether the query was cancelled.
const CANCEL_EVERY: u64 = 4096;

/// The series of `aggregation`. With `outer`, the grouping of a function around it that commutes with it,
/// entries are grouped at once rather than series afterwards.
pub fn evaluate(
    evaluation: &Evaluation<'_>,
    aggregation: &RangeAggregation,
    outer: Option<Option<&Grouping>>,
) -> Result<Vec<Series>, EvalError> {
    let names = Names::new(aggregation.grouping.as_ref().map(Some).or(outer));
    let wanted = wanted(aggregation, names);
    let mut pass = Pass::new(evaluation, aggregation, names, wanted.as_deref());
    let filters = aggregation.log.leading_filters();
    let (start_ns, end_ns) = evaluation.steps.bounds(aggregation.range_ns, aggregation.offset_ns);
    let (by_times, lens) = way(aggregation, &aggregation.log.stages[filters.len()..], wanted.as_deref());
    let scan = Scan {
        matchers: &aggregation.log.matchers,
        start_ns,
        end_ns,
        order: Order::Unordered,
        filters: &filters,
        lens: lens.as_ref(),
    };
    let scanned = match by_times {
        true => evaluation.entries.scan_times(&scan, &mut |stream, times| {
            let visited = pass.visit_times(stream, times, scan.lens.is_some());
            pass.goes_on(visited)
        }),
        false => evaluation.entries.scan(&scan, &mut |stream, entry| {
            let visited = pass.visit(stream, entry);
            pass.goes_on(visited)
        }),
    };
    evaluation.stats.set(pass.stats);
    match pass.failure.take() {
        Some(error) => return Err(error),
        None => scanned?,
    }
    evaluation.budget.take_series(pass.series.len().max(1), evaluation.steps)?;
    Ok(pass.finish())
}

/// The labels that name a series.
#[derive(Clone, Copy)]
enum Names<'a> {
    By(&'a [String]),
    Without(&'a [String]),
}

impl<'a> Names<'a> {
    /// `None`: all labels. `Some(None)`: none of them.
    fn new(grouping: Option<Option<&'a Grouping>>) -> Self {
        match grouping {
            None => Names::Without(&[]),
            Some(None) => Names::By(&[]),
            Some(Some(grouping)) if grouping.without => Names::Without(&grouping.labels),
            Some(Some(grouping)) => Names::By(&grouping.labels),
        }
    }
}

/// The state of the pass.
struct Pass<'a> {
    evaluation: &'a Evaluation<'a>,
    aggregation: &'a RangeAggregation,
    names: Names<'a>,
    index: HashMap<LabelSet, usize>,
    series: Vec<(LabelSet, Cells)>,
    /// The labels that anything looks at; `None`: all.
    wanted: Option<&'a [String]>,
    /// The last stream whose labels name a series as they are.
    plain: Option<(Labels, usize)>,
    stats: Stats,
    failure: Option<EvalError>,
}

impl<'a> Pass<'a> {
    fn new(
        evaluation: &'a Evaluation<'a>,
        aggregation: &'a RangeAggregation,
        names: Names<'a>,
        wanted: Option<&'a [String]>,
    ) -> Self {
        Pass {
            evaluation,
            aggregation,
            names,
            wanted,
            index: HashMap::new(),
            series: Vec::new(),
            plain: None,
            stats: evaluation.stats.get(),
            failure: None,
        }
    }

    fn visit(&mut self, stream: &Labels, entry: EntryRef<'_>) -> Result<(), EvalError> {
        self.note_scanned(1, entry.line.len() as u64)?;
        let (range_ns, offset_ns) = (self.aggregation.range_ns, self.aggregation.offset_ns);
        let Some(span) = self.evaluation.steps.span(entry.timestamp_ns, range_ns, offset_ns) else {
            return Ok(());
        };
        let mut row = Row::new(stream, entry).only(self.wanted);
        let Some(value) = self.value(&mut row) else { return Ok(()) };
        self.stats.entries_passed += 1;
        let at = self.series_of(stream, &row)?;
        self.add(at, span, &Accumulator::new(self.aggregation.op, entry.timestamp_ns, value))
    }

    /// Counts entries that are the same to the query; if it looks at lines, one of them is enough.
    fn visit_times(&mut self, stream: &Labels, times: Times<'_>, looks: bool) -> Result<(), EvalError> {
        let steps = self.evaluation.steps;
        let (range_ns, offset_ns) = (self.aggregation.range_ns, self.aggregation.offset_ns);
        let (mut rest, mut series) = (times.timestamps_ns, None);
        self.note_scanned(rest.len() as u64, times.line.len() as u64)?;
        let entry = EntryRef {
            timestamp_ns: rest.first().copied().unwrap_or(0),
            line: times.line,
            metadata: times.metadata,
        };
        let mut row = Row::new(stream, entry).only(self.wanted);
        if looks && self.value(&mut row).is_none() {
            return Ok(());
        }
        while let Some(first) = rest.first() {
            let same = *first..=steps.same_span_until(*first, range_ns, offset_ns);
            let count = rest.iter().take_while(|time| same.contains(time)).count();
            rest = &rest[count..];
            let Some(span) = steps.span(*first, range_ns, offset_ns) else { continue };
            let at = match series {
                Some(at) => at,
                None => self.series_of(stream, &row)?,
            };
            series = Some(at);
            self.stats.entries_passed += count as u64;
            self.add(at, span, &Accumulator::new(self.aggregation.op, *first, count as f64))?;
        }
        Ok(())
    }

    fn add(&mut self, series: usize, span: Span, new: &Accumulator) -> Result<(), EvalError> {
        let grown = match self.series[series].1.entry(span) {
            Entry::Occupied(mut cell) => {
                cell.get_mut().merge(new);
                new.bytes()
            }
            Entry::Vacant(place) => {
                place.insert(new.clone());
                size_of::<(Span, Accumulator)>() + new.bytes()
            }
        };
        self.evaluation.budget.take(grown)
    }

    /// Counts what was read, and looks now and then whether the query was cancelled.
    fn note_scanned(&mut self, entries: u64, bytes: u64) -> Result<(), EvalError> {
        let before = self.stats.entries_scanned / CANCEL_EVERY;
        self.stats.entries_scanned += entries;
        self.stats.bytes_scanned += bytes;
        let due = self.stats.entries_scanned / CANCEL_EVERY > before;
        match due && self.evaluation.options.cancelled.is_some_and(|cancelled| cancelled()) {
            true => Err(EvalError::Cancelled),
            false => Ok(()),
        }
    }

    fn goes_on(&mut self, visited: Result<(), EvalError>) -> ControlFlow<()> {
        match visited {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failure = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    /// What the entry adds, unless a stage refuses it.
    fn value(&self, row: &mut Row<'_>) -> Option<f64> {
        // where nothing looks at labels, lines that cannot be parsed count like others
        let unread = self.wanted.is_some_and(<[String]>::is_empty);
        let skips = |stage: &Stage| unread && stage.is_parser();
        if !self.aggregation.log.stages.iter().all(|stage| skips(stage) || stage.apply(row)) {
            return None;
        }
        match &self.aggregation.unwrap {
            Some(unwrap) => unwrap.apply(row),
            None => Some(match self.aggregation.op {
                RangeOp::BytesOverTime | RangeOp::BytesRate => row.line.len() as f64,
                _ => 1.0,
            }),
        }
    }

    fn series_of(&mut self, stream: &Labels, row: &Row<'_>) -> Result<usize, EvalError> {
        let untouched = row.is_untouched();
        if let Some((labels, at)) = &self.plain
            && untouched
            && labels == stream
        {
            return Ok(*at);
        }
        let labels = self.labels(row)?;
        let at = match self.index.get(&labels) {
            Some(at) => *at,
            None => {
                self.evaluation.check_series(self.series.iter().map(|(labels, _)| labels))?;
                self.evaluation.budget.take_labels(&labels)?;
                self.index.insert(labels.clone(), self.series.len());
                self.series.push((labels, Cells::new()));
                self.series.len() - 1
            }
        };
        if untouched {
            self.plain = Some((stream.clone(), at));
        }
        Ok(at)
    }

    fn labels(&self, row: &Row<'_>) -> Result<LabelSet, EvalError> {
        let failed = row.error.is_some() || row.get_with_origin(ERROR).is_some();
        if failed && row.get(PRESERVE_ERROR) != Some("true") {
            return Err(pipeline_error(&row.label_set()));
        }
        if self.aggregation.op == RangeOp::AbsentOverTime {
            return Ok(LabelSet::default());
        }
        let value_label = self.aggregation.unwrap.as_ref().map(|unwrap| unwrap.label.as_str());
        let keeps = |name: &str| match self.names {
            Names::By(labels) => labels.iter().any(|l| l == name),
            Names::Without(labels) => Some(name) != value_label && !labels.iter().any(|l| l == name),
        };
        let kept = row.labels().filter(|(_, n, _)| keeps(n));
        Ok(kept.map(|(_, n, v)| (n.to_owned(), v.to_owned())).collect())
    }

    fn finish(self) -> Vec<Series> {
        let steps = self.evaluation.steps;
        let aggregation = self.aggregation;
        if aggregation.op == RangeOp::AbsentOverTime {
            return vec![absent(&self.series, aggregation, steps)];
        }
        let windows = |(labels, cells): (LabelSet, Cells)| Series {
            labels,
            values: windows(&cells, aggregation, steps),
        };
        self.series.into_iter().map(windows).collect()
    }
}

/// Whether times are enough, perhaps with a line for each group of entries; and what the stages behind the filters look
/// at.
fn way<'a>(
    aggregation: &RangeAggregation,
    stages: &'a [Stage],
    wanted: Option<&[String]>,
) -> (bool, Option<Lens<'a>>) {
    if !counts(aggregation) {
        return (false, Lens::of_filters(stages));
    }
    if stages.is_empty() {
        return (true, None);
    }
    match wanted.and_then(|names| Lens::new(stages, names)) {
        Some(lens) => (true, Some(lens)),
        None => (false, Lens::of_filters(stages)),
    }
}

/// Whether each entry adds one, whatever its line is.
fn counts(aggregation: &RangeAggregation) -> bool {
    let counts = matches!(aggregation.op, RangeOp::CountOverTime | RangeOp::Rate | RangeOp::AbsentOverTime);
    counts && aggregation.unwrap.is_none()
}

/// The labels that the grouping, a stage or `unwrap` looks at, if those can be told.
fn wanted(aggregation: &RangeAggregation, names: Names<'_>) -> Option<Vec<String>> {
    let Names::By(labels) = names else { return None };
    let mut names = labels.to_vec();
    aggregation.unwrap.iter().for_each(|unwrap| unwrap.collect_names(&mut names));
    let known = aggregation.log.stages.iter().all(|stage| stage.collect_names(&mut names));
    known.then_some(names)
}
