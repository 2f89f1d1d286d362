//! History from a store: all of it is there, so it is fed piece by piece in the order of time, and nothing is late.

use std::sync::Arc;

use event::{Labels, LogEntry, Series};

use super::{Own, unlimited};
use crate::engine::{Evaluator, Output, Problem, program::Program};

/// Rules on their way through the past of a store.
pub struct StoreReplay {
    evaluator: Evaluator,
    own: Own,
    grain_ms: i64,
}

impl StoreReplay {
    /// Rules that have seen nothing.
    pub fn new(program: Arc<Program>) -> Self {
        StoreReplay {
            own: Own::of(&program),
            grain_ms: program.intervals().fold(0, gcd).max(1),
            evaluator: Evaluator::new(program, unlimited()),
        }
    }

    /// Takes in samples; those of series that the rules give themselves are passed over.
    pub fn feed(&mut self, series: &[Series]) {
        for one in series.iter().filter(|one| !self.own.has(&one.labels)) {
            for sample in &one.samples {
                self.evaluator.insert(&one.labels, *sample);
            }
        }
    }

    /// Takes in a log entry of a stream.
    pub fn feed_line(&mut self, labels: &Labels, entry: &LogEntry) {
        self.evaluator.insert_line(labels, entry);
    }

    /// The steps later than `from_ms`, up to and including `to_ms`.
    pub fn steps(&self, from_ms: i64, to_ms: i64) -> impl Iterator<Item = i64> + use<> {
        let grain = self.grain_ms;
        let first = from_ms.div_euclid(grain).saturating_add(1).saturating_mul(grain);
        std::iter::successors(Some(first), move |step| step.checked_add(grain))
            .take_while(move |step| *step <= to_ms)
    }

    /// What a step gives.
    pub fn evaluate(&mut self, step_ms: i64) -> Vec<Output> {
        self.evaluator.evaluate(step_ms)
    }

    /// Forgets what steps after `step_ms` do not look at.
    pub fn forget_before(&mut self, step_ms: i64) {
        self.evaluator.forget_before(step_ms);
    }

    /// What went wrong since the last call.
    pub fn take_problems(&mut self) -> Vec<Problem> {
        self.evaluator.take_problems()
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
