//! Evaluation: every expression once over all steps, bottom up.

mod aggregate;
mod aggregate_histogram;
mod bare;
mod binary;
mod binary_histogram;
mod extreme;
mod fold;
mod matching;
mod query;
mod range;
mod report;
mod resets;
mod rows;
mod selector;
mod smooth;
mod start;
mod steps;
mod subquery;
mod window;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    fmt,
    sync::Arc,
};

use event::HistogramSeries;

use crate::{
    Answer, EvalError, Position, Query, Value,
    functions::{Function, Map},
    histogram,
    query::expr::{Call, Expr},
};

pub(crate) use extreme::Extreme;
pub use query::{Options, Selected, Stop, Storage, query_instant, query_range};
pub(crate) use range::{OfAll, OfSamples, OfWindow, OverTime};
pub(crate) use report::Reporter;
pub(crate) use resets::sum_of_resets;
pub(crate) use rows::{Datum, METADATA, Point, Row, merge, without_name};
pub(crate) use selector::Track;
pub(crate) use smooth::{Edges, Place, Timed, place, share};
pub(crate) use start::Starts;
pub use start::{Start, StartSeries};
pub(crate) use steps::Steps;
pub(crate) use window::Window;

/// The value of an expression at all steps. Ranges have none: functions take them from their source.
pub(crate) enum Evaluated {
    /// A number for every step.
    Scalar(Vec<f64>),
    /// A row for each series.
    Vector(Vec<Row>),
    /// A text, the same at every step.
    Text(String),
}

pub(crate) struct Evaluator<'a> {
    /// For the places in warnings.
    query: &'a Query,
    storage: &'a dyn Storage,
    options: &'a Options<'a>,
    /// The steps of the whole query: `@ start()` and `@ end()` mean these, in subqueries too.
    pub whole: Steps,
    samples: Cell<usize>,
    warnings: RefCell<BTreeSet<String>>,
    infos: RefCell<BTreeSet<String>>,
}

impl<'a> Evaluator<'a> {
    fn new(query: &'a Query, storage: &'a dyn Storage, options: &'a Options<'a>, whole: Steps) -> Self {
        Evaluator {
            query,
            storage,
            options,
            whole,
            samples: Cell::new(0),
            warnings: RefCell::default(),
            infos: RefCell::default(),
        }
    }

    fn answer(self, value: Value, histograms: Vec<HistogramSeries>) -> Answer {
        Answer {
            value,
            histograms,
            warnings: self.warnings.into_inner().into_iter().collect(),
            infos: self.infos.into_inner().into_iter().collect(),
            samples: self.samples.get(),
        }
    }

    /// Takes the metric's name, type and unit away: now, or in the end if the query's features say so.
    pub fn forget_name(&self, row: &mut Row) {
        match self.query.features().delayed_name_removal {
            true => row.drops_name = true,
            false => row.labels = without_name(&row.labels),
        }
    }

    /// Whether start timestamps count.
    pub fn uses_starts(&self) -> bool {
        self.query.features().use_start_timestamps
    }

    /// How far instant selectors look back, in milliseconds.
    pub fn lookback_ms(&self) -> i64 {
        self.options.lookback_ms.max(1)
    }

    /// Adds a warning to the answer; `at` is where in the query its cause begins.
    pub fn warn(&self, message: impl fmt::Display, at: usize) {
        let place = Position::at(self.query.text(), at);
        self.warnings.borrow_mut().insert(format!("PromQL warning: {message} ({place})"));
    }

    /// Adds a hint to the answer; `at` is where in the query its cause begins.
    pub fn inform(&self, message: impl fmt::Display, at: usize) {
        let place = Position::at(self.query.text(), at);
        self.infos.borrow_mut().insert(format!("PromQL info: {message} ({place})"));
    }

    /// Counts samples that were loaded or computed, and ends a query that has too many or is cancelled.
    pub fn charge(&self, samples: usize) -> Result<(), EvalError> {
        self.samples.set(self.samples.get().saturating_add(samples));
        self.check(0)
    }

    /// Whether the query may hold so many samples more, and go on.
    fn check(&self, more: usize) -> Result<(), EvalError> {
        let total = self.samples.get().saturating_add(more);
        if total > self.options.max_samples {
            return Err(EvalError::TooManySamples { limit: self.options.max_samples, widest: None });
        }
        match self.options.cancelled {
            Some(cancelled) if cancelled() => Err(EvalError::Cancelled),
            _ => Ok(()),
        }
    }

    /// The value of `expr` at each of `steps`.
    pub fn eval(&self, expr: &Expr, steps: &Steps) -> Result<Evaluated, EvalError> {
        match expr {
            Expr::Number(value) => {
                self.charge(steps.count())?;
                Ok(Evaluated::Scalar(vec![*value; steps.count()]))
            }
            Expr::String(text) => Ok(Evaluated::Text(text.clone())),
            Expr::Selector(selector) => Ok(Evaluated::Vector(self.instant(selector, steps)?)),
            Expr::Negate(inner) => self.negate(inner, steps),
            Expr::Binary(binary) => self.binary(binary, steps),
            Expr::Aggregate(aggregate) => Ok(Evaluated::Vector(self.aggregate(aggregate, steps)?)),
            Expr::Call(call) => self.call(call, steps),
            Expr::Invariant(inner) => self.invariant(inner, steps),
            Expr::Range(_) | Expr::Subquery(_) => {
                Err(EvalError::execution("a range vector has no value of its own"))
            }
        }
    }

    /// The rows of an expression of type instant vector.
    pub fn vector(&self, expr: &Expr, steps: &Steps) -> Result<Vec<Row>, EvalError> {
        match self.eval(expr, steps)? {
            Evaluated::Vector(rows) => Ok(rows),
            _ => Err(EvalError::execution("expected an instant vector")),
        }
    }

    /// The numbers of an expression of type scalar.
    pub fn scalar(&self, expr: &Expr, steps: &Steps) -> Result<Vec<f64>, EvalError> {
        match self.eval(expr, steps)? {
            Evaluated::Scalar(values) => Ok(values),
            _ => Err(EvalError::execution("expected a scalar")),
        }
    }

    /// The text of an expression of type string.
    pub fn text(&self, expr: &Expr) -> Result<String, EvalError> {
        match expr {
            Expr::String(text) => Ok(text.clone()),
            _ => Err(EvalError::execution("expected a string")),
        }
    }

    fn call(&self, call: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
        match &call.function {
            Function::Map(map) => Ok(Evaluated::Vector(self.map(*map, call, steps)?)),
            Function::OverTime(function) => Ok(Evaluated::Vector(self.over_time(function, call, steps)?)),
            Function::Custom(function) => function(self, call, steps),
        }
    }

    /// A function of each value: the first argument is the vector, the others are scalars.
    fn map(&self, map: Map, call: &Call, steps: &Steps) -> Result<Vec<Row>, EvalError> {
        let Some((vector, scalars)) = call.args.split_first() else {
            return Err(EvalError::execution("expected an argument"));
        };
        let rows = self.vector(vector, steps)?;
        let scalars = scalars.iter().map(|arg| self.scalar(arg, steps)).collect::<Result<Vec<_>, _>>()?;
        let mut at_step = Vec::with_capacity(scalars.len());
        let mut mapped = Vec::with_capacity(rows.len());
        for mut row in rows {
            self.forget_name(&mut row);
            row.histograms.clear();
            row.update(|point| {
                at_step.clear();
                at_step.extend(scalars.iter().map(|values| values[point.step as usize]));
                map(point.value, &at_step)
            });
            mapped.push(row);
        }
        merge(mapped)
    }

    fn negate(&self, inner: &Expr, steps: &Steps) -> Result<Evaluated, EvalError> {
        match self.eval(inner, steps)? {
            Evaluated::Scalar(values) => Ok(Evaluated::Scalar(values.into_iter().map(|v| -v).collect())),
            Evaluated::Vector(mut rows) => {
                for row in &mut rows {
                    self.forget_name(row);
                    row.update(|point| Some(-point.value));
                    for (_, found) in &mut row.histograms {
                        *found = Arc::new(histogram::scaled(found, -1.0));
                    }
                }
                Ok(Evaluated::Vector(merge(rows)?))
            }
            text => Ok(text),
        }
    }

    /// Evaluates one step and repeats it.
    fn invariant(&self, inner: &Expr, steps: &Steps) -> Result<Evaluated, EvalError> {
        if steps.count() == 1 {
            return self.eval(inner, steps);
        }
        let count = steps.count();
        match self.eval(inner, &steps.first())? {
            Evaluated::Scalar(values) => Ok(Evaluated::Scalar(vec![values[0]; count])),
            Evaluated::Vector(rows) => {
                let mut repeated = Vec::new();
                for row in rows {
                    self.charge(count)?;
                    let Some((_, datum)) = row.data().into_iter().next() else { continue };
                    let (labels, drops_name) = (row.labels, row.drops_name);
                    let mut all = Row { labels, drops_name, ..Row::default() };
                    (0..count).for_each(|step| all.push(step as u32, datum.clone()));
                    repeated.push(all);
                }
                Ok(Evaluated::Vector(repeated))
            }
            text => Ok(text),
        }
    }
}
