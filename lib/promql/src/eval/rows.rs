//! Rows: the samples of one series at the steps of a query.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use event::{Histogram, HistogramSample, Labels, Sample};

use super::{Steps, Track};
use crate::EvalError;

/// A series and its values at those steps at which it has any, in their order.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub labels: Labels,
    pub points: Vec<Point>,
    /// At a step there is a number or a histogram, never both.
    pub histograms: Vec<(u32, Arc<Histogram>)>,
    /// Whether the result is no longer the metric that the labels name: they lose its name in the end.
    pub drops_name: bool,
}

/// A number at a step.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub step: u32,
    pub value: f64,
}

/// What a series has at a step.
#[derive(Clone, Debug)]
pub enum Datum {
    Number(f64),
    Histogram(Arc<Histogram>),
}

impl From<Histogram> for Datum {
    fn from(histogram: Histogram) -> Self {
        Datum::Histogram(Arc::new(histogram))
    }
}

impl Row {
    /// Of numbers.
    pub fn new(labels: Labels, points: Vec<Point>) -> Self {
        Row { labels, points, ..Row::default() }
    }

    /// A value for every step.
    pub fn dense(labels: Labels, values: Vec<f64>) -> Self {
        let points = values.into_iter().zip(0..).map(|(value, step)| Point { step, value }).collect();
        Row::new(labels, points)
    }

    pub fn is_empty(&self) -> bool {
        self.points.is_empty() && self.histograms.is_empty()
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.points.len() + self.histograms.len()
    }

    /// The steps at which there is something, numbers first.
    pub fn steps(&self) -> impl Iterator<Item = u32> + '_ {
        self.points.iter().map(|point| point.step).chain(self.histograms.iter().map(|(step, _)| *step))
    }

    /// All values by step.
    pub fn data(&self) -> Vec<(u32, Datum)> {
        let numbers = self.points.iter().map(|point| (point.step, Datum::Number(point.value)));
        if self.histograms.is_empty() {
            return numbers.collect();
        }
        let histograms = self.histograms.iter().map(|(step, found)| (*step, Datum::Histogram(found.clone())));
        let mut all: Vec<_> = numbers.chain(histograms).collect();
        all.sort_by_key(|(step, _)| *step);
        all
    }

    /// One more value, later than all of its kind.
    pub fn push(&mut self, step: u32, datum: Datum) {
        match datum {
            Datum::Number(value) => self.points.push(Point { step, value }),
            Datum::Histogram(histogram) => self.histograms.push((step, histogram)),
        }
    }

    /// Keeps only what is at these steps.
    pub fn retain_steps(&mut self, keep: impl Fn(u32) -> bool) {
        self.points.retain(|point| keep(point.step));
        self.histograms.retain(|(step, _)| keep(*step));
    }

    /// Replaces every number, or drops the point.
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
    pub fn into_track(self, steps: &Steps) -> Track {
        let time = |step: u32| steps.time(step as usize);
        let samples = self.points.iter().map(|p| Sample { timestamp_ms: time(p.step), value: p.value });
        let histograms = self.histograms.into_iter();
        Track {
            labels: self.labels,
            drops_name: self.drops_name,
            samples: samples.collect(),
            histograms: histograms
                .map(|(step, histogram)| HistogramSample { timestamp_ms: time(step), histogram })
                .collect(),
            ..Track::default()
        }
    }
}

/// Labels that say what a metric is, not whose.
pub const METADATA: [&str; 3] = ["__name__", "__type__", "__unit__"];

/// The labels without the metric's name, type and unit.
pub fn without_name(labels: &Labels) -> Labels {
    match METADATA.iter().any(|name| labels.get(name).is_some()) {
        true => labels.filtered(|name| !METADATA.contains(&name)),
        false => labels.clone(),
    }
}

const SAME_LABELS: &str = "vector cannot contain metrics with the same labelset";

/// Joins rows that have come to have the same labels: an error if two of them have a value at one step.
pub fn merge(rows: Vec<Row>) -> Result<Vec<Row>, EvalError> {
    if rows.is_sorted_by(|a, b| a.labels < b.labels) {
        return Ok(rows);
    }
    let mut places: HashMap<Labels, usize> = HashMap::with_capacity(rows.len());
    let mut merged: Vec<Row> = Vec::with_capacity(rows.len());
    let mut doubled: HashSet<usize> = HashSet::new();
    for row in rows {
        match places.get(&row.labels) {
            Some(&place) => {
                merged[place].points.extend(row.points);
                merged[place].histograms.extend(row.histograms);
                merged[place].drops_name |= row.drops_name;
                doubled.insert(place);
            }
            None => {
                places.insert(row.labels.clone(), merged.len());
                merged.push(row);
            }
        }
    }
    for place in doubled {
        let row = &mut merged[place];
        row.points.sort_by_key(|point| point.step);
        row.histograms.sort_by_key(|(step, _)| *step);
        let mut steps: Vec<u32> = row.steps().collect();
        steps.sort_unstable();
        if steps.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(EvalError::execution(SAME_LABELS));
        }
    }
    Ok(merged)
}
