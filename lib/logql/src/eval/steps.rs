//! The instants at which a metric query is evaluated, and which windows hold an entry.

use crate::{EvalError, Range};

/// `count` instants, the first at `start_ns`.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    start_ns: i64,
    step_ns: i64,
    /// At least one.
    pub count: usize,
}

/// The first and the last step whose windows hold an entry.
pub type Span = (u32, u32);

impl Steps {
    /// A single instant.
    pub fn at(time_ns: i64) -> Self {
        Steps { start_ns: time_ns, step_ns: 1, count: 1 }
    }

    /// # Errors
    /// When the end lies before the start, the step is not positive, or there are too many steps.
    pub fn over(range: &Range, max_steps: usize) -> Result<Self, EvalError> {
        if range.end_ns < range.start_ns {
            return Err(EvalError::Invalid("end timestamp must not be before or equal to start time".into()));
        }
        if range.step_ns <= 0 {
            return Err(EvalError::Invalid(
                "zero or negative query resolution step widths are not accepted. Try a positive integer"
                    .into(),
            ));
        }
        let span = i128::from(range.end_ns) - i128::from(range.start_ns);
        let count = span / i128::from(range.step_ns) + 1;
        match usize::try_from(count) {
            Ok(count) if count <= max_steps => {
                Ok(Steps { start_ns: range.start_ns, step_ns: range.step_ns, count })
            }
            _ => Err(EvalError::Limit(format!(
                "exceeded maximum resolution of {max_steps} points per time series. Try increasing the value \
                 of the step parameter"
            ))),
        }
    }

    /// The instant of a step.
    pub fn time_ns(&self, step: usize) -> i64 {
        self.start_ns.saturating_add(self.step_ns.saturating_mul(step as i64))
    }

    /// First instant that any window holds, and the first that none holds any more.
    pub fn bounds(&self, range_ns: i64, offset_ns: i64) -> (i64, i64) {
        let first = self.start_ns.saturating_sub(offset_ns).saturating_sub(range_ns).saturating_add(1);
        (first, self.time_ns(self.count - 1).saturating_sub(offset_ns).saturating_add(1))
    }

    /// The steps whose windows `(t - offset - range, t - offset]` hold `timestamp_ns`.
    pub fn span(&self, timestamp_ns: i64, range_ns: i64, offset_ns: i64) -> Option<Span> {
        let since_start = i128::from(timestamp_ns) + i128::from(offset_ns) - i128::from(self.start_ns);
        let step = i128::from(self.step_ns);
        let first = ceil_div(since_start, step).max(0);
        let last = (ceil_div(since_start + i128::from(range_ns), step) - 1).min(self.count as i128 - 1);
        (first <= last).then_some((u32::try_from(first).ok()?, u32::try_from(last).ok()?))
    }
}

impl Steps {
    /// The last instant with the same [`Steps::span`] as `timestamp_ns`, as far as all before it have it too.
    pub fn same_span_until(&self, timestamp_ns: i64, range_ns: i64, offset_ns: i64) -> i64 {
        let start = i128::from(self.start_ns) - i128::from(offset_ns);
        let step = i128::from(self.step_ns);
        let edge = |start: i128| start + ceil_div(i128::from(timestamp_ns) - start, step) * step;
        let until = edge(start).min(edge(start - i128::from(range_ns)));
        i64::try_from(until).unwrap_or(i64::MAX)
    }
}

fn ceil_div(a: i128, b: i128) -> i128 {
    -(-a).div_euclid(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_open_at_its_start_and_closed_at_its_end() {
        let steps = Steps::over(&Range { start_ns: 100, end_ns: 135, step_ns: 10 }, 10).unwrap();
        assert_eq!(steps.count, 4);
        assert_eq!(steps.bounds(20, 0), (81, 131));
        assert_eq!(steps.span(80, 20, 0), None);
        assert_eq!(steps.span(81, 20, 0), Some((0, 0)));
        assert_eq!(steps.span(100, 20, 0), Some((0, 1)));
        assert_eq!(steps.span(101, 20, 0), Some((1, 2)));
        assert_eq!(steps.span(130, 20, 0), Some((3, 3)));
        assert_eq!(steps.span(131, 20, 0), None);
        assert_eq!(steps.span(100, 5, 0), Some((0, 0)));
        assert_eq!(steps.span(101, 5, 0), None);
        assert_eq!(steps.span(90, 20, 10), Some((0, 1)));
    }

    #[test]
    fn spans_change_behind_edges_only() {
        let steps = Steps::over(&Range { start_ns: 100, end_ns: 135, step_ns: 10 }, 10).unwrap();
        for (range, offset) in [(20, 0), (5, 0), (13, 7), (1, 100)] {
            for time in 0..160 {
                let until = steps.same_span_until(time, range, offset);
                assert!(
                    (time..=until).all(|t| steps.span(t, range, offset) == steps.span(time, range, offset))
                );
                assert!(until >= time && until < time + 10);
            }
        }
    }

    #[test]
    fn too_many_steps_and_empty_spans_are_refused() {
        let over = |start_ns, end_ns, step_ns| Steps::over(&Range { start_ns, end_ns, step_ns }, 11);
        assert_eq!(over(0, 100, 10).unwrap().count, 11);
        assert!(over(0, 110, 10).is_err() && over(1, 0, 10).is_err() && over(0, 1, 0).is_err());
        assert!(over(i64::MIN, i64::MAX, 1).is_err());
    }
}
