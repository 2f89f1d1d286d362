//! Subqueries: an expression evaluated on a grid of its own, whose results then are the samples of a range.

use std::sync::Arc;

use event::ResetHint;

use super::{Evaluator, Steps, Track};
use crate::{EvalError, query::expr::Subquery};

impl Evaluator<'_> {
    /// The inner expression's series over all windows that `steps` need. The grid lies on multiples of its step,
    /// so that it is the same for every step.
    pub fn subquery(&self, subquery: &Subquery, steps: &Steps) -> Result<Vec<Track>, EvalError> {
        let step_ms = subquery.step_ms.unwrap_or(self.options.subquery_step_ms).max(1);
        let reference = |time| subquery.time.reference(time, &self.whole);
        let after = reference(steps.start()) - subquery.range_ms;
        let start = (after.div_euclid(step_ms) + 1) * step_ms;
        let end = reference(steps.end());
        if start > end {
            return Ok(Vec::new());
        }
        let grid = Steps::range(start, end, step_ms)?;
        self.charge(grid.count())?;
        let rows = self.vector(&subquery.expr, &grid)?;
        Ok(rows.into_iter().map(|row| without_hints(row.into_track(&grid))).collect())
    }
}

/// What a histogram knows of a restart is about the sample before it, which the grid may have passed over.
fn without_hints(mut track: Track) -> Track {
    let counters = track.histograms.iter_mut().filter(|sample| sample.histogram.reset != ResetHint::Gauge);
    for sample in counters {
        Arc::make_mut(&mut sample.histogram).reset = ResetHint::Unknown;
    }
    track
}
