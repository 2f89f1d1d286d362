//! Series that windows and recording rules publish, and how their end is made known.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use event::{
    Histogram, HistogramSample, HistogramSeries, Labels, METRIC_NAME, ResetHint, Sample, SampleBatch, Series,
};

/// What a series has at a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Point {
    /// A number.
    Number(f64),
    /// A native histogram.
    Histogram(Arc<Histogram>),
    /// No value this time, although it has not ended.
    Nothing,
}

impl Point {
    /// Of a histogram, without what it says about a restart since the one before: that depends on what is still in
    /// memory.
    pub fn of(mut histogram: Arc<Histogram>) -> Self {
        if histogram.reset != ResetHint::Gauge {
            Arc::make_mut(&mut histogram).reset = ResetHint::Unknown;
        }
        Point::Histogram(histogram)
    }

    /// As a number; a histogram is 0, as in Prometheus' alerts.
    pub fn number(&self) -> f64 {
        if let Point::Number(value) = self { *value } else { 0.0 }
    }
}

/// The series of one window or group.
#[derive(Debug)]
pub struct Publisher {
    source: String,
    /// Series that had a value at the last step.
    previous: BTreeSet<Labels>,
    current: BTreeMap<Labels, Point>,
}

impl Publisher {
    /// `source` becomes the source of the batches.
    pub fn new(source: String) -> Self {
        Publisher { source, previous: BTreeSet::new(), current: BTreeMap::new() }
    }

    /// Identity of the batches.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Adds results of this step; the first value of a series stays.
    pub fn add(&mut self, results: &[(Labels, Point)]) {
        for (labels, point) in results {
            self.current.entry(labels.clone()).or_insert_with(|| point.clone());
        }
    }

    /// A rule failed: its series have not ended, they only have no value this time.
    pub fn keep_alive(&mut self, gives: impl Fn(&Labels) -> bool) {
        let kept: Vec<Labels> = self.ended(gives).cloned().collect();
        self.current.extend(kept.into_iter().map(|labels| (labels, Point::Nothing)));
    }

    /// Of the series that one rule gives, those that had a value at the last step and have none so far at this one.
    pub fn ended(&self, gives: impl Fn(&Labels) -> bool) -> impl Iterator<Item = &Labels> {
        self.previous.iter().filter(move |l| gives(l) && !self.current.contains_key(*l))
    }

    /// The batch of this step, with a stale marker for each series that has ended. `None`: nothing to say.
    pub fn finish(&mut self, step_ms: i64, timestamp_ms: i64) -> Option<SampleBatch> {
        let mut current = std::mem::take(&mut self.current);
        let now: BTreeSet<Labels> = current.keys().cloned().collect();
        let ended = Point::Number(f64::from_bits(Sample::STALE_BITS));
        current.extend(self.previous.difference(&now).map(|labels| (labels.clone(), ended.clone())));
        self.previous = now;
        let mut batch = SampleBatch {
            source: self.source.clone(),
            position: step_ms.unsigned_abs(),
            ..SampleBatch::default()
        };
        current.into_iter().for_each(|(labels, point)| push(&mut batch, labels, timestamp_ms, point));
        (batch.samples() > 0).then_some(batch)
    }

    /// Takes over what was published at the last step before a restart.
    pub fn restore(&mut self, batch: &SampleBatch) {
        for series in &batch.series {
            match series.samples.last() {
                Some(sample) if sample.is_stale() => drop(self.previous.remove(&series.labels)),
                Some(_) => drop(self.previous.insert(series.labels.clone())),
                None => {}
            }
        }
        self.previous.extend(batch.histograms.iter().map(|series| series.labels.clone()));
    }
}

fn push(batch: &mut SampleBatch, labels: Labels, timestamp_ms: i64, point: Point) {
    match point {
        Point::Number(value) => {
            batch.series.push(Series { labels, samples: vec![Sample { timestamp_ms, value }] });
        }
        Point::Histogram(histogram) => {
            let samples = vec![HistogramSample { timestamp_ms, histogram }];
            batch.histograms.push(HistogramSeries { labels, samples });
        }
        Point::Nothing => {}
    }
}

/// What a recording rule makes of the result of its expression.
///
/// # Errors
/// When two series become one.
pub fn name_results(
    name: &str,
    labels: &[(String, String)],
    results: Vec<(Labels, Point)>,
) -> Result<Vec<(Labels, Point)>, String> {
    let mut named = BTreeMap::new();
    for (series, point) in results {
        let own = series.iter().filter(|(n, _)| *n != METRIC_NAME);
        let added = labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        let labels: Labels = own.chain(added).chain([(METRIC_NAME, name)]).collect();
        if named.insert(labels.clone(), point).is_some() {
            let why = "vector contains metrics with the same labelset after applying rule labels";
            return Err(format!("{why}: {labels}"));
        }
    }
    Ok(named.into_iter().collect())
}
