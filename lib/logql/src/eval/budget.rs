//! What a query may hold in memory. What is let go on the way stays counted: it is a bound, not a measurement.

use std::cell::Cell;

use super::steps::Steps;
use crate::{EvalError, LabelSet};

/// Bytes that are left.
pub struct Budget {
    limit: usize,
    left: Cell<usize>,
}

impl Budget {
    pub fn new(limit: usize) -> Self {
        Budget { limit, left: Cell::new(limit) }
    }

    /// # Errors
    /// When less is left.
    pub fn take(&self, bytes: usize) -> Result<(), EvalError> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.ok_or(EvalError::TooManyBytes { limit: self.limit })?);
        Ok(())
    }

    /// For a value at each step of so many series.
    ///
    /// # Errors
    /// As [`Budget::take`].
    pub fn take_series(&self, series: usize, steps: Steps) -> Result<(), EvalError> {
        self.take(series.saturating_mul(steps.count).saturating_mul(size_of::<Option<f64>>()))
    }

    /// # Errors
    /// As [`Budget::take`].
    pub fn take_labels(&self, labels: &LabelSet) -> Result<(), EvalError> {
        self.take(bytes_of(labels.iter()))
    }
}

/// Bytes of names with values.
pub fn bytes_of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> usize {
    pairs.map(|(name, value)| size_of::<(String, String)>() + name.len() + value.len()).sum()
}
