//! The samples that rules may still look at: only series that some selector matches, only as far back as the
//! selectors reach, no more series than the limit.

use std::collections::BTreeMap;

use event::{HistogramSample, HistogramSeries, Labels, Matcher, Sample, Series, widest_label};
use promql::{Selected, Stop, Storage, StorageError};

use super::{
    family::Family,
    history::History,
    interest::{Interest, Interests, exact_name},
    recording::Point,
};

/// Series in memory.
#[derive(Debug)]
pub struct SeriesStore {
    interests: Interests,
    max_series: usize,
    count: usize,
    by_name: BTreeMap<String, Family>,
    refused: u64,
}

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is there.
    Kept,
    /// No rule looks at its series.
    NotWanted,
    /// Too many series.
    Refused,
}

impl SeriesStore {
    /// Keeps what `interests` match, at most `max_series` series.
    pub fn new(interests: Vec<Interest>, max_series: usize) -> Self {
        let interests = Interests::new(interests);
        SeriesStore { interests, max_series, count: 0, by_name: BTreeMap::new(), refused: 0 }
    }

    /// Keeps every series for ever, at most `max_series`.
    pub fn keeping_all(max_series: usize) -> Self {
        Self::new(vec![Interest { matchers: Vec::new(), reach_ms: i64::MAX }], max_series)
    }

    /// Puts a sample in its place. Of two samples of one series and time the larger value stays, whichever
    /// came first.
    pub fn insert(&mut self, labels: &Labels, sample: Sample) -> Inserted {
        self.change(labels, |history| history.insert(sample))
    }

    /// Puts a native histogram in its place; of two of one series and time the larger stays, whichever came first.
    pub fn insert_histogram(&mut self, labels: &Labels, sample: HistogramSample) -> Inserted {
        self.change(labels, |history| history.insert_histogram(sample))
    }

    /// Puts what a rule gave in its place.
    pub fn insert_point(&mut self, labels: &Labels, timestamp_ms: i64, point: &Point) -> Inserted {
        match point {
            Point::Number(value) => self.insert(labels, Sample { timestamp_ms, value: *value }),
            Point::Histogram(histogram) => {
                self.insert_histogram(labels, HistogramSample { timestamp_ms, histogram: histogram.clone() })
            }
            Point::Nothing => Inserted::NotWanted,
        }
    }

    fn change(&mut self, labels: &Labels, change: impl FnOnce(&mut History)) -> Inserted {
        let name = labels.metric_name();
        if let Some(history) = self.by_name.get_mut(name).and_then(|family| family.get_mut(labels)) {
            change(history);
            return Inserted::Kept;
        }
        let Some(keep_ms) = self.interests.reach_ms(labels) else { return Inserted::NotWanted };
        if self.count >= self.max_series {
            self.refused += 1;
            return Inserted::Refused;
        }
        let mut history = History::new(keep_ms);
        change(&mut history);
        self.by_name.entry(name.to_owned()).or_default().insert(labels, history);
        self.count += 1;
        Inserted::Kept
    }

    /// Forgets what steps after `step_ms` no longer look at.
    pub fn forget_before(&mut self, step_ms: i64) {
        for family in self.by_name.values_mut() {
            family.retain(|history| {
                history.forget(step_ms);
                !history.is_empty()
            });
        }
        self.by_name.retain(|_, family| !family.is_empty());
        self.count = self.by_name.values().map(Family::len).sum();
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// How many samples were refused because there were too many series already, since the last call; with
    /// the label to look at.
    pub fn take_refusals(&mut self) -> Option<String> {
        let refused = std::mem::take(&mut self.refused);
        let all = self.by_name.values().flat_map(Family::labels).map(Labels::iter);
        let (label, values) = if refused > 0 { widest_label(all)? } else { return None };
        Some(format!(
            "rules already hold {} series: {refused} samples of new series were left out; label `{label}` has \
             the most values ({values}): narrow the selectors, drop the label, or raise `max_series`",
            self.count
        ))
    }

    fn family<'a, 'm>(
        &'a self,
        matchers: &'m [Matcher],
    ) -> impl Iterator<Item = (&'a Labels, &'a History)> + use<'a, 'm> {
        let exact = exact_name(matchers);
        let one = exact.and_then(|name| self.by_name.get(name));
        let all = exact.is_none().then(|| self.by_name.values()).into_iter().flatten();
        one.into_iter().chain(all).flat_map(move |family| family.matching(matchers))
    }
}

/// The store as a step sees it: nothing is later than the step, whatever has been read already, and nothing is
/// older than what is kept, whatever has not been forgotten yet.
pub struct Until<'a> {
    /// All samples.
    pub store: &'a SeriesStore,
    /// The last time that is seen.
    pub end_ms: i64,
    /// The step, from which counts how far back samples are kept.
    pub step_ms: i64,
}

impl<'a> Until<'a> {
    /// As a step sees it.
    pub fn step(store: &'a SeriesStore, step_ms: i64) -> Self {
        Until { store, end_ms: step_ms, step_ms }
    }

    /// The newest sample of each series that `matchers` choose, in the order of their labels; both ends included.
    pub fn newest(
        &self,
        matchers: &[Matcher],
        (start_ms, end_ms): (i64, i64),
        past_ends: bool,
    ) -> impl Iterator<Item = (&'a Labels, Sample)> {
        self.look(matchers, move |history, oldest_ms, last_ms| {
            history.newest(start_ms.max(oldest_ms), end_ms.min(last_ms), past_ends)
        })
    }

    /// When each series that `matchers` choose had its newest sample of either kind, stale markers included.
    pub fn heard(
        &self,
        matchers: &[Matcher],
        (start_ms, end_ms): (i64, i64),
    ) -> impl Iterator<Item = (&'a Labels, i64)> {
        self.look(matchers, move |history, oldest_ms, last_ms| {
            history.heard(start_ms.max(oldest_ms), end_ms.min(last_ms))
        })
    }

    /// What `see` sees in each history, from the oldest time that the step sees to the last.
    fn look<T>(
        &self,
        matchers: &[Matcher],
        see: impl Fn(&History, i64, i64) -> Option<T>,
    ) -> impl Iterator<Item = (&'a Labels, T)> {
        let (end_ms, step_ms) = (self.end_ms, self.step_ms);
        let series = self.store.family(matchers);
        series.filter_map(move |(labels, history)| {
            Some((labels, see(history, history.oldest_ms(step_ms), end_ms)?))
        })
    }
}

impl Storage for Until<'_> {
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        _stop: Stop<'_>,
    ) -> Result<Selected, StorageError> {
        let end_ms = end_ms.min(self.end_ms);
        let mut found = Selected::default();
        for (labels, history) in self.store.family(matchers) {
            let start_ms = start_ms.max(history.oldest_ms(self.step_ms));
            let samples = history.between(start_ms, end_ms);
            if !samples.is_empty() {
                found.numbers.push(Series { labels: labels.clone(), samples });
            }
            let samples = history.histograms_between(start_ms, end_ms);
            if !samples.is_empty() {
                found.histograms.push(HistogramSeries { labels: labels.clone(), samples });
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(timestamp_ms: i64, value: f64) -> Sample {
        Sample { timestamp_ms, value }
    }

    fn store(name: &str, max_series: usize) -> SeriesStore {
        let interest = Interest { matchers: vec![Matcher::equal("__name__", name)], reach_ms: 1_000 };
        SeriesStore::new(vec![interest], max_series)
    }

    #[test]
    fn only_wanted_series_are_kept_and_only_as_long_as_they_are_looked_at() {
        let mut store = store("up", 10);
        let up = Labels::from([("__name__", "up"), ("host", "a")]);
        assert_eq!(store.insert(&Labels::from([("__name__", "down")]), sample(1, 1.0)), Inserted::NotWanted);
        for time in [3_000, 1_000, 2_000, 2_000] {
            assert_eq!(store.insert(&up, sample(time, 1.0)), Inserted::Kept);
        }
        let times = |store: &SeriesStore| -> Vec<i64> {
            let until = Until::step(store, 3_500);
            let all = until.select(&[Matcher::equal("__name__", "up")], 0, 9_000, &|_| false).unwrap();
            all.numbers.iter().flat_map(|s| s.samples.iter().map(|x| x.timestamp_ms)).collect()
        };
        assert_eq!(times(&store), [3_000]);
        store.forget_before(3_500);
        assert_eq!(times(&store), [3_000]);
        store.forget_before(4_500);
        assert_eq!(store.len(), 0);
    }

    #[test]
    fn too_many_series_are_refused_with_the_label_that_has_most_values() {
        let mut store = store("up", 2);
        for host in ["a", "b", "c", "d"] {
            store.insert(&Labels::from([("__name__", "up"), ("host", host), ("job", "x")]), sample(1, 1.0));
        }
        let text = store.take_refusals().unwrap();
        assert!(text.contains("2 samples") && text.contains("label `host`"), "{text}");
        assert_eq!(store.take_refusals(), None);
    }

    #[test]
    fn a_step_does_not_see_later_samples() {
        let mut store = store("up", 2);
        let up = Labels::from([("__name__", "up")]);
        store.insert(&up, sample(1_000, 1.0));
        store.insert(&up, sample(2_000, 2.0));
        let until = Until::step(&store, 1_500);
        let found = until.select(&[], 0, 9_000, &|_| false).unwrap();
        assert_eq!(found.numbers[0].samples, [sample(1_000, 1.0)]);
    }
}
