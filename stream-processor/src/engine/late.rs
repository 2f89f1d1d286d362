//! Samples that came after time had passed them. A late sample counts for the steps behind the point that its
//! partition had reached when it came, and for no earlier one: which steps those are does not depend on how
//! far other partitions had been read.

use std::collections::BTreeMap;

use event::{Labels, Sample};

/// Late samples that no step may see yet.
#[derive(Clone, Debug, Default)]
pub struct Late {
    waiting: BTreeMap<i64, Vec<(Labels, Sample)>>,
}

impl Late {
    /// `sample` may be seen by steps later than `reached_ms`.
    pub fn push(&mut self, reached_ms: i64, labels: Labels, sample: Sample) {
        self.waiting.entry(reached_ms).or_default().push((labels, sample));
    }

    /// The point behind which the next of them may be seen.
    pub fn first(&self) -> Option<i64> {
        self.waiting.keys().next().copied()
    }

    /// Takes those of the first point.
    pub fn take_first(&mut self) -> Vec<(Labels, Sample)> {
        self.waiting.pop_first().map(|(_, samples)| samples).unwrap_or_default()
    }
}
