//! Subqueries: an expression evaluated on a grid of its own, whose results then are the samples of a range.

use event::Series;

use super::{Evaluator, Steps};
use crate::{EvalError, query::expr::Subquery};

impl Evaluator<'_> {
    /// The inner expression's series over all windows that `steps` need. The grid lies on multiples of its step,
    /// so that it is the same for every step.
    pub fn subquery(&self, subquery: &Subquery, steps: &Steps) -> Result<Vec<Series>, EvalError> {
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
        Ok(rows.into_iter().map(|row| row.into_series(&grid)).collect())
    }
}
