//! Samples and log entries that came after time had passed them. A late sample counts for the steps behind the point that its
//! partition had reached when it came, and for no earlier one: which steps those are does not depend on how
//! far other partitions had been read.

use std::collections::BTreeMap;

use event::{HistogramSample, Labels, Sample};

use super::line_store::Sourced;

/// What rules look at.
#[derive(Clone, Debug)]
pub enum Item {
    /// Of a series.
    Sample(Sample),
    /// A native histogram of a series.
    Histogram(HistogramSample),
    /// Of a stream.
    Line(Sourced),
}

impl Item {
    /// Its event time.
    pub fn time_ms(&self) -> i64 {
        match self {
            Item::Sample(sample) => sample.timestamp_ms,
            Item::Histogram(sample) => sample.timestamp_ms,
            Item::Line(line) => line.entry.timestamp_ns.div_euclid(1_000_000),
        }
    }
}

/// What is late, and no step may see yet.
#[derive(Clone, Debug, Default)]
pub struct Late {
    waiting: BTreeMap<i64, Vec<(Labels, Item)>>,
}

impl Late {
    /// `item` may be seen by steps later than `reached_ms`.
    pub fn push(&mut self, reached_ms: i64, labels: Labels, item: Item) {
        self.waiting.entry(reached_ms).or_default().push((labels, item));
    }

    /// The point behind which the next of them may be seen.
    pub fn first(&self) -> Option<i64> {
        self.waiting.keys().next().copied()
    }

    /// Takes those of the first point.
    pub fn take_first(&mut self) -> Vec<(Labels, Item)> {
        self.waiting.pop_first().map(|(_, items)| items).unwrap_or_default()
    }
}
