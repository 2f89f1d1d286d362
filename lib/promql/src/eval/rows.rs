//! Rows: the samples of one series at the steps of a query.

use std::collections::{HashMap, HashSet};

use event::{Labels, METRIC_NAME, Sample, Series};

use super::Steps;
use crate::EvalError;

/// A series and its values at those steps at which it has any, in their order.
#[derive(Clone, Debug)]
pub struct Row {
    pub labels: Labels,
    pub points: Vec<Point>,
}

/// A value at a step.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub step: u32,
    pub value: f64,
}

impl Row {
    /// A value for every step.
    pub fn dense(labels: Labels, values: Vec<f64>) -> Self {
        let points = values.into_iter().zip(0..).map(|(value, step)| Point { step, value }).collect();
        Row { labels, points }
    }

    /// Replaces every value, or drops the point.
    pub fn update(&mut self, mut new: impl FnMut(&Point) -> Option<f64>) {
        self.points.retain_mut(|point| match new(point) {
            Some(value) => {
                point.value = value;
                true
            }
            None => false,
        });
    }

    /// With times in place of steps.
    pub fn into_series(self, steps: &Steps) -> Series {
        let sample = |p: &Point| Sample { timestamp_ms: steps.time(p.step as usize), value: p.value };
        Series { labels: self.labels, samples: self.points.iter().map(sample).collect() }
    }
}

/// The labels without the metric's name.
pub fn without_name(labels: &Labels) -> Labels {
    match labels.get(METRIC_NAME) {
        Some(_) => labels.with(METRIC_NAME, ""),
        None => labels.clone(),
    }
}

const SAME_LABELS: &str = "vector cannot contain metrics with the same labelset";

/// Joins rows that have come to have the same labels: an error if two of them have a value at one step.
pub fn merge(rows: Vec<Row>) -> Result<Vec<Row>, EvalError> {
    let mut places: HashMap<Labels, usize> = HashMap::with_capacity(rows.len());
    let mut merged: Vec<Row> = Vec::with_capacity(rows.len());
    let mut doubled: HashSet<usize> = HashSet::new();
    for row in rows {
        match places.get(&row.labels) {
            Some(&place) => {
                merged[place].points.extend(row.points);
                doubled.insert(place);
            }
            None => {
                places.insert(row.labels.clone(), merged.len());
                merged.push(row);
            }
        }
    }
    for place in doubled {
        let points = &mut merged[place].points;
        points.sort_by_key(|point| point.step);
        if points.windows(2).any(|pair| pair[0].step == pair[1].step) {
            return Err(EvalError::execution(SAME_LABELS));
        }
    }
    Ok(merged)
}
