//! `info`: labels of info metrics, such as `target_info`, added to the series of the same instance and job.

use std::collections::HashMap;

use event::{Labels, METRIC_NAME, MatchOp, Matcher};

use super::Custom;
use crate::{
    EvalError, ValueType,
    eval::{Evaluated, Evaluator, Row, Steps, merge},
    parse::ast::At,
    query::expr::{Call, Expr, TimeShift, VectorSelector},
};

/// The labels that tell which info series belongs to a series.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// The info metric that is meant if none is named.
const USUAL: &str = "target_info";

/// The function of this name.
pub fn find(name: &str) -> Option<Custom> {
    (name == "info").then_some(info as Custom)
}

/// Writes out the selector of info series, so that it counts among the query's selectors.
pub fn complete(args: &mut Vec<Expr>) {
    if args.len() == 1 {
        args.push(Expr::Selector(VectorSelector::default()));
    }
    let reference = args.first().and_then(reference).unwrap_or_default();
    if let Some(Expr::Selector(selector)) = args.get_mut(1).map(Expr::unmarked_mut) {
        selector.time = reference;
        let names = selector.matchers.iter().filter(|m| m.name == METRIC_NAME).collect::<Vec<_>>();
        if names.is_empty() {
            selector.matchers.push(Matcher::equal(METRIC_NAME, USUAL));
        } else if !names.iter().any(|m| matches!(m.op, MatchOp::Equal | MatchOp::Regex)) {
            // Without a name to look for, any info metric will do.
            selector.matchers.extend(Matcher::new(METRIC_NAME, MatchOp::Regex, ".+_info"));
        }
    }
}

/// The time that all selectors below refer to, if it is one: info series are looked up at it.
fn reference(expr: &Expr) -> Option<TimeShift> {
    let mut found = Vec::new();
    let all = references(expr, &[], &mut found);
    let same = |a: &TimeShift, b: &TimeShift| match (a.at, b.at) {
        (Some(At::Time(x)), Some(At::Time(y))) => x - a.offset_ms == y - b.offset_ms,
        (x, y) => x == y && a.offset_ms == b.offset_ms,
    };
    let first = *found.first()?;
    (all && found.iter().all(|other| same(&first, other))).then_some(first)
}

/// Collects the times of all selectors that give vectors; says whether there is one below every vector.
fn references(expr: &Expr, subqueries: &[TimeShift], found: &mut Vec<TimeShift>) -> bool {
    match expr.unmarked() {
        Expr::Selector(selector) => {
            found.push(shifted(selector.time, subqueries));
            true
        }
        Expr::Range(range) => {
            found.push(shifted(range.selector.time, subqueries));
            true
        }
        Expr::Subquery(subquery) => {
            let around: Vec<TimeShift> = subqueries.iter().copied().chain([subquery.time]).collect();
            references(&subquery.expr, &around, found)
        }
        Expr::Call(call) if call.name == "info" => references(&call.args[0], subqueries, found),
        other => {
            let vectors = other
                .children()
                .filter(|child| matches!(child.value_type(), ValueType::Vector | ValueType::Matrix));
            let below: Vec<bool> = vectors.map(|child| references(child, subqueries, found)).collect();
            !below.is_empty() && below.iter().all(|all| *all)
        }
    }
}

/// Offsets of subqueries add up until one is tied to a time.
fn shifted(time: TimeShift, subqueries: &[TimeShift]) -> TimeShift {
    subqueries.iter().rev().fold(time, |time, around| match time.at {
        Some(_) => time,
        None => TimeShift { at: around.at, offset_ms: time.offset_ms + around.offset_ms },
    })
}

fn info(evaluator: &Evaluator<'_>, call: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    let rows = evaluator.vector(&call.args[0], steps)?;
    let wanted = Wanted::new(call.args.get(1))?;
    let sources = wanted.sources(evaluator, steps)?;
    let mut results = Vec::with_capacity(rows.len());
    for row in rows {
        if wanted.is_source(&row.labels) {
            results.push(row);
        } else {
            results.extend(enriched(&row, &wanted, &sources)?);
        }
    }
    Ok(Evaluated::Vector(merge(results)?))
}

/// What the second argument asks for.
struct Wanted {
    names: Vec<Matcher>,
    /// Of the labels to add; all are added if there is none.
    data: Vec<Matcher>,
    time: TimeShift,
}

impl Wanted {
    fn new(selector: Option<&Expr>) -> Result<Self, EvalError> {
        let Some(Expr::Selector(selector)) = selector.map(Expr::unmarked) else {
            return Err(EvalError::execution("expected label selectors only in info()"));
        };
        let (names, data) = selector.matchers.iter().cloned().partition(|m| m.name == METRIC_NAME);
        Ok(Wanted { names, data, time: selector.time })
    }

    /// Whether the series is itself one of the info metrics: these stay as they are.
    fn is_source(&self, labels: &Labels) -> bool {
        self.names.iter().all(|m| m.matches_labels(labels))
    }

    /// The info series by their identifying labels and by step.
    fn sources(&self, evaluator: &Evaluator<'_>, steps: &Steps) -> Result<Sources, EvalError> {
        let matchers = self.names.iter().chain(&self.data).cloned().collect();
        let selector = VectorSelector { matchers, time: self.time, ..VectorSelector::default() };
        let mut sources = Sources::new();
        let rows = evaluator.instant(&selector, steps)?;
        if let Some(row) = rows.iter().find(|row| !row.histograms.is_empty()) {
            let message = format!("info metrics must be numbers: {} is a histogram", row.labels);
            return Err(EvalError::Execution(message));
        }
        for row in evaluator.instant_times(&selector, steps)? {
            let at_steps = sources.entry(identity(&row.labels)).or_default();
            for point in &row.points {
                let found = at_steps.entry(point.step).or_default();
                keep_newest(found, Source { labels: row.labels.clone(), timestamp: point.value })?;
            }
        }
        Ok(sources)
    }

    fn adds(&self, name: &str) -> bool {
        let asked = self.data.is_empty() || self.data.iter().any(|m| m.name == name);
        asked && name != METRIC_NAME && !IDENTIFYING.contains(&name)
    }
}

type Sources = HashMap<Labels, HashMap<u32, Vec<Source>>>;

struct Source {
    labels: Labels,
    timestamp: f64,
}

fn identity(labels: &Labels) -> Labels {
    labels.filtered(|name| IDENTIFYING.contains(&name))
}

/// Of two series of one info metric, the one with the newer sample counts.
fn keep_newest(found: &mut Vec<Source>, new: Source) -> Result<(), EvalError> {
    let name = new.labels.metric_name();
    match found.iter_mut().find(|source| source.labels.metric_name() == name) {
        None => found.push(new),
        Some(old) if old.timestamp < new.timestamp => *old = new,
        Some(old) if old.timestamp > new.timestamp => {}
        Some(old) => {
            let message =
                format!("found duplicate series for info metric: {} and {}", old.labels, new.labels);
            return Err(EvalError::Execution(message));
        }
    }
    Ok(())
}

/// The row with the labels of its info series, which may change from step to step.
fn enriched(row: &Row, wanted: &Wanted, sources: &Sources) -> Result<Vec<Row>, EvalError> {
    let identity = identity(&row.labels);
    let of_row = if identity.is_empty() { None } else { sources.get(&identity) };
    let mut results: HashMap<Labels, Row> = HashMap::new();
    for (step, datum) in row.data() {
        let found = of_row.and_then(|steps| steps.get(&step)).map_or(&[][..], Vec::as_slice);
        if found.is_empty() && wanted.data.iter().any(|m| !m.matches_empty()) {
            continue;
        }
        results.entry(with_data(&row.labels, wanted, found)?).or_default().push(step, datum);
    }
    let mut rows: Vec<Row> = results
        .into_iter()
        .map(|(labels, found)| Row { labels, drops_name: row.drops_name, ..found })
        .collect();
    rows.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(rows)
}

fn with_data(base: &Labels, wanted: &Wanted, sources: &[Source]) -> Result<Labels, EvalError> {
    let mut labels = base.clone();
    let data = sources.iter().flat_map(|source| source.labels.iter());
    for (name, value) in data.filter(|(name, _)| wanted.adds(name) && base.get(name).is_none()) {
        if labels.get(name).is_some_and(|other| other != value) {
            return Err(EvalError::Execution(format!("conflicting label: {name}")));
        }
        labels = labels.with(name, value);
    }
    Ok(labels)
}
