//! The times at which an expression is evaluated.

use crate::{EvalError, parse::ast::At, query::expr::TimeShift};

/// Evenly spaced times, at least one and at most `u32::MAX` of them.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    start_ms: i64,
    step_ms: i64,
    count: usize,
}

/// Times further from 1970 than this (about 290,000 years) are refused, so that no sum of times overflows.
const LIMIT_MS: i64 = i64::MAX / 1000;

impl Steps {
    /// One step.
    pub fn instant(time_ms: i64) -> Result<Self, EvalError> {
        Self::range(time_ms, time_ms, 1)
    }

    /// From `start_ms` to at most `end_ms`.
    pub fn range(start_ms: i64, end_ms: i64, step_ms: i64) -> Result<Self, EvalError> {
        if step_ms <= 0 {
            return Err(bad("zero or negative query resolution step widths are not accepted"));
        }
        if end_ms < start_ms {
            return Err(bad("end timestamp must not be before start time"));
        }
        if start_ms < -LIMIT_MS || end_ms > LIMIT_MS || step_ms > LIMIT_MS {
            return Err(bad("timestamp out of range"));
        }
        let count = (end_ms - start_ms) / step_ms + 1;
        match u32::try_from(count) {
            Ok(count) => Ok(Steps { start_ms, step_ms, count: count as usize }),
            Err(_) => Err(EvalError::TooManySteps { limit: u32::MAX as usize }),
        }
    }

    /// Only the first.
    pub fn first(&self) -> Self {
        Steps { count: 1, ..*self }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The time of one, in milliseconds.
    pub fn time(&self, step: usize) -> i64 {
        self.start_ms + step as i64 * self.step_ms
    }

    /// All times.
    pub fn times(&self) -> impl Iterator<Item = i64> + use<> {
        let steps = *self;
        (0..steps.count).map(move |step| steps.time(step))
    }

    /// The first time.
    pub fn start(&self) -> i64 {
        self.start_ms
    }

    /// The last time.
    pub fn end(&self) -> i64 {
        self.time(self.count - 1)
    }

    /// The distance of two.
    pub fn step(&self) -> i64 {
        self.step_ms
    }
}

fn bad(message: &str) -> EvalError {
    EvalError::BadRequest(message.into())
}

impl TimeShift {
    /// The time that a selector evaluated at `time_ms` refers to, in a query over the steps `whole`.
    pub fn reference(&self, time_ms: i64, whole: &Steps) -> i64 {
        let time_ms = match self.at {
            None => time_ms,
            Some(At::Start) => whole.start(),
            Some(At::End) => whole.end(),
            Some(At::Time(at)) => at,
        };
        time_ms - self.offset_ms
    }
}
