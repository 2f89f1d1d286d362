//! `patterns`: the forms of a query's lines, and how many lines each has over time.

use std::{borrow::Cow, collections::BTreeMap, ops::ControlFlow};

use axum::{extract::State, response::Response};
use logql::{Entries, LogExpr, Order, Range, Scan, ScanError, detected_level};
use patterns::{Miner, Pattern, Settings};
use serde::Serialize;

use super::{
    Error,
    request::{QUERY_SINCE_NS, Span},
    response,
};
use crate::{
    Scope, Snapshot,
    http::{Service, error::Failure, params::Params, run::Cancelled},
};

/// How many entries pass between two looks at whether the query was cancelled.
const CANCEL_EVERY: u64 = 4096;

#[derive(Serialize)]
struct Found {
    pattern: String,
    /// The same for the same pattern, today and tomorrow.
    id: String,
    level: String,
    /// Of its lines in the span, nanoseconds since 1970.
    first_seen: String,
    last_seen: String,
    /// Seconds since 1970, lines.
    samples: Vec<(i64, u64)>,
}

/// The patterns of the lines that pass the query, those with the most lines first.
pub(super) async fn patterns(
    State(service): State<Service>,
    scope: Scope,
    params: Params,
) -> Result<Response, Error> {
    let range = Span::of(&params, service.now_ns(), QUERY_SINCE_NS)?.in_steps(&params)?;
    let query = logql::parse_log(params.query(service.limits().max_query_bytes)?)?;
    let pinned = service.index().config().patterns.clone();
    // Clients take times in whole seconds.
    let step_ns = (range.step_ns / 1_000_000_000).max(1) * 1_000_000_000;
    let settings = Settings { step_ns, pinned, ..Settings::default() };
    let body = service.ask_in(scope, None, move |view, cancelled| {
        let mined = mined(&view.snapshot, &query, &range, &settings, cancelled)?;
        let mut found: Vec<(u64, Found)> = mined
            .iter()
            .flat_map(|(level, miner)| miner.patterns().map(|pattern| found(level, pattern)))
            .collect();
        found.sort_by_key(|(total, _)| std::cmp::Reverse(*total));
        let found: Vec<Found> = found.into_iter().map(|(_, found)| found).collect();
        Ok(response::data(&found, &view.warnings()))
    });
    Ok(response::json(body.await?))
}

fn found(level: &str, pattern: &Pattern) -> (u64, Found) {
    let sample = |(step_ns, lines): (&i64, &u64)| (step_ns.div_euclid(1_000_000_000), *lines);
    let found = Found {
        pattern: pattern.text(),
        id: format!("{:016x}", pattern.id()),
        level: level.to_owned(),
        first_seen: pattern.first_seen_ns.to_string(),
        last_seen: pattern.last_seen_ns.to_string(),
        samples: pattern.counts.iter().map(sample).collect(),
    };
    (pattern.total(), found)
}

/// A miner for each level, fed in the order of time: so the patterns do not depend on where the lines lie.
fn mined(
    snapshot: &Snapshot,
    query: &LogExpr,
    range: &Range,
    settings: &Settings,
    cancelled: Cancelled<'_>,
) -> Result<BTreeMap<String, Miner>, Failure> {
    let scan = Scan {
        matchers: &query.matchers,
        start_ns: range.start_ns,
        end_ns: range.end_ns,
        order: Order::Forward,
        filters: &query.leading_filters(),
        lens: None,
    };
    let mut miners: BTreeMap<String, Miner> = BTreeMap::new();
    let mut seen: u64 = 0;
    let scanned: Result<(), ScanError> = snapshot.scan(&scan, &mut |stream, entry| {
        seen += 1;
        if seen.is_multiple_of(CANCEL_EVERY) && cancelled() {
            return ControlFlow::Break(());
        }
        if query.stages.is_empty() || query.process(stream, entry).is_some() {
            let level = detected_level(stream, entry.metadata, entry.line);
            let line: Cow<'_, str> = String::from_utf8_lossy(entry.line);
            let miner = miners.entry(level.into_owned()).or_insert_with(|| Miner::new(settings.clone()));
            miner.feed(&line, 1, entry.timestamp_ns);
        }
        ControlFlow::Continue(())
    });
    scanned.map_err(|error| Failure::Internal(error.to_string()))?;
    if cancelled() { Err(Failure::Cancelled) } else { Ok(miners) }
}
