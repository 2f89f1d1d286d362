//! Selectors: samples from the storage, and which of them an instant selector sees at each step.

use std::{cell::Cell, collections::BTreeMap};

use event::{HistogramSample, Labels, Matcher, Sample, widest_label};

use super::{Datum, Evaluator, Reporter, Row, Start, Starts, Steps, bare::bare, smooth};
use crate::{EvalError, functions::histogram_edges, parse::ast::Boundary, query::expr::VectorSelector};

/// A series with its samples of both kinds, each kind in the order of time.
#[derive(Clone, Debug, Default)]
pub struct Track {
    pub labels: Labels,
    pub samples: Vec<Sample>,
    pub histograms: Vec<HistogramSample>,
    /// Start timestamps, by the times of the samples.
    pub starts: Vec<Start>,
    /// As in [`Row`].
    pub drops_name: bool,
}

impl Track {
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.histograms.is_empty()
    }

    fn len(&self) -> usize {
        self.samples.len() + self.histograms.len()
    }

    /// Takes out what says that the series has ended.
    pub fn without_ends(mut self) -> Self {
        self.samples.retain(|sample| !sample.is_stale());
        self.histograms.retain(|sample| !sample.histogram.is_stale());
        self
    }

    /// Keeps only the samples of these times.
    pub fn retain_times(&mut self, keep: impl Fn(i64) -> bool) {
        self.samples.retain(|sample| keep(sample.timestamp_ms));
        self.histograms.retain(|sample| keep(sample.timestamp_ms));
    }

    fn join(&mut self, piece: Track) {
        self.samples.extend(piece.samples);
        self.samples.sort_by_key(|sample| sample.timestamp_ms);
        self.samples.dedup_by_key(|sample| sample.timestamp_ms);
        self.histograms.extend(piece.histograms);
        self.histograms.sort_by_key(|sample| sample.timestamp_ms);
        self.histograms.dedup_by_key(|sample| sample.timestamp_ms);
        self.starts.extend(piece.starts);
        self.starts.sort_by_key(|start| start.timestamp_ms);
        self.starts.dedup_by_key(|start| start.timestamp_ms);
    }
}

/// A walk along a series, to the newest sample at each of some rising times.
struct Walk<'a> {
    track: &'a Track,
    samples: usize,
    histograms: usize,
    /// Whether histograms are wanted without their buckets.
    counts_only: bool,
}

impl Walk<'_> {
    /// The newest sample at `time`, unless it is not later than `after` or ends the series.
    fn newest(&mut self, time: i64, after: i64) -> Option<(i64, Datum)> {
        let Track { samples, histograms, .. } = self.track;
        while samples.get(self.samples).is_some_and(|s| s.timestamp_ms <= time) {
            self.samples += 1;
        }
        while histograms.get(self.histograms).is_some_and(|s| s.timestamp_ms <= time) {
            self.histograms += 1;
        }
        let sample = self.samples.checked_sub(1).map(|at| &samples[at]).filter(|s| s.timestamp_ms > after);
        let histogram = self.histograms.checked_sub(1).map(|at| &histograms[at]);
        let histogram = histogram.filter(|h| {
            h.timestamp_ms > after && sample.is_none_or(|sample| sample.timestamp_ms < h.timestamp_ms)
        });
        match (histogram, sample) {
            (Some(found), _) if found.histogram.is_stale() => None,
            (Some(found), _) if self.counts_only => {
                Some((found.timestamp_ms, Datum::Histogram(bare(histograms, self.histograms - 1))))
            }
            (Some(found), _) => Some((found.timestamp_ms, Datum::Histogram(found.histogram.clone()))),
            (None, Some(found)) => {
                (!found.is_stale()).then_some((found.timestamp_ms, Datum::Number(found.value)))
            }
            (None, None) => None,
        }
    }
}

impl Evaluator<'_> {
    /// The newest sample of each series at each step, not older than the look-back and not ended by a stale
    /// marker.
    pub fn instant(&self, selector: &VectorSelector, steps: &Steps) -> Result<Vec<Row>, EvalError> {
        if selector.boundary == Some(Boundary::Smoothed) {
            return self.smoothed(selector, steps);
        }
        self.visible(selector, steps, |_, _, datum| datum)
    }

    /// As [`instant`](Self::instant), with the samples' times in seconds in place of their values.
    pub fn instant_times(&self, selector: &VectorSelector, steps: &Steps) -> Result<Vec<Row>, EvalError> {
        self.visible(selector, steps, |_, time_ms, _| Datum::Number(time_ms as f64 / 1000.0))
    }

    /// As [`instant`](Self::instant), with the samples' start timestamps in seconds in place of their values; zero for
    /// those that are not known.
    pub fn instant_starts(&self, selector: &VectorSelector, steps: &Steps) -> Result<Vec<Row>, EvalError> {
        let seconds = |start_ms: Option<i64>| Datum::Number(start_ms.unwrap_or(0) as f64 / 1000.0);
        self.visible(selector, steps, |starts, time_ms, _| seconds(starts.of(time_ms)))
    }

    fn visible(
        &self,
        selector: &VectorSelector,
        steps: &Steps,
        value: impl Fn(Starts<'_>, i64, Datum) -> Datum,
    ) -> Result<Vec<Row>, EvalError> {
        let lookback = self.lookback_ms();
        let reference = |time| selector.time.reference(time, &self.whole);
        let (first, last) = (reference(steps.start()), reference(steps.end()));
        let counts_only = selector.counts_only;
        let mut rows = Vec::new();
        for track in self.select(&selector.matchers, first - lookback + 1, last)? {
            let mut walk = Walk { track: &track, samples: 0, histograms: 0, counts_only };
            let mut row = Row::default();
            for step in 0..steps.count() {
                let time = reference(steps.time(step));
                if let Some((sampled, datum)) = walk.newest(time, time - lookback) {
                    row.push(step as u32, value(Starts(&track.starts), sampled, datum));
                }
            }
            self.charge(row.len())?;
            if !row.is_empty() {
                rows.push(Row { labels: track.labels, ..row });
            }
        }
        Ok(rows)
    }

    /// Values between the samples before and after each step; without one after, the last one.
    fn smoothed(&self, selector: &VectorSelector, steps: &Steps) -> Result<Vec<Row>, EvalError> {
        let lookback = self.lookback_ms();
        let reference = |time| selector.time.reference(time, &self.whole);
        let (first, last) = (reference(steps.start()) - lookback, reference(steps.end()) + lookback);
        let mut rows = Vec::new();
        for track in self.select(&selector.matchers, first + 1, last)? {
            let track = track.without_ends();
            let reporter = Reporter { evaluator: self, at: selector.at, labels: &track.labels };
            let mut row = Row::default();
            for step in 0..steps.count() {
                if let Some(datum) = smoothed_at(&track, reference(steps.time(step)), lookback, reporter) {
                    row.push(step as u32, datum);
                }
            }
            self.charge(row.len())?;
            if !row.is_empty() {
                rows.push(Row { labels: track.labels, ..row });
            }
        }
        Ok(rows)
    }

    /// The series from the storage, sorted by labels so that floats add up in the same order every time.
    pub fn select(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<Track>, EvalError> {
        self.charge(0)?;
        let failure = Cell::new(None);
        let stop = |read| {
            let checked = self.check(read);
            let fails = checked.is_err();
            failure.set(checked.err());
            fails
        };
        let found = self.storage.select(matchers, start_ms, end_ms, &stop)?;
        let (numbers, histograms) = (found.numbers.into_iter(), found.histograms.into_iter());
        let numbers = numbers.map(|s| Track { labels: s.labels, samples: s.samples, ..Track::default() });
        let histograms =
            histograms.map(|s| Track { labels: s.labels, histograms: s.samples, ..Track::default() });
        let starts = found.starts.into_iter().filter(|_| self.uses_starts());
        let starts = starts.map(|s| Track { labels: s.labels, starts: s.starts, ..Track::default() });
        let all: Vec<Track> = numbers.chain(histograms).chain(starts).collect();
        let charged = failure.take().map_or_else(|| self.charge(all.iter().map(Track::len).sum()), Err);
        charged.map_err(|error| match error {
            EvalError::TooManySamples { limit, .. } => {
                let widest = widest_label(all.iter().map(|track| track.labels.iter()));
                EvalError::TooManySamples { limit, widest }
            }
            other => other,
        })?;
        Ok(joined(all))
    }
}

/// Of numbers or of histograms; where both are near there is no value.
fn smoothed_at(track: &Track, time_ms: i64, reach_ms: i64, reporter: Reporter<'_>) -> Option<Datum> {
    let near = |found: i64| found > time_ms - reach_ms && found <= time_ms + reach_ms;
    let numbers = track.samples.iter().any(|sample| near(sample.timestamp_ms));
    let histograms = track.histograms.iter().any(|sample| near(sample.timestamp_ms));
    match (numbers, histograms) {
        (true, true) => {
            reporter.mixed();
            None
        }
        (_, false) => smooth::at(&track.samples, time_ms, reach_ms).map(Datum::Number),
        (false, true) => {
            histogram_edges::at(&track.histograms, time_ms, reach_ms, reporter).map(Datum::Histogram)
        }
    }
}

/// Pieces of the same series become one.
fn joined(pieces: Vec<Track>) -> Vec<Track> {
    if pieces.is_sorted_by(|a, b| a.labels < b.labels) {
        return pieces;
    }
    let mut whole: BTreeMap<Labels, Track> = BTreeMap::new();
    for piece in pieces {
        match whole.get_mut(&piece.labels) {
            Some(track) => track.join(piece),
            None => {
                whole.insert(piece.labels.clone(), piece);
            }
        }
    }
    whole.into_values().collect()
}
