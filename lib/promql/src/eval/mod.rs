//! Evaluation: every expression once over all steps, bottom up.

mod aggregate;
mod binary;
mod matching;
mod range;
mod rows;
mod selector;
mod steps;
mod subquery;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    fmt,
};

use event::{Labels, Matcher, Sample, Series};

use crate::{
    Answer, EvalError, Position, Query, StorageError, Value, ValueType,
    functions::{Function, Map},
    query::{
        Timing,
        expr::{Call, Expr},
    },
};

pub(crate) use range::{OfWindow, OverTime, Window, sum_of_resets};
pub(crate) use rows::{Point, Row, merge, without_name};
pub(crate) use steps::Steps;

/// Where samples come from.
pub trait Storage {
    /// Every series that fits all `matchers`, with its samples from `start_ms` to `end_ms`, both inclusive, in
    /// the order of time, each time at most once. The order of the series does not matter, and a series may come
    /// in several pieces.
    ///
    /// # Errors
    /// When the samples cannot be had; the query then fails.
    fn select(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<Series>, StorageError>;
}

/// How to evaluate, and how much of it at most.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// How far an instant selector looks back for a sample, in milliseconds. Five minutes by default.
    pub lookback_ms: i64,
    /// The step of subqueries that name none, in milliseconds. One minute by default.
    pub subquery_step_ms: i64,
    /// How many samples a query may load and compute in all.
    pub max_samples: usize,
    /// How many steps a range query may have.
    pub max_steps: usize,
    /// Asked now and then; `true` ends the evaluation with [`EvalError::Cancelled`].
    pub cancelled: Option<&'a dyn Fn() -> bool>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            lookback_ms: 5 * 60_000,
            subquery_step_ms: 60_000,
            max_samples: 50_000_000,
            max_steps: 11_000,
            cancelled: None,
        }
    }
}

/// The value of `query` at `time_ms`, of the query's own type.
///
/// # Errors
/// When the data does not fit the query, a limit is reached, or the storage fails.
pub fn query_instant(
    query: &Query,
    storage: &dyn Storage,
    time_ms: i64,
    options: &Options<'_>,
) -> Result<Answer, EvalError> {
    let expr = query.lowered(Timing::default())?;
    let evaluator = Evaluator::new(query, storage, options, Steps::instant(time_ms)?);
    let sample = |value| Sample { timestamp_ms: time_ms, value };
    let value = match query.value_type() {
        ValueType::Matrix => Value::Matrix(evaluator.raw_range(&expr)?),
        _ => match evaluator.eval(&expr, &evaluator.whole)? {
            Evaluated::Scalar(values) => Value::Scalar(sample(values[0])),
            Evaluated::Text(value) => Value::String { timestamp_ms: time_ms, value },
            Evaluated::Vector(rows) => {
                let present = rows.into_iter().filter(|row| !row.points.is_empty());
                Value::Vector(present.map(|row| (row.labels, sample(row.points[0].value))).collect())
            }
        },
    };
    Ok(evaluator.answer(value))
}

/// The values of `query` from `start_ms` to at most `end_ms` in steps of `step_ms`, always as a matrix.
///
/// # Errors
/// When the query is neither scalar nor instant vector, the range is none, the data does not fit the query, a
/// limit is reached, or the storage fails.
pub fn query_range(
    query: &Query,
    storage: &dyn Storage,
    start_ms: i64,
    end_ms: i64,
    step_ms: i64,
    options: &Options<'_>,
) -> Result<Answer, EvalError> {
    if let found @ (ValueType::Matrix | ValueType::String) = query.value_type() {
        return Err(EvalError::BadRequest(format!(
            "invalid expression type \"{found}\" for range query, must be Scalar or instant Vector"
        )));
    }
    let steps = Steps::range(start_ms, end_ms, step_ms)?;
    if steps.count() > options.max_steps {
        return Err(EvalError::TooManySteps { limit: options.max_steps });
    }
    let expr = query.lowered(Timing { step_ms, range_ms: end_ms - start_ms })?;
    let evaluator = Evaluator::new(query, storage, options, steps);
    let rows = match evaluator.eval(&expr, &evaluator.whole)? {
        Evaluated::Scalar(values) => vec![Row::dense(Labels::default(), values)],
        Evaluated::Vector(rows) => rows,
        Evaluated::Text(_) => Vec::new(),
    };
    let mut series: Vec<Series> =
        rows.into_iter().filter(|row| !row.points.is_empty()).map(|row| row.into_series(&steps)).collect();
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(evaluator.answer(Value::Matrix(series)))
}

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

    fn answer(self, value: Value) -> Answer {
        Answer {
            value,
            warnings: self.warnings.into_inner().into_iter().collect(),
            infos: self.infos.into_inner().into_iter().collect(),
        }
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
        let total = self.samples.get().saturating_add(samples);
        self.samples.set(total);
        if total > self.options.max_samples {
            return Err(EvalError::TooManySamples { limit: self.options.max_samples });
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
            row.labels = without_name(&row.labels);
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
                    row.labels = without_name(&row.labels);
                    row.update(|point| Some(-point.value));
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
                let present = rows.into_iter().filter(|row| !row.points.is_empty());
                let mut repeated = Vec::new();
                for row in present {
                    self.charge(count)?;
                    repeated.push(Row::dense(row.labels, vec![row.points[0].value; count]));
                }
                Ok(Evaluated::Vector(repeated))
            }
            text => Ok(text),
        }
    }
}
