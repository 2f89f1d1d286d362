//! From cells to the values of windows.

use std::collections::BTreeMap;

use event::{MatchOp, Matcher};

use super::{
    accumulator::Accumulator,
    series::Series,
    steps::{Span, Steps},
};
use crate::{LabelSet, ast::RangeAggregation};

/// What entries with the same windows add up to.
pub type Cells = BTreeMap<Span, Accumulator>;

/// The value of each window: of its cells, in the order of time.
pub fn windows(cells: &Cells, aggregation: &RangeAggregation, steps: Steps) -> Vec<Option<f64>> {
    let cells: Vec<(&Span, &Accumulator)> = cells.iter().collect();
    let mut begin = 0;
    let window = |step: usize| {
        let step_number = step as u32;
        while cells.get(begin).is_some_and(|((_, last), _)| *last < step_number) {
            begin += 1;
        }
        let mut covered = cells[begin..].iter().take_while(|((first, _), _)| *first <= step_number);
        let mut merged = covered.next()?.1.clone();
        covered.for_each(|(_, cell)| merged.merge(cell));
        Some(merged.finish(aggregation, steps.time_ns(step).saturating_sub(aggregation.offset_ns)))
    };
    (0..steps.count).map(window).collect()
}

/// 1 where no entry is; named by what the selector demands.
pub fn absent(series: &[(LabelSet, Cells)], aggregation: &RangeAggregation, steps: Steps) -> Series {
    let present = series.first().map(|(_, cells)| windows(cells, aggregation, steps));
    let values = match present {
        Some(values) => values.iter().map(|v| v.is_none().then_some(1.0)).collect(),
        None => vec![Some(1.0); steps.count],
    };
    let matchers = &aggregation.log.matchers;
    let once = |m: &&Matcher| matchers.iter().filter(|other| other.name == m.name).count() == 1;
    let equal = matchers.iter().filter(|m| m.op == MatchOp::Equal).filter(once);
    let labels = equal.map(|m| (m.name.clone(), m.value.clone())).filter(|(_, v)| !v.is_empty()).collect();
    Series { labels, values }
}
