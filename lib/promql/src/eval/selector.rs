//! Selectors: samples from the storage, and which of them an instant selector sees at each step.

use event::{Matcher, Sample, Series};

use super::{Evaluator, Point, Row, Steps};
use crate::{EvalError, query::expr::VectorSelector};

impl Evaluator<'_> {
    /// The newest sample of each series at each step, not older than the look-back and not ended by a stale
    /// marker.
    pub fn instant(&self, selector: &VectorSelector, steps: &Steps) -> Result<Vec<Row>, EvalError> {
        self.instant_with(selector, steps, |sample| sample.value)
    }

    /// As [`instant`](Self::instant), with another value made of each sample.
    pub fn instant_with(
        &self,
        selector: &VectorSelector,
        steps: &Steps,
        value: fn(&Sample) -> f64,
    ) -> Result<Vec<Row>, EvalError> {
        let lookback = self.options.lookback_ms.max(1);
        let reference = |time| selector.time.reference(time, &self.whole);
        let (first, last) = (reference(steps.start()), reference(steps.end()));
        let mut rows = Vec::new();
        for series in self.select(&selector.matchers, first - lookback + 1, last)? {
            let mut points = Vec::new();
            // How many samples are not later than the step.
            let mut seen = 0;
            for step in 0..steps.count() {
                let time = reference(steps.time(step));
                while series.samples.get(seen).is_some_and(|s| s.timestamp_ms <= time) {
                    seen += 1;
                }
                let newest = seen.checked_sub(1).map(|at| &series.samples[at]);
                let visible = newest.filter(|s| s.timestamp_ms > time - lookback && !s.is_stale());
                points.extend(visible.map(|sample| Point { step: step as u32, value: value(sample) }));
            }
            self.charge(points.len())?;
            if !points.is_empty() {
                rows.push(Row { labels: series.labels, points });
            }
        }
        Ok(rows)
    }

    /// The series from the storage, sorted by labels so that floats add up in the same order every time.
    pub fn select(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<Series>, EvalError> {
        self.charge(0)?;
        let mut all = self.storage.select(matchers, start_ms, end_ms)?;
        self.charge(all.iter().map(|series| series.samples.len()).sum())?;
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(joined(all))
    }
}

/// Pieces of the same series, which lie side by side, become one.
fn joined(sorted: Vec<Series>) -> Vec<Series> {
    let mut whole: Vec<Series> = Vec::with_capacity(sorted.len());
    for piece in sorted {
        match whole.last_mut() {
            Some(last) if last.labels == piece.labels => {
                last.samples.extend(piece.samples);
                last.samples.sort_by_key(|sample| sample.timestamp_ms);
                last.samples.dedup_by_key(|sample| sample.timestamp_ms);
            }
            _ => whole.push(piece),
        }
    }
    whole
}
