//! `detected_labels`: the labels that tell streams apart in a way that people understand.

use std::collections::{BTreeMap, BTreeSet};

use axum::{extract::State, response::Response};
use event::Labels;
use serde::Serialize;

use crate::{
    Kind, Scope,
    http::{
        Service,
        loki::{
            Error,
            request::{LABELS_SINCE_NS, Span, matchers},
            response,
        },
        params::Params,
    },
};

/// They tell streams apart even if their values are numbers.
const ALWAYS: [&str; 4] = ["cluster", "namespace", "instance", "pod"];

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(rename = "detectedLabels")]
    labels: Vec<Detected<'a>>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Detected<'a> {
    label: &'a str,
    cardinality: usize,
}

/// Names, and how many values each has; without those whose values are all numbers or identifiers.
pub(in crate::http::loki) async fn labels(
    State(service): State<Service>,
    scope: Scope,
    params: Params,
) -> Result<Response, Error> {
    let Span { start, end } = Span::of(&params, service.now_ns(), LABELS_SINCE_NS)?;
    let matchers = matchers(&params, service.limits())?;
    let body = service.ask_in(scope.with_derived(), None, move |view, _| {
        let streams = view.snapshot.series(Kind::Logs, &matchers, start, end)?;
        Ok(response::to_json(&Answer { labels: detected(&streams) }))
    });
    Ok(response::json(body.await?))
}

fn detected(streams: &[Labels]) -> Vec<Detected<'_>> {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in streams.iter().flat_map(Labels::iter) {
        values.entry(name).or_default().insert(value);
    }
    let telling = values.into_iter().filter(|(name, values)| ALWAYS.contains(name) || !are_ids(values));
    telling.map(|(label, values)| Detected { label, cardinality: values.len() }).collect()
}

fn are_ids(values: &BTreeSet<&str>) -> bool {
    let is_flag = values.iter().all(|value| matches!(*value, "0" | "1"));
    !is_flag && values.iter().all(|value| value.parse::<f64>().is_ok() || is_uuid(value))
}

/// 32 hexadecimal digits, perhaps with dashes.
fn is_uuid(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_hexdigit).count();
    digits == 32 && value.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_only_number_things_are_left_out() {
        let streams: Vec<Labels> = ["1", "22", "333"]
            .map(|n| Labels::from([("app", "web"), ("pid", n), ("pod", n), ("on", "1")]))
            .into();
        let names: Vec<(&str, usize)> =
            detected(&streams).into_iter().map(|d| (d.label, d.cardinality)).collect();
        assert_eq!(names, [("app", 1), ("on", 1), ("pod", 3)]);
        let ids = Labels::from([("id", "0f8fad5b-d9cb-469f-a165-70867728950e"), ("name", "x")]);
        assert_eq!(detected(&[ids]), [Detected { label: "name", cardinality: 1 }]);
    }
}
