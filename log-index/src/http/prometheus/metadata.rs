//! `metadata`: types and help texts of metrics.

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use event::MetricFamily;
use serde_json::{Value, json};

use super::{Error, response};
use crate::http::{Service, params::Params};

/// By name of the metric, each kind once.
pub(super) async fn metadata(State(service): State<Service>, params: Params) -> Result<Response, Error> {
    let metric = params.get("metric").map(str::to_owned);
    let limit = usize::try_from(params.number::<i64>("limit")?.unwrap_or(-1)).unwrap_or(usize::MAX);
    let per_metric = params.number("limit_per_metric")?.filter(|n| *n > 0).unwrap_or(usize::MAX);
    let body = service.ask(params.timeout()?, move |view, _| {
        let families = view.snapshot.families().into_iter();
        let wanted = families.filter(|f| metric.as_ref().is_none_or(|name| *name == f.name));
        Ok(response::data(&by_name(wanted, limit, per_metric), &view.warnings(), &[]))
    });
    Ok(response::json(body.await?))
}

fn by_name(
    families: impl Iterator<Item = MetricFamily>,
    limit: usize,
    per_metric: usize,
) -> BTreeMap<String, Vec<Value>> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for MetricFamily { name, kind, help, unit } in families {
        if found.len() >= limit && !found.contains_key(&name) {
            continue;
        }
        let kinds = found.entry(name).or_default();
        if kinds.len() < per_metric {
            kinds.push(json!({"type": kind, "help": help, "unit": unit}));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_count_metrics_and_kinds_of_a_metric() {
        let family = |name: &str, kind: &str| MetricFamily {
            name: name.into(),
            kind: kind.into(),
            ..MetricFamily::default()
        };
        let all = [family("a", "gauge"), family("b", "counter"), family("a", "counter")];
        let count = |limit, per_metric| {
            let found = by_name(all.iter().cloned(), limit, per_metric);
            found.into_iter().map(|(name, kinds)| (name, kinds.len())).collect::<Vec<_>>()
        };
        assert_eq!(count(9, 9), [("a".to_owned(), 2), ("b".to_owned(), 1)]);
        assert_eq!(count(1, 1), [("a".to_owned(), 1)]);
        assert_eq!(count(0, 9), []);
    }
}
