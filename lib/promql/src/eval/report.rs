//! What the user should know of how samples were put together, in Prometheus' words.

use event::{Labels, ResetHint};

use super::Evaluator;
use crate::histogram::Notes;

/// Reports on one series, or on what an expression gives.
#[derive(Clone, Copy)]
pub struct Reporter<'a> {
    pub evaluator: &'a Evaluator<'a>,
    /// Where in the query the expression begins.
    pub at: usize,
    pub labels: &'a Labels,
}

impl Reporter<'_> {
    fn name(&self) -> &str {
        self.labels.metric_name()
    }

    fn named(&self, message: &str) -> String {
        match self.name() {
            "" => message.to_string(),
            name => format!("{message} for metric name {name:?}"),
        }
    }

    /// A hint that ends with the metric's name, if there is one.
    pub fn inform_named(&self, message: &str) {
        self.evaluator.inform(self.named(message), self.at);
    }

    /// A warning that ends with the metric's name, if there is one.
    pub fn warn_named(&self, message: &str) {
        self.evaluator.warn(self.named(message), self.at);
    }

    /// Numbers and histograms cannot be put together.
    pub fn mixed(&self) {
        let name = self.name();
        let message = format!("encountered a mix of histograms and floats for metric name {name:?}");
        self.evaluator.warn(message, self.at);
    }

    /// Exponential and custom buckets cannot be put together.
    pub fn incompatible(&self) {
        let name = self.name();
        let mix = "vector contains a mix of histograms with exponential and custom buckets schemas";
        self.evaluator.warn(format!("{mix} for metric name {name:?}"), self.at);
    }

    pub fn not_a_counter(&self) {
        let name = self.name();
        self.evaluator.warn(format!("this native histogram metric is not a counter: {name:?}"), self.at);
    }

    pub fn not_a_gauge(&self) {
        let name = self.name();
        self.evaluator.warn(format!("this native histogram metric is not a gauge: {name:?}"), self.at);
    }

    /// What a sample counts was counted in the one before as well.
    pub fn overlap(&self) {
        let name = self.name();
        let what = "sample has start time that overlaps with previous sample timestamp";
        self.evaluator.warn(format!("{what} for metric {name:?}"), self.at);
    }

    /// Histograms were left out beside numbers.
    pub fn ignored(&self) {
        let name = self.name();
        let what = "ignored histograms in a range containing both floats and histograms";
        self.evaluator.inform(format!("{what} for metric name {name:?}"), self.at);
    }

    /// Warns if some counters have started again and others are known not to have.
    pub fn conflicts(&self, hints: impl Iterator<Item = ResetHint>) {
        let hints: Vec<ResetHint> = hints.collect();
        let conflicting_resets = hints.contains(&ResetHint::Reset) && hints.contains(&ResetHint::NotReset);
        self.notes(Notes { conflicting_resets, reconciled_bounds: false }, "aggregation");
    }

    /// What an addition, subtraction or aggregation had to say.
    pub fn notes(&self, notes: Notes, operation: &str) {
        if notes.conflicting_resets {
            let message = format!("conflicting counter resets during histogram {operation}");
            self.evaluator.warn(message, self.at);
        }
        if notes.reconciled_bounds {
            let message = format!("mismatched custom buckets were reconciled during {operation}");
            self.evaluator.inform(message, self.at);
        }
    }
}
