//! Which series each group has, so that they can be ended. In memory: after a restart a group has what has been pushed
//! since.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use event::{Labels, METRIC_NAME, MetricFamily, Sample, SampleBatch, Series};

use super::{Refusal, text::Exposition};

/// Series of all groups together.
const MOST_SERIES: usize = 100_000;

const PUSHED: &str = "push_time_seconds";
const FAILED: &str = "push_failure_time_seconds";
const HELP: [(&str, &str); 2] = [
    (PUSHED, "Last Unix time when this group was pushed successfully."),
    (FAILED, "Last Unix time when pushing to this group failed."),
];

/// What becomes of a group's metrics that are not in a push.
#[derive(Clone, Copy)]
pub enum Change {
    /// They end.
    Replace,
    /// They stay, but for those of the same names.
    Merge,
}

#[derive(Default)]
pub struct Ledger {
    groups: BTreeMap<Labels, Group>,
}

#[derive(Default)]
struct Group {
    series: BTreeSet<Labels>,
    /// Seconds since 1970, or 0.
    pushed: f64,
    failed: f64,
}

impl Ledger {
    /// The samples of a push: those pushed, the ends of those that they replace, and when it was.
    ///
    /// # Errors
    /// When there are too many series, or one has too long labels. Then nothing has changed.
    pub fn push(
        &mut self,
        labels: &Labels,
        pushed: Exposition,
        change: Change,
        now_ms: i64,
    ) -> Result<SampleBatch, Refusal> {
        let of_others = self.series() - self.groups.get(labels).map_or(0, |group| group.series.len());
        if of_others + pushed.values.len() > MOST_SERIES {
            let reason = format!("all groups have more than {MOST_SERIES} series: delete groups");
            return Err(Refusal(StatusCode::INSUFFICIENT_STORAGE, reason));
        }
        let own = |series: &Labels| [PUSHED, FAILED].contains(&series.metric_name());
        let values = pushed.values.into_iter().filter(|(series, _)| !own(series));
        let values: BTreeMap<Labels, f64> =
            values.map(|(series, value)| (series.iter().chain(labels.iter()).collect(), value)).collect();
        values.keys().try_for_each(Labels::check_size).map_err(|e| e.to_string())?;
        let group = self.groups.entry(labels.clone()).or_default();
        let ended = group.replace(&values, change);
        group.pushed = now_ms as f64 / 1e3;
        let mut batch = batch(ended, values, now_ms);
        batch.series.extend(group.times(labels, now_ms));
        batch.families = pushed.families.into_values().chain(families()).collect();
        Ok(batch)
    }

    /// That a push was refused.
    pub fn fail(&mut self, labels: &Labels, now_ms: i64) -> SampleBatch {
        if self.series() >= MOST_SERIES {
            return SampleBatch::default();
        }
        let group = self.groups.entry(labels.clone()).or_default();
        group.failed = now_ms as f64 / 1e3;
        let series = group.times(labels, now_ms).to_vec();
        SampleBatch { series, families: families().to_vec(), ..SampleBatch::default() }
    }

    /// The ends of a group's series.
    pub fn delete(&mut self, labels: &Labels, now_ms: i64) -> SampleBatch {
        let Some(mut group) = self.groups.remove(labels) else { return SampleBatch::default() };
        group.series.extend(group.times(labels, now_ms).map(|series| series.labels));
        batch(group.series, BTreeMap::new(), now_ms)
    }

    /// How many there are; a group has two of its own.
    fn series(&self) -> usize {
        self.groups.values().map(|group| group.series.len() + 2).sum()
    }
}

impl Group {
    /// Notes what has been pushed; answers what has ended by it.
    fn replace(&mut self, values: &BTreeMap<Labels, f64>, change: Change) -> BTreeSet<Labels> {
        let names: BTreeSet<&str> = values.keys().map(Labels::metric_name).collect();
        let goes = |series: &Labels| match change {
            Change::Replace => true,
            Change::Merge => names.contains(series.metric_name()),
        };
        let (goes, stays): (BTreeSet<Labels>, _) =
            std::mem::take(&mut self.series).into_iter().partition(goes);
        self.series = stays;
        self.series.extend(values.keys().cloned());
        goes.into_iter().filter(|series| !values.contains_key(series)).collect()
    }

    fn times(&self, labels: &Labels, timestamp_ms: i64) -> [Series; 2] {
        [(PUSHED, self.pushed), (FAILED, self.failed)].map(|(name, value)| Series {
            labels: labels.with(METRIC_NAME, name),
            samples: vec![Sample { timestamp_ms, value }],
        })
    }
}

fn batch(ended: BTreeSet<Labels>, values: BTreeMap<Labels, f64>, timestamp_ms: i64) -> SampleBatch {
    let ended = ended.into_iter().map(|labels| (labels, f64::from_bits(Sample::STALE_BITS)));
    let series = ended.chain(values);
    let series =
        series.map(|(labels, value)| Series { labels, samples: vec![Sample { timestamp_ms, value }] });
    SampleBatch { series: series.collect(), ..SampleBatch::default() }
}

fn families() -> [MetricFamily; 2] {
    HELP.map(|(name, help)| MetricFamily {
        name: name.to_owned(),
        kind: "gauge".to_owned(),
        help: help.to_owned(),
        unit: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::text, *};

    /// Name and value of each sample, `end` for a stale marker.
    fn written(batch: &SampleBatch) -> Vec<(String, String)> {
        let value =
            |sample: &Sample| if sample.is_stale() { "end".to_owned() } else { sample.value.to_string() };
        let pair = |s: &Series| (s.labels.metric_name().to_owned(), value(&s.samples[0]));
        batch.series.iter().map(pair).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn push(ledger: &mut Ledger, text: &str, change: Change, now_ms: i64) -> Vec<(String, String)> {
        let group = Labels::from([("job", "backup")]);
        written(&ledger.push(&group, text::parse(text).unwrap(), change, now_ms).unwrap())
    }

    const TIMES: [(&str, &str); 2] = [(PUSHED, "9"), (FAILED, "0")];

    #[test]
    fn put_replaces_a_group_and_post_what_has_the_same_name() {
        let mut ledger = Ledger::default();
        push(&mut ledger, "a{x=\"1\"} 1\nb 2\nc 3", Change::Merge, 1000);
        let merged = push(&mut ledger, "a 4", Change::Merge, 9000);
        assert_eq!(merged, pairs(&[&[("a", "end"), ("a", "4")][..], &TIMES].concat()));
        let replaced = push(&mut ledger, "b 5", Change::Replace, 9000);
        assert_eq!(replaced, pairs(&[&[("a", "end"), ("c", "end"), ("b", "5")][..], &TIMES].concat()));
    }

    #[test]
    fn a_delete_ends_what_is_left() {
        let (mut ledger, group) = (Ledger::default(), Labels::from([("job", "backup")]));
        push(&mut ledger, "a 1\npush_time_seconds 77", Change::Merge, 1000);
        let ended = written(&ledger.delete(&group, 2000));
        assert_eq!(ended, pairs(&[("a", "end"), (FAILED, "end"), (PUSHED, "end")]));
        assert_eq!(ledger.delete(&group, 3000), SampleBatch::default());
    }

    #[test]
    fn the_labels_of_the_group_count() {
        let (mut ledger, group) = (Ledger::default(), Labels::from([("job", "backup")]));
        let pushed = text::parse("a{job=\"other\",x=\"1\"} 1").unwrap();
        let batch = ledger.push(&group, pushed, Change::Merge, 1000).unwrap();
        assert_eq!(batch.series[0].labels, Labels::from([(METRIC_NAME, "a"), ("job", "backup"), ("x", "1")]));
        assert_eq!(batch.families.len(), 2);
    }

    #[test]
    fn a_failure_is_told_beside_the_last_success() {
        let (mut ledger, group) = (Ledger::default(), Labels::from([("job", "backup")]));
        push(&mut ledger, "a 1", Change::Merge, 9000);
        assert_eq!(written(&ledger.fail(&group, 12_500)), pairs(&[(PUSHED, "9"), (FAILED, "12.5")]));
    }

    #[test]
    fn groups_cannot_have_more_series_than_fit() {
        let mut ledger = Ledger::default();
        let text: String = (0..=MOST_SERIES).map(|n| format!("a{{x=\"{n}\"}} 1\n")).collect();
        let error =
            ledger.push(&Labels::default(), text::parse(&text).unwrap(), Change::Merge, 0).unwrap_err();
        assert!(error.1.contains("delete groups"), "{error:?}");
    }
}
