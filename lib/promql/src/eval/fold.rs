//! Aggregations of numbers that need no more than a running state.

use crate::{
    functions::sum::{Mean, Sum, Variance},
    query::expr::AggregateOp,
};

/// What is known of a group at one step so far.
#[derive(Clone, Copy)]
pub enum State {
    Sum(Sum),
    Avg(Mean),
    Min(f64),
    Max(f64),
    Count(f64),
    Group,
    Stddev(Variance),
    Stdvar(Variance),
}

impl State {
    pub fn new(op: AggregateOp, value: f64) -> Self {
        match op {
            AggregateOp::Sum => State::Sum(Sum::new(value)),
            AggregateOp::Avg => State::Avg(Mean::new(value)),
            AggregateOp::Min => State::Min(value),
            AggregateOp::Max => State::Max(value),
            AggregateOp::Count => State::Count(1.0),
            AggregateOp::Stddev => State::Stddev(Variance::new(value)),
            AggregateOp::Stdvar => State::Stdvar(Variance::new(value)),
            _ => State::Group,
        }
    }

    pub fn add(&mut self, value: f64) {
        match self {
            State::Sum(sum) => sum.add(value),
            State::Avg(mean) => mean.add(value),
            State::Min(min) if value < *min || min.is_nan() => *min = value,
            State::Max(max) if value > *max || max.is_nan() => *max = value,
            State::Count(count) => *count += 1.0,
            State::Stddev(variance) | State::Stdvar(variance) => variance.add(value),
            State::Min(_) | State::Max(_) | State::Group => {}
        }
    }

    pub fn result(&self) -> f64 {
        match self {
            State::Sum(sum) => sum.total(),
            State::Avg(mean) => mean.value(),
            State::Min(value) | State::Max(value) | State::Count(value) => *value,
            State::Group => 1.0,
            State::Stddev(variance) => variance.value().sqrt(),
            State::Stdvar(variance) => variance.value(),
        }
    }
}
