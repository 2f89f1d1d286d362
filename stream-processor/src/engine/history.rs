//! The samples of one series that are still looked at.

use std::collections::VecDeque;

use event::{Histogram, HistogramSample, ResetHint, Sample};

/// Numbers and native histograms of one series, in the order of time.
#[derive(Debug)]
pub struct History {
    keep_ms: i64,
    samples: VecDeque<Sample>,
    histograms: VecDeque<HistogramSample>,
}

impl History {
    /// Keeps samples for so long.
    pub fn new(keep_ms: i64) -> Self {
        History { keep_ms, samples: VecDeque::new(), histograms: VecDeque::new() }
    }

    /// Of two samples of one time the larger value stays, whichever came first.
    pub fn insert(&mut self, sample: Sample) {
        let time = sample.timestamp_ms;
        if self.samples.back().is_none_or(|last| last.timestamp_ms < time) {
            return self.samples.push_back(sample);
        }
        match self.samples.binary_search_by_key(&time, |s| s.timestamp_ms) {
            Ok(at) if sample.value.total_cmp(&self.samples[at].value).is_gt() => self.samples[at] = sample,
            Ok(_) => {}
            Err(at) => self.samples.insert(at, sample),
        }
    }

    /// Of two histograms of one time the larger stays, whichever came first.
    pub fn insert_histogram(&mut self, sample: HistogramSample) {
        let found = self.histograms.binary_search_by_key(&sample.timestamp_ms, |s| s.timestamp_ms);
        match found {
            Ok(at) if is_larger(&sample.histogram, &self.histograms[at].histogram) => {
                self.histograms[at] = sample
            }
            Ok(_) => {}
            Err(at) => self.histograms.insert(at, sample),
        }
    }

    /// No step from this one on looks at what is older.
    pub fn oldest_ms(&self, step_ms: i64) -> i64 {
        step_ms.saturating_sub(self.keep_ms)
    }

    /// Forgets what steps from this one on do not look at.
    pub fn forget(&mut self, step_ms: i64) {
        let until = self.oldest_ms(step_ms);
        self.samples.drain(..self.samples.partition_point(|s| s.timestamp_ms < until));
        self.histograms.drain(..self.histograms.partition_point(|s| s.timestamp_ms < until));
    }

    /// Whether there is nothing left.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.histograms.is_empty()
    }

    /// Both ends included.
    pub fn between(&self, start_ms: i64, end_ms: i64) -> Vec<Sample> {
        let from = self.samples.partition_point(|s| s.timestamp_ms < start_ms);
        let to = self.samples.partition_point(|s| s.timestamp_ms <= end_ms);
        self.samples.range(from..to.max(from)).copied().collect()
    }

    /// The newest sample, both ends included; with `past_ends` the newest that says more than that the series has ended.
    pub fn newest(&self, start_ms: i64, end_ms: i64, past_ends: bool) -> Option<Sample> {
        let to = self.samples.partition_point(|s| s.timestamp_ms <= end_ms);
        let newest_first = self.samples.range(..to).rev().take_while(|s| s.timestamp_ms >= start_ms);
        newest_first.copied().find(|s| !past_ends || !s.is_stale())
    }

    /// The time of the newest sample of either kind, both ends included; also of one that says that the series has ended.
    pub fn heard(&self, start_ms: i64, end_ms: i64) -> Option<i64> {
        let number = self.newest(start_ms, end_ms, false).map(|s| s.timestamp_ms);
        let to = self.histograms.partition_point(|s| s.timestamp_ms <= end_ms);
        let histogram = self.histograms.range(..to).next_back().map(|s| s.timestamp_ms);
        number.max(histogram.filter(|ms| *ms >= start_ms))
    }

    /// Both ends included; each says whether its counter has started again since the one before.
    pub fn histograms_between(&self, start_ms: i64, end_ms: i64) -> Vec<HistogramSample> {
        let from = self.histograms.partition_point(|s| s.timestamp_ms < start_ms);
        let to = self.histograms.partition_point(|s| s.timestamp_ms <= end_ms);
        (from..to.max(from)).map(|at| self.hinted(at)).collect()
    }

    fn hinted(&self, at: usize) -> HistogramSample {
        let mut sample = self.histograms[at].clone();
        if matches!(sample.histogram.reset, ResetHint::Gauge | ResetHint::Reset) {
            return sample;
        }
        let mut plain = (*sample.histogram).clone();
        plain.reset = ResetHint::Unknown;
        let before = at.checked_sub(1).map(|before| &self.histograms[before]);
        let continues = before.is_some_and(|before| {
            let interrupted = !self.between(before.timestamp_ms, sample.timestamp_ms).is_empty();
            let (last, ends) = (&before.histogram, before.histogram.is_stale());
            !interrupted && !ends && last.reset != ResetHint::Gauge && !promql::is_reset(last, &plain)
        });
        plain.reset = if continues { ResetHint::NotReset } else { ResetHint::Unknown };
        sample.histogram = plain.into();
        sample
    }
}

/// Any order will do, if only it is one: by the observations, their sum, then by what is left.
fn is_larger(a: &Histogram, b: &Histogram) -> bool {
    let numbers = a.count.total_cmp(&b.count).then(a.sum.total_cmp(&b.sum));
    numbers.then_with(|| format!("{a:?}").cmp(&format!("{b:?}"))).is_gt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_histograms_of_one_time_the_same_stays_whichever_came_first() {
        let sample = |count, schema| {
            let histogram = Histogram { count, schema, ..Histogram::default() };
            HistogramSample { timestamp_ms: 1, histogram: histogram.into() }
        };
        for pair in [[sample(1.0, 0), sample(2.0, 0)], [sample(1.0, 3), sample(1.0, 4)]] {
            let kept = |order: [usize; 2]| {
                let mut history = History::new(1_000);
                order.into_iter().for_each(|at| history.insert_histogram(pair[at].clone()));
                history.histograms.pop_back()
            };
            assert_eq!(kept([0, 1]), kept([1, 0]));
        }
    }
}
