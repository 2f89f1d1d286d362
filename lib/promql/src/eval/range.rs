//! Functions of a range: a window of samples slides over each series.

use event::{METRIC_NAME, Sample, Series};

use super::{Evaluator, Point, Row, Steps, merge, without_name};
use crate::{
    EvalError, ValueType,
    query::expr::{Call, Expr, TimeShift},
};

/// `None`: no value at this step.
pub type OfWindow = fn(&Window<'_>, &[f64]) -> Option<f64>;

/// Refuses scalar arguments or warns of them.
pub type CheckScalars = fn(&Evaluator<'_>, &Call, &[Vec<f64>]) -> Result<(), EvalError>;

/// A function of the samples in a window and of scalars.
#[derive(Clone, Copy, Debug)]
pub struct OverTime {
    /// Windows without samples are not asked about. The numbers are the scalar arguments in their order.
    pub eval: OfWindow,
    /// Whether the result is still the metric itself.
    pub keeps_name: bool,
    /// Whether it only makes sense for counters.
    pub of_counter: bool,
    /// Looks at each scalar argument's values at all steps before anything is computed.
    pub check: CheckScalars,
}

impl OverTime {
    /// A function of any metric that drops the metric's name and takes all scalars.
    pub fn new(eval: OfWindow) -> Self {
        OverTime { eval, keeps_name: false, of_counter: false, check: |_, _, _| Ok(()) }
    }
}

/// What a function of a range sees at one step. Samples lie after the start and up to the end.
pub struct Window<'a> {
    /// At least one, without stale markers.
    pub samples: &'a [Sample],
    /// The window's start, in milliseconds.
    pub start_ms: i64,
    /// The window's end.
    pub end_ms: i64,
    /// The time of the step itself, from which `offset` and `@` may have moved the window.
    pub step_ms: i64,
    /// Values from which the counter fell, in their order.
    falls: &'a [(usize, f64)],
}

/// What the counter lost by starting again within the window, added to `base` one reset after the other.
pub fn sum_of_resets(window: &Window<'_>, base: f64) -> f64 {
    window.falls.iter().fold(base, |sum, (_, before)| sum + before)
}

/// The series that a function of a range works on, and how the window lies.
pub struct RangeSource {
    series: Vec<Series>,
    range_ms: i64,
    time: TimeShift,
}

impl Evaluator<'_> {
    /// The rows of `function`; the call's arguments are one range and scalars.
    pub fn over_time(&self, function: &OverTime, call: &Call, steps: &Steps) -> Result<Vec<Row>, EvalError> {
        let (ranges, scalars): (Vec<_>, Vec<_>) =
            call.args.iter().partition(|arg| arg.value_type() == ValueType::Matrix);
        let [range] = ranges[..] else {
            return Err(EvalError::execution("expected one range vector"));
        };
        let scalars = scalars.iter().map(|arg| self.scalar(arg, steps)).collect::<Result<Vec<_>, _>>()?;
        (function.check)(self, call, &scalars)?;
        let source = self.range_source(range, steps)?;
        let mut rows = Vec::with_capacity(source.series.len());
        for series in &source.series {
            let points = self.slide(function, &source, &series.samples, &scalars, steps);
            self.charge(points.len())?;
            if points.is_empty() {
                continue;
            }
            if function.of_counter {
                self.check_counter_name(series, call.place.arg(0));
            }
            let labels =
                if function.keeps_name { series.labels.clone() } else { without_name(&series.labels) };
            rows.push(Row { labels, points });
        }
        merge(rows)
    }

    fn slide(
        &self,
        function: &OverTime,
        source: &RangeSource,
        samples: &[Sample],
        scalars: &[Vec<f64>],
        steps: &Steps,
    ) -> Vec<Point> {
        let falls = if function.of_counter { falls(samples) } else { Vec::new() };
        let mut points = Vec::new();
        let mut at_step = Vec::with_capacity(scalars.len());
        let (mut from, mut to) = (0, 0);
        for step in 0..steps.count() {
            let step_ms = steps.time(step);
            let end_ms = source.time.reference(step_ms, &self.whole);
            let start_ms = end_ms - source.range_ms;
            while samples.get(to).is_some_and(|s| s.timestamp_ms <= end_ms) {
                to += 1;
            }
            while from < to && samples[from].timestamp_ms <= start_ms {
                from += 1;
            }
            if from == to {
                continue;
            }
            at_step.clear();
            at_step.extend(scalars.iter().map(|values| values[step]));
            let window = Window {
                samples: &samples[from..to],
                start_ms,
                end_ms,
                step_ms,
                falls: between(&falls, from, to),
            };
            let value = (function.eval)(&window, &at_step);
            points.extend(value.map(|value| Point { step: step as u32, value }));
        }
        points
    }

    fn range_source(&self, range: &Expr, steps: &Steps) -> Result<RangeSource, EvalError> {
        match range.unmarked() {
            Expr::Range(range) => {
                let (range_ms, time) = (range.range_ms, range.selector.time);
                let reference = |time_ms| time.reference(time_ms, &self.whole);
                let (first, last) = (reference(steps.start()), reference(steps.end()));
                let mut series = self.select(&range.selector.matchers, first - range_ms + 1, last)?;
                for one in &mut series {
                    one.samples.retain(|sample| !sample.is_stale());
                }
                Ok(RangeSource { series, range_ms, time })
            }
            Expr::Subquery(subquery) => Ok(RangeSource {
                series: self.subquery(subquery, steps)?,
                range_ms: subquery.range_ms,
                time: subquery.time,
            }),
            _ => Err(EvalError::execution("expected a range vector")),
        }
    }

    /// The samples themselves, as an instant query for a range answers.
    pub fn raw_range(&self, range: &Expr) -> Result<Vec<Series>, EvalError> {
        let source = self.range_source(range, &self.whole)?;
        let end_ms = source.time.reference(self.whole.start(), &self.whole);
        let start_ms = end_ms - source.range_ms;
        let mut series = source.series;
        for one in &mut series {
            one.samples.retain(|s| s.timestamp_ms > start_ms && s.timestamp_ms <= end_ms);
        }
        series.retain(|one| !one.samples.is_empty());
        Ok(series)
    }

    fn check_counter_name(&self, series: &Series, at: usize) {
        let Some(name) = series.labels.get(METRIC_NAME) else { return };
        if !["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| name.ends_with(suffix)) {
            let message = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket:";
            self.inform(format_args!("{message} {name:?}"), at);
        }
    }
}

/// Index of every sample that is lower than the one before it, and the value of that one.
fn falls(samples: &[Sample]) -> Vec<(usize, f64)> {
    let pairs = samples.windows(2).enumerate();
    pairs
        .filter(|(_, pair)| pair[1].value < pair[0].value)
        .map(|(at, pair)| (at + 1, pair[0].value))
        .collect()
}

/// The falls between two samples of `from..to`.
fn between(falls: &[(usize, f64)], from: usize, to: usize) -> &[(usize, f64)] {
    let first = falls.partition_point(|(at, _)| *at <= from);
    let last = falls.partition_point(|(at, _)| *at < to);
    &falls[first..last.max(first)]
}
