//! The past as the query API of a running instance tells it, piece by piece.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use event::{Labels, METRIC_NAME, Matcher, Sample, Series};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use stream_processor::{engine::program::Program, replay::Replay};

use crate::commands::client;

/// So much of the past is asked for at once, in milliseconds.
const PIECE_MS: i64 = 6 * 3_600_000;

/// Leads all of `replays`, which look at what `programs` look at, through the time from `from_ms` to `to_ms`. What the
/// first step looks back at is fetched too.
pub async fn lead(
    addr: &str,
    programs: &[&Program],
    replays: &mut [Replay],
    (from_ms, to_ms): (i64, i64),
) -> Result<()> {
    let logs = programs.iter().any(|program| program.reads_logs());
    ensure!(!logs, "rules over logs are not replayed yet: leave out those with LogQL expressions");
    let selectors: BTreeSet<String> =
        programs.iter().flat_map(|p| p.interests()).map(|interest| selector(&interest.matchers)).collect();
    let look_back = programs.iter().map(|program| program.look_back_ms()).max().unwrap_or(0);
    let mut fetched = from_ms - look_back;
    let bar = progress((to_ms - fetched).unsigned_abs());
    while fetched < to_ms {
        let until = (fetched + PIECE_MS).min(to_ms);
        for selector in &selectors {
            let series = fetch(addr, selector, fetched, until).await?;
            replays.iter_mut().for_each(|replay| replay.feed(&series));
        }
        replays.iter_mut().for_each(|replay| replay.advance(fetched.max(from_ms), until));
        bar.inc((until - fetched).unsigned_abs());
        fetched = until;
    }
    bar.finish_and_clear();
    Ok(())
}

/// Samples later than `after_ms`, up to and including `until_ms`.
async fn fetch(addr: &str, selector: &str, after_ms: i64, until_ms: i64) -> Result<Vec<Series>> {
    let query = format!("{selector}[{}ms]", until_ms - after_ms);
    let time = format!("{}.{:03}", until_ms.div_euclid(1_000), until_ms.rem_euclid(1_000));
    let answer = client::get(addr, "/api/v1/query", &[("query", query), ("time", time)]).await?;
    client::print_warnings(&answer);
    let series = answer["data"]["result"].as_array().context("the server has not answered with series")?;
    series.iter().map(one_series).collect()
}

fn one_series(answer: &Value) -> Result<Series> {
    let labels: Labels = serde_json::from_value(answer["metric"].clone())?;
    let values = answer["values"].as_array().into_iter().flatten();
    let samples = values.map(|pair| {
        let seconds = pair[0].as_f64().context("a sample without a time")?;
        let value = pair[1].as_str().context("a sample without a value")?.parse()?;
        Ok(Sample { timestamp_ms: (seconds * 1_000.0).round() as i64, value })
    });
    Ok(Series { labels, samples: samples.collect::<Result<_>>()? })
}

fn selector(matchers: &[Matcher]) -> String {
    let shown: Vec<String> = matchers.iter().map(shown).collect();
    format!("{{{}}}", shown.join(","))
}

fn shown(matcher: &Matcher) -> String {
    let plain = matcher.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match plain || matcher.name == METRIC_NAME {
        true => matcher.to_string(),
        false => format!("{:?}{}", matcher.name, matcher.to_string().replacen(&matcher.name, "", 1)),
    }
}

/// On a terminal only.
fn progress(length_ms: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{percent:>3} % {wide_bar} {eta} left");
    ProgressBar::new(length_ms).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
