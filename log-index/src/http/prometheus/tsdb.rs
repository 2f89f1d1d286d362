//! `status/tsdb`: what the series of the last hours are made of, as Prometheus tells it of its head.

use std::collections::HashMap;

use axum::{extract::State, response::Response};
use event::{Labels, METRIC_NAME};
use serde_json::{Value, json};

use super::{Error, response};
use crate::{
    Kind,
    http::{Service, params::Params},
};

/// So long is Prometheus' head at least.
const HEAD_MS: i64 = 2 * 3_600_000;
/// Rows of each list, if no `limit` is given.
const ROWS: usize = 10;

pub(super) async fn tsdb(State(service): State<Service>, params: Params) -> Result<Response, Error> {
    let rows = params.number("limit")?.unwrap_or(ROWS);
    let end = service.now_ns() / 1_000_000;
    let start = end - HEAD_MS;
    let body = service.ask(params.timeout()?, move |view, _| {
        let series = view.snapshot.series(Kind::Metrics, &[], start, end)?;
        let found = Cardinality::of(&series);
        let head = json!({
            "numSeries": series.len(),
            "numLabelPairs": found.by_pair.len(),
            "chunkCount": 0,
            "minTime": start,
            "maxTime": end,
        });
        Ok(response::data(&found.told(head, rows), &view.warnings(), &[]))
    });
    Ok(response::json(body.await?))
}

/// How many series, or bytes of values, there are of each kind.
#[derive(Default)]
struct Cardinality<'a> {
    by_metric: HashMap<&'a str, u64>,
    by_pair: HashMap<(&'a str, &'a str), u64>,
    bytes_by_label: HashMap<&'a str, u64>,
}

impl<'a> Cardinality<'a> {
    fn of(series: &'a [Labels]) -> Self {
        let mut found = Cardinality::default();
        for labels in series {
            *found.by_metric.entry(labels.get(METRIC_NAME).unwrap_or_default()).or_default() += 1;
            for (name, value) in labels.iter() {
                *found.by_pair.entry((name, value)).or_default() += 1;
                *found.bytes_by_label.entry(name).or_default() += value.len() as u64;
            }
        }
        found
    }

    fn told(self, head: Value, rows: usize) -> Value {
        let mut values: HashMap<&str, u64> = HashMap::new();
        for (name, _) in self.by_pair.keys() {
            *values.entry(name).or_default() += 1;
        }
        let by_pair =
            self.by_pair.into_iter().map(|((name, value), count)| (format!("{name}={value}"), count));
        json!({
            "headStats": head,
            "seriesCountByMetricName": largest(self.by_metric, rows),
            "labelValueCountByLabelName": largest(values, rows),
            "memoryInBytesByLabelName": largest(self.bytes_by_label, rows),
            "seriesCountByLabelValuePair": largest(by_pair, rows),
        })
    }
}

fn largest<N: AsRef<str>>(counts: impl IntoIterator<Item = (N, u64)>, rows: usize) -> Vec<Value> {
    let mut counts: Vec<(N, u64)> = counts.into_iter().collect();
    counts.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.as_ref().cmp(b.as_ref())));
    let row = |(name, value): &(N, u64)| json!({"name": name.as_ref(), "value": value});
    counts.iter().take(rows).map(row).collect()
}
