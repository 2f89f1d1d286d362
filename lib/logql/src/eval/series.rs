//! Series during evaluation: a value, or none, for each step.

use std::cmp::Ordering;

use super::steps::Steps;
use crate::{LabelSet, ast::Grouping};

/// A series.
#[derive(Clone, Debug)]
pub struct Series {
    /// Names it.
    pub labels: LabelSet,
    /// One for each step.
    pub values: Vec<Option<f64>>,
}

impl Series {
    /// Without labels, the same at all steps.
    pub fn constant(value: f64, steps: Steps) -> Self {
        Series { labels: LabelSet::default(), values: vec![Some(value); steps.count] }
    }

    /// Whether it has any value.
    pub fn has_values(&self) -> bool {
        self.values.iter().any(Option::is_some)
    }
}

/// The labels that name the group of a series.
pub fn group_labels(labels: &LabelSet, grouping: Option<&Grouping>) -> LabelSet {
    match grouping {
        None => LabelSet::default(),
        Some(grouping) => {
            labels.filtered(|name| grouping.labels.iter().any(|l| l == name) != grouping.without)
        }
    }
}

/// Ascending, NaN behind everything.
pub fn nan_last(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}
