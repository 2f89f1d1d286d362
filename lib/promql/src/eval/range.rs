//! Functions of a range: a window of samples slides over each series.

use event::METRIC_NAME;

use super::{
    Datum, Evaluator, Reporter, Row, Starts, Steps, Track,
    bare::all_bare,
    extreme::{Extreme, Last},
    merge, resets, smooth,
    window::{Slice, Window},
};
use crate::{
    EvalError, ValueType,
    parse::ast::Boundary,
    query::expr::{Call, Expr, TimeShift},
};

/// `None`: no value at this step. The numbers are the scalar arguments in their order.
pub type OfSamples = fn(&Window<'_>, &[f64]) -> Option<f64>;

/// `None`: no value at this step, and the reporter may have been told why.
pub type OfAll = fn(&Window<'_>, Reporter<'_>) -> Option<Datum>;

/// Refuses scalar arguments or warns of them.
pub type CheckScalars = fn(&Evaluator<'_>, &Call, &[Vec<f64>]) -> Result<(), EvalError>;

/// How a window becomes a value. Windows without samples are not asked about.
#[derive(Clone, Copy, Debug)]
pub enum OfWindow {
    /// From numbers alone; histograms beside them are left out.
    Samples(OfSamples),
    /// One of the numbers; histograms beside them are left out.
    Extreme(Extreme),
    /// From numbers and histograms.
    All(OfAll),
}

/// A function of the samples in a window and of scalars.
#[derive(Clone, Copy, Debug)]
pub struct OverTime {
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

/// The series that a function of a range works on, and how the window lies.
pub struct RangeSource {
    tracks: Vec<Track>,
    range_ms: i64,
    time: TimeShift,
    boundary: Option<Boundary>,
    /// How far samples are looked for before and behind the window.
    reach: (i64, i64),
}

/// Functions that know what to do at the ends of a window.
const ANCHORED: [&str; 5] = ["changes", "delta", "increase", "rate", "resets"];
const SMOOTHED: [&str; 3] = ["delta", "increase", "rate"];

fn check_boundary(boundary: Option<Boundary>, name: &str) -> Result<(), EvalError> {
    let (word, known): (&str, &[&str]) = match boundary {
        None => return Ok(()),
        Some(Boundary::Anchored) => ("anchored", &ANCHORED),
        Some(Boundary::Smoothed) => ("smoothed", &SMOOTHED),
    };
    if known.contains(&name) {
        return Ok(());
    }
    let list = known.join(", ");
    Err(EvalError::Execution(format!("{word} modifier can only be used with: {list} - not with {name}")))
}

impl Evaluator<'_> {
    /// The rows of `function`; the call's arguments are one range and scalars.
    pub fn over_time(&self, function: &OverTime, call: &Call, steps: &Steps) -> Result<Vec<Row>, EvalError> {
        let is_range = |arg: &&Expr| arg.value_type() == ValueType::Matrix;
        let (ranges, scalars): (Vec<_>, Vec<_>) = call.args.iter().partition(is_range);
        let [range] = ranges[..] else {
            return Err(EvalError::execution("expected one range vector"));
        };
        let scalars = scalars.iter().map(|arg| self.scalar(arg, steps)).collect::<Result<Vec<_>, _>>()?;
        (function.check)(self, call, &scalars)?;
        let source = self.range_source(range, steps)?;
        check_boundary(source.boundary, call.name)?;
        let at = call.place.arg(call.args.iter().position(|arg| is_range(&arg)).unwrap_or(0));
        let mut rows = Vec::with_capacity(source.tracks.len());
        for track in &source.tracks {
            let reporter = Reporter { evaluator: self, at, labels: &track.labels };
            let row = self.slide(function, &source, track, &scalars, steps, reporter);
            self.charge(row.len())?;
            if row.is_empty() {
                continue;
            }
            if function.of_counter && !row.points.is_empty() {
                self.check_counter_name(track, at);
            }
            let mut row = Row { labels: track.labels.clone(), ..row };
            if !function.keeps_name || track.drops_name {
                self.forget_name(&mut row);
            }
            rows.push(row);
        }
        merge(rows)
    }

    fn slide(
        &self,
        function: &OverTime,
        source: &RangeSource,
        track: &Track,
        scalars: &[Vec<f64>],
        steps: &Steps,
        reporter: Reporter<'_>,
    ) -> Row {
        let resets = if function.of_counter { resets::resets(track) } else { Vec::new() };
        let mut row = Row::default();
        let mut at_step = Vec::with_capacity(scalars.len());
        let (mut samples, mut histograms) = (Slice::default(), Slice::default());
        let mut before = Last::default();
        for step in 0..steps.count() {
            let step_ms = steps.time(step);
            let end_ms = source.time.reference(step_ms, &self.whole);
            let start_ms = end_ms - source.range_ms;
            let (first, last) = (start_ms - source.reach.0, end_ms + source.reach.1);
            samples.advance(&track.samples, |s| s.timestamp_ms, first, last);
            histograms.advance(&track.histograms, |s| s.timestamp_ms, first, last);
            let window = Window {
                samples: &track.samples[samples.from..samples.to],
                histograms: &track.histograms[histograms.from..histograms.to],
                start_ms,
                end_ms,
                step_ms,
                boundary: source.boundary,
                resets: resets::between(&resets, samples.from, samples.to),
                starts: Starts(&track.starts),
            };
            at_step.clear();
            at_step.extend(scalars.iter().map(|values| values[step]));
            let datum = match function.eval {
                OfWindow::Samples(eval) => only_numbers(&window, reporter, || eval(&window, &at_step)),
                OfWindow::Extreme(extreme) => only_numbers(&window, reporter, || {
                    extreme.of(&track.samples, samples.from..samples.to, &mut before)
                }),
                OfWindow::All(eval) => of_all(&window, reporter, eval),
            };
            if let Some(datum) = datum {
                row.push(step as u32, datum);
            }
        }
        row
    }

    fn range_source(&self, range: &Expr, steps: &Steps) -> Result<RangeSource, EvalError> {
        match range.unmarked() {
            Expr::Range(range) => {
                let (range_ms, time, boundary) =
                    (range.range_ms, range.selector.time, range.selector.boundary);
                let reach = match boundary {
                    None => (0, 0),
                    Some(Boundary::Anchored) => (self.lookback_ms(), 0),
                    Some(Boundary::Smoothed) => (self.lookback_ms(), self.lookback_ms()),
                };
                let reference = |time_ms| time.reference(time_ms, &self.whole);
                let first = reference(steps.start()) - range_ms - reach.0 + 1;
                let last = reference(steps.end()) + reach.1;
                let tracks = self.select(&range.selector.matchers, first, last)?.into_iter();
                let mut tracks: Vec<Track> = tracks.map(Track::without_ends).collect();
                if range.selector.counts_only {
                    tracks.iter_mut().for_each(|track| track.histograms = all_bare(&track.histograms));
                }
                Ok(RangeSource { tracks, range_ms, time, boundary, reach })
            }
            Expr::Subquery(subquery) => Ok(RangeSource {
                tracks: self.subquery(subquery, steps)?,
                range_ms: subquery.range_ms,
                time: subquery.time,
                boundary: None,
                reach: (0, 0),
            }),
            _ => Err(EvalError::execution("expected a range vector")),
        }
    }

    /// The samples themselves, as an instant query for a range answers.
    pub fn raw_range(&self, range: &Expr) -> Result<Vec<Track>, EvalError> {
        let source = self.range_source(range, &self.whole)?;
        let end_ms = source.time.reference(self.whole.start(), &self.whole);
        let start_ms = end_ms - source.range_ms;
        let mut tracks = source.tracks;
        for track in &mut tracks {
            match source.boundary {
                None => track.retain_times(|time| time > start_ms && time <= end_ms),
                Some(boundary) => {
                    let smoothed = boundary == Boundary::Smoothed;
                    track.samples = smooth::extended(&track.samples, start_ms, end_ms, smoothed);
                    track.histograms.clear();
                }
            }
        }
        tracks.retain(|track| !track.is_empty());
        Ok(tracks)
    }

    fn check_counter_name(&self, track: &Track, at: usize) {
        let Some(name) = track.labels.get(METRIC_NAME) else { return };
        if !["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| name.ends_with(suffix)) {
            let message = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket:";
            self.inform(format_args!("{message} {name:?}"), at);
        }
    }
}

fn only_numbers(
    window: &Window<'_>,
    reporter: Reporter<'_>,
    value: impl FnOnce() -> Option<f64>,
) -> Option<Datum> {
    if window.samples.is_empty() {
        return None;
    }
    let value = value()?;
    if !window.histograms.is_empty() {
        reporter.ignored();
    }
    Some(Datum::Number(value))
}

fn of_all(window: &Window<'_>, reporter: Reporter<'_>, eval: OfAll) -> Option<Datum> {
    let is_empty = window.samples.is_empty() && window.histograms.is_empty();
    if is_empty { None } else { eval(window, reporter) }
}
