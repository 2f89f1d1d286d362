//! Series that windows and recording rules publish, and how their end is made known.

use std::collections::{BTreeMap, BTreeSet};

use event::{Labels, METRIC_NAME, Sample, SampleBatch, Series};

/// The series of one window or group.
#[derive(Debug)]
pub struct Publisher {
    source: String,
    /// Series that had a value at the last step.
    previous: BTreeSet<Labels>,
    current: BTreeMap<Labels, Sample>,
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
    pub fn add(&mut self, results: &[(Labels, f64)], timestamp_ms: i64) {
        for (labels, value) in results {
            let sample = Sample { timestamp_ms, value: *value };
            self.current.entry(labels.clone()).or_insert(sample);
        }
    }

    /// A rule failed: its series have not ended, they only have no value this time.
    pub fn keep_alive(&mut self, gives: impl Fn(&Labels) -> bool, timestamp_ms: i64) {
        let nothing = Sample { timestamp_ms, value: NOTHING };
        let kept: Vec<Labels> = self.ended(gives).cloned().collect();
        self.current.extend(kept.into_iter().map(|labels| (labels, nothing)));
    }

    /// Of the series that one rule gives, those that had a value at the last step and have none so far at this one.
    pub fn ended(&self, gives: impl Fn(&Labels) -> bool) -> impl Iterator<Item = &Labels> {
        self.previous.iter().filter(move |l| gives(l) && !self.current.contains_key(*l))
    }

    /// The batch of this step, with a stale marker for each series that has ended. `None`: nothing to say.
    pub fn finish(&mut self, step_ms: i64, timestamp_ms: i64) -> Option<SampleBatch> {
        let mut current = std::mem::take(&mut self.current);
        let ended: Vec<Labels> =
            self.previous.iter().filter(|l| !current.contains_key(*l)).cloned().collect();
        self.previous = current.keys().cloned().collect();
        current.retain(|_, sample| sample.value.to_bits() != NOTHING.to_bits());
        let stale = Sample { timestamp_ms, value: f64::from_bits(Sample::STALE_BITS) };
        current.extend(ended.into_iter().map(|labels| (labels, stale)));
        let series = current.into_iter().map(|(labels, s)| Series { labels, samples: vec![s] });
        let series: Vec<Series> = series.collect();
        (!series.is_empty()).then(|| SampleBatch {
            source: self.source.clone(),
            position: step_ms.unsigned_abs(),
            series,
            ..SampleBatch::default()
        })
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
    }
}

/// Stands for "no value this time" between [`Publisher::keep_alive`] and [`Publisher::finish`].
const NOTHING: f64 = f64::from_bits(0x7ff8_0000_0000_0bad);

/// What a recording rule makes of the result of its expression.
///
/// # Errors
/// When two series become one.
pub fn name_results(
    name: &str,
    labels: &[(String, String)],
    results: Vec<(Labels, f64)>,
) -> Result<Vec<(Labels, f64)>, String> {
    let mut named = BTreeMap::new();
    for (series, value) in results {
        let own = series.iter().filter(|(n, _)| *n != METRIC_NAME);
        let added = labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        let labels: Labels = own.chain(added).chain([(METRIC_NAME, name)]).collect();
        if named.insert(labels.clone(), value).is_some() {
            let why = "vector contains metrics with the same labelset after applying rule labels";
            return Err(format!("{why}: {labels}"));
        }
    }
    Ok(named.into_iter().collect())
}
