//! `/federate`: the newest value of each matching series in Prometheus' text format, for another Prometheus to scrape.

use std::{collections::BTreeMap, fmt::Write};

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use event::{Labels, METRIC_NAME, Sample};

use super::{Error, numbers::Room, request::selectors};
use crate::http::{Service, limits::MOST_SAMPLES, number::Exposed, params::Params};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Of each series that any selector matches: the newest number within the look-back, unless it has ended.
pub(super) async fn federate(State(service): State<Service>, params: Params) -> Result<Response, Error> {
    let selectors = selectors(&params)?;
    let now_ms = service.now_ns() / 1_000_000;
    let after_ms = now_ms - promql::Options::default().lookback_ms;
    let limits = service.limits().clone();
    let body = service.ask(params.timeout()?, move |view, cancelled| {
        let room = Room::new(MOST_SAMPLES, &limits, cancelled);
        let mut newest = BTreeMap::new();
        for matchers in &selectors {
            // In the text format there are no native histograms.
            let series = room.numbers(&view.snapshot, matchers, after_ms + 1, now_ms)?;
            let last = series.into_iter().filter_map(|s| Some((s.labels, *s.samples.last()?)));
            newest.extend(last.filter(|(_, sample)| !sample.is_stale()));
        }
        Ok(text(newest))
    });
    Ok(([(CONTENT_TYPE, TEXT)], body.await?).into_response())
}

fn text(newest: BTreeMap<Labels, Sample>) -> String {
    let mut sorted: Vec<(Labels, Sample)> = newest.into_iter().collect();
    sorted.sort_by(|(a, _), (b, _)| a.metric_name().cmp(b.metric_name()));
    let (mut text, mut last) = (String::new(), None);
    for (labels, sample) in &sorted {
        let name = labels.metric_name();
        if last != Some(name) {
            let _ = writeln!(text, "# TYPE {} untyped", written(name));
            last = Some(name);
        }
        let _ = writeln!(text, "{} {} {}", series(labels), Exposed(sample.value), sample.timestamp_ms);
    }
    text
}

/// Names that the format has no other form for stand in quotes; the metric's then between the braces.
fn series(labels: &Labels) -> String {
    let name = labels.metric_name();
    let own = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
    // The one who scrapes this would put its own there.
    let instance = labels.get("instance").is_none().then_some(("instance", ""));
    let pairs = own.chain(instance).map(|(name, value)| format!("{}={}", written(name), quoted(value)));
    let is_plain = is_plain(name);
    let inner = (!is_plain).then(|| quoted(name)).into_iter().chain(pairs).collect::<Vec<_>>().join(",");
    format!("{}{{{inner}}}", if is_plain { name } else { "" })
}

fn written(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { quoted(name) }
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    name.starts_with(|c: char| !c.is_ascii_digit()) && name.chars().all(plain)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
