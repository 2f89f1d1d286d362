//! Queries from outside: a storage, limits, and a time or a range.

use event::{HistogramSeries, Labels, Matcher, Sample, Series};

use super::{Evaluated, Evaluator, Row, StartSeries, Steps, Track, merge, without_name};
use crate::{Answer, EvalError, Query, StorageError, Value, ValueType, query::Timing};

/// Told how many samples have been read so far: whether the query fails anyhow, so that there is no use in reading on.
pub type Stop<'a> = &'a dyn Fn(usize) -> bool;

/// What a storage finds. The order of the series does not matter, and a series may come in several pieces.
#[derive(Debug, Default)]
pub struct Selected {
    /// Series of numbers.
    pub numbers: Vec<Series>,
    /// Series of native histograms.
    pub histograms: Vec<HistogramSeries>,
    /// Start timestamps of these samples, as far as any are known.
    pub starts: Vec<StartSeries>,
}

/// Where samples come from.
pub trait Storage {
    /// Every series that fits all `matchers`, with its samples from `start_ms` to `end_ms`, both inclusive, in
    /// the order of time, each time at most once. A storage that holds much asks `stop` now and then.
    ///
    /// # Errors
    /// When the samples cannot be had; the query then fails.
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        stop: Stop<'_>,
    ) -> Result<Selected, StorageError>;
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
    let (value, histograms) = match query.value_type() {
        ValueType::Matrix => matrix(evaluator.raw_range(&expr)?),
        _ => match evaluator.eval(&expr, &evaluator.whole)? {
            Evaluated::Scalar(values) => (Value::Scalar(sample(values[0])), Vec::new()),
            Evaluated::Text(value) => (Value::String { timestamp_ms: time_ms, value }, Vec::new()),
            Evaluated::Vector(rows) => {
                let rows = named(rows)?;
                let number = |row: &Row| Some((row.labels.clone(), sample(row.points.first()?.value)));
                let numbers = rows.iter().filter_map(number).collect();
                (Value::Vector(numbers), matrix(tracks(rows, &evaluator.whole)).1)
            }
        },
    };
    Ok(evaluator.answer(value, histograms))
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
        Evaluated::Vector(rows) => named(rows)?,
        Evaluated::Text(_) => Vec::new(),
    };
    let mut tracks = tracks(rows, &steps);
    tracks.sort_by(|a, b| a.labels.cmp(&b.labels));
    let (value, histograms) = matrix(tracks);
    Ok(evaluator.answer(value, histograms))
}

/// With the names taken away that had to wait.
fn named(mut rows: Vec<Row>) -> Result<Vec<Row>, EvalError> {
    for row in rows.iter_mut().filter(|row| row.drops_name) {
        row.labels = without_name(&row.labels);
    }
    merge(rows)
}

fn tracks(rows: Vec<Row>, steps: &Steps) -> Vec<Track> {
    rows.into_iter().map(|row| row.into_track(steps)).collect()
}

/// Numbers and histograms apart, each series where it has any.
fn matrix(tracks: Vec<Track>) -> (Value, Vec<HistogramSeries>) {
    let (mut numbers, mut histograms) = (Vec::new(), Vec::new());
    for Track { labels, samples, histograms: found, .. } in tracks {
        if !found.is_empty() {
            histograms.push(HistogramSeries { labels: labels.clone(), samples: found });
        }
        if !samples.is_empty() {
            numbers.push(Series { labels, samples });
        }
    }
    (Value::Matrix(numbers), histograms)
}
