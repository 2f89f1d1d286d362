//! Series in memory, as loaded.

use std::{collections::BTreeMap, sync::Arc};

use event::{
    Bucket, Histogram, HistogramSample, HistogramSeries, Labels, METRIC_NAME, Matcher, ResetHint, Sample,
    Series,
};
use promql::{Reading, Selected, Start, StartSeries, Stop, Storage, StorageError};

use crate::{script::Load, series::Described};

#[derive(Default)]
pub struct Memory {
    numbers: BTreeMap<Labels, BTreeMap<i64, f64>>,
    histograms: BTreeMap<Labels, BTreeMap<i64, Arc<Histogram>>>,
    starts: BTreeMap<Labels, Vec<Start>>,
}

impl Memory {
    pub fn load(&mut self, load: Load) {
        if load.with_native {
            self.load_native(&load);
        }
        for (labels, offsets) in load.starts {
            let times = offsets.into_iter().zip(0..).map(|(offset, at)| (at * load.step_ms, offset));
            let starts = times.filter_map(|(timestamp_ms, offset)| {
                Some(Start { timestamp_ms, start_ms: timestamp_ms + offset? })
            });
            // Zero says that it is not known.
            self.starts.entry(labels).or_default().extend(starts.filter(|start| start.start_ms != 0));
        }
        for Described { labels, values, .. } in load.series {
            for (value, at) in values.into_iter().zip(0..) {
                let time = at * load.step_ms;
                match value {
                    None => {}
                    Some(Reading::Number(value)) => {
                        self.numbers.entry(labels.clone()).or_default().insert(time, value);
                    }
                    Some(Reading::Histogram(found)) => {
                        let histogram = Arc::new(found);
                        self.histograms.entry(labels.clone()).or_default().insert(time, histogram);
                    }
                }
            }
        }
    }

    /// With what a store of Prometheus' kind says of restarts: a sample behind another of its kind knows.
    fn hinted(
        &self,
        labels: &Labels,
        times: &BTreeMap<i64, Arc<Histogram>>,
    ) -> BTreeMap<i64, Arc<Histogram>> {
        let numbers = self.numbers.get(labels);
        let mut before: Option<(i64, &Histogram)> = None;
        let mut all = BTreeMap::new();
        for (time, histogram) in times {
            let interrupted = |since: i64| numbers.is_some_and(|n| n.range(since..=*time).next().is_some());
            let known = before.filter(|(since, last)| {
                !interrupted(*since) && !last.is_stale() && last.reset != ResetHint::Gauge
            });
            let plain = Histogram { reset: ResetHint::Unknown, ..(**histogram).clone() };
            let reset = match (histogram.reset, known) {
                (hint @ (ResetHint::Gauge | ResetHint::Reset), _) => hint,
                (_, None) => ResetHint::Unknown,
                // Found out on writing, but not kept for the reader.
                (_, Some((_, last))) if promql::is_reset(last, &plain) => ResetHint::Unknown,
                _ => ResetHint::NotReset,
            };
            all.insert(*time, Arc::new(Histogram { reset, ..plain }));
            before = Some((*time, histogram));
        }
        all
    }

    /// Series of `_bucket`, `_count` and `_sum` as histograms with custom buckets.
    fn load_native(&mut self, load: &Load) {
        let mut groups: BTreeMap<Labels, BTreeMap<i64, Classic>> = BTreeMap::new();
        for Described { labels, values, .. } in &load.series {
            let Some((name, part)) = labels.metric_name().rsplit_once('_') else { continue };
            let bound = labels.get("le").and_then(|bound| bound.parse::<f64>().ok());
            let key = labels.filtered(|label| label != "le").with(METRIC_NAME, name);
            for (value, at) in values.iter().zip(0..) {
                let Some(Reading::Number(value)) = value else { continue };
                let classic = groups.entry(key.clone()).or_default().entry(at * load.step_ms).or_default();
                match (part, bound) {
                    ("bucket", Some(bound)) => classic.buckets.push((bound, *value)),
                    ("count", _) => classic.count = Some(*value),
                    ("sum", _) => classic.sum = *value,
                    _ => {}
                }
            }
        }
        for (labels, times) in groups {
            let native = times.into_iter().filter(|(_, classic)| !classic.buckets.is_empty());
            let native: BTreeMap<_, _> =
                native.map(|(time, classic)| (time, Arc::new(classic.native()))).collect();
            if !native.is_empty() {
                self.histograms.entry(labels).or_default().extend(native);
            }
        }
    }
}

#[derive(Default)]
struct Classic {
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

impl Classic {
    fn native(mut self) -> Histogram {
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let finite: Vec<f64> =
            self.buckets.iter().map(|(bound, _)| *bound).filter(|b| b.is_finite()).collect();
        let count = self.count.or(self.buckets.last().map(|(_, count)| *count)).unwrap_or_default();
        let mut below = 0.0;
        let mut positive = Vec::new();
        let cumulated = self.buckets.iter().filter(|(bound, _)| bound.is_finite()).map(|(_, count)| *count);
        for (total, index) in cumulated.chain([count]).zip(0..) {
            positive.push(Bucket { index, count: total - below });
            below = total;
        }
        positive.retain(|bucket| bucket.count != 0.0);
        Histogram {
            schema: Histogram::CUSTOM,
            count,
            sum: self.sum,
            positive,
            bounds: finite.into(),
            ..Histogram::default()
        }
    }
}

impl Memory {
    fn series(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Vec<Series> {
        let samples = |times: &BTreeMap<i64, f64>| {
            times.range(start_ms..=end_ms).map(|(t, v)| Sample { timestamp_ms: *t, value: *v }).collect()
        };
        let found = self.numbers.iter().filter(|(labels, _)| fits(matchers, labels));
        found.map(|(labels, times)| Series { labels: labels.clone(), samples: samples(times) }).collect()
    }

    fn histogram_series(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Vec<HistogramSeries> {
        let sample =
            |(t, h): (&i64, &Arc<Histogram>)| HistogramSample { timestamp_ms: *t, histogram: h.clone() };
        let series = |(labels, times): (&Labels, &BTreeMap<i64, Arc<Histogram>>)| HistogramSeries {
            labels: labels.clone(),
            samples: self.hinted(labels, times).range(start_ms..=end_ms).map(sample).collect(),
        };
        self.histograms.iter().filter(|(labels, _)| fits(matchers, labels)).map(series).collect()
    }

    fn start_series(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Vec<StartSeries> {
        let within = |start: &&Start| (start_ms..=end_ms).contains(&start.timestamp_ms);
        let starts = |all: &[Start]| all.iter().filter(within).copied().collect();
        let found = self.starts.iter().filter(|(labels, _)| fits(matchers, labels));
        found.map(|(labels, all)| StartSeries { labels: labels.clone(), starts: starts(all) }).collect()
    }
}

fn fits(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches_labels(labels))
}

impl Storage for Memory {
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        _stop: Stop<'_>,
    ) -> Result<Selected, StorageError> {
        Ok(Selected {
            numbers: self.series(matchers, start_ms, end_ms),
            histograms: self.histogram_series(matchers, start_ms, end_ms),
            starts: self.start_series(matchers, start_ms, end_ms),
        })
    }
}
