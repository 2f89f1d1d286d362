//! Aggregations over groups in which there are native histograms.

use std::collections::BTreeMap;

use event::{Labels, ResetHint};

use super::{Datum, Evaluator, Reporter, Row, fold::State};
use crate::{
    histogram::{HistogramMean, HistogramSum, Incompatible, Notes, compacted},
    query::expr::{Aggregate, AggregateOp},
};

/// What a group has at one step.
#[derive(Default)]
struct Group {
    numbers: Option<State>,
    histograms: Option<Histograms>,
    count: f64,
}

struct Histograms {
    total: Total,
    /// They cannot be put together.
    incompatible: bool,
    hints: Vec<ResetHint>,
}

enum Total {
    Sum(HistogramSum),
    Mean(HistogramMean),
}

impl Total {
    fn add(&mut self, histogram: &event::Histogram) -> Result<Notes, Incompatible> {
        match self {
            Total::Sum(sum) => sum.add(histogram, 1.0),
            Total::Mean(mean) => mean.add(histogram),
        }
    }

    fn value(&self) -> event::Histogram {
        compacted(match self {
            Total::Sum(sum) => sum.total(),
            Total::Mean(mean) => mean.value(),
        })
    }
}

impl Evaluator<'_> {
    /// Hints that an aggregation of numbers alone has met others.
    pub fn leave_out_histograms(&self, aggregate: &Aggregate, rows: &[Row]) {
        if rows.iter().any(|row| !row.histograms.is_empty()) {
            let at = match aggregate.op {
                AggregateOp::TopK | AggregateOp::BottomK => aggregate.place.at,
                _ => inner(aggregate),
            };
            self.inform(format!("ignored histogram in {} aggregation", aggregate.op.name()), at);
        }
    }

    /// As `fold`, for one group.
    pub fn fold_histograms(&self, aggregate: &Aggregate, labels: Labels, rows: &[Row]) -> Row {
        let summed = matches!(aggregate.op, AggregateOp::Sum | AggregateOp::Avg);
        let counted = matches!(aggregate.op, AggregateOp::Count | AggregateOp::Group);
        if !summed && !counted {
            self.leave_out_histograms(aggregate, rows);
        }
        let mut groups: BTreeMap<u32, Group> = BTreeMap::new();
        for row in rows {
            let reporter = Reporter { evaluator: self, at: inner(aggregate), labels: &row.labels };
            for (step, datum) in row.data() {
                groups.entry(step).or_default().take(aggregate.op, datum, reporter, summed);
            }
        }
        let drops_name = rows.iter().any(|row| row.drops_name);
        let mut result = Row { labels, drops_name, ..Row::default() };
        for (step, group) in groups {
            if let Some(datum) = self.result(aggregate, group, counted) {
                result.push(step, datum);
            }
        }
        result
    }

    fn result(&self, aggregate: &Aggregate, group: Group, counted: bool) -> Option<Datum> {
        if counted {
            return Some(Datum::Number(if aggregate.op == AggregateOp::Group { 1.0 } else { group.count }));
        }
        match (group.numbers, group.histograms) {
            (Some(_), Some(_)) => {
                self.warn("encountered a mix of histograms and floats for aggregation", inner(aggregate));
                None
            }
            (Some(numbers), None) => Some(Datum::Number(numbers.result())),
            (None, Some(histograms)) if !histograms.incompatible => {
                let labels = Labels::default();
                let reporter = Reporter { evaluator: self, at: inner(aggregate), labels: &labels };
                reporter.conflicts(histograms.hints.into_iter());
                Some(histograms.total.value().into())
            }
            _ => None,
        }
    }
}

/// Where the aggregated expression begins.
fn inner(aggregate: &Aggregate) -> usize {
    aggregate.place.args.last().copied().unwrap_or(aggregate.place.at)
}

impl Group {
    fn take(&mut self, op: AggregateOp, datum: Datum, reporter: Reporter<'_>, summed: bool) {
        self.count += 1.0;
        match (datum, &mut self.histograms) {
            (Datum::Number(value), _) => match &mut self.numbers {
                Some(state) => state.add(value),
                empty => *empty = Some(State::new(op, value)),
            },
            (Datum::Histogram(_), _) if !summed => {}
            (Datum::Histogram(histogram), None) => {
                let total = match op {
                    AggregateOp::Avg => Total::Mean(HistogramMean::new(&histogram)),
                    _ => Total::Sum(HistogramSum::new(&histogram)),
                };
                let hints = vec![histogram.reset];
                self.histograms = Some(Histograms { total, incompatible: false, hints });
            }
            (Datum::Histogram(histogram), Some(histograms)) if !histograms.incompatible => {
                histograms.hints.push(histogram.reset);
                match histograms.total.add(&histogram) {
                    Ok(notes) => reporter.notes(Notes { conflicting_resets: false, ..notes }, "aggregation"),
                    Err(Incompatible) => {
                        histograms.incompatible = true;
                        reporter.incompatible();
                    }
                }
            }
            (Datum::Histogram(_), Some(_)) => {}
        }
    }
}
