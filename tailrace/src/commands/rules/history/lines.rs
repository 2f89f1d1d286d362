//! Log lines by Loki's API, page by page.

use anyhow::{Context, Result, bail};
use event::{Labels, LogEntry};
use serde_json::Value;
use stream_processor::engine::LineInterest;

use super::Span;
use crate::{args::ClientArgs, commands::client};

/// Lines in one answer: what servers give at most.
const PAGE: usize = 5_000;

/// The lines that an interest finds. What belongs to a line alone stands among the labels of its stream, as to a rule
/// it is the same.
pub async fn fetch(
    server: &ClientArgs,
    interest: &LineInterest,
    (after_ms, until_ms): Span,
) -> Result<Vec<(Labels, LogEntry)>> {
    let query = interest.query();
    let (mut start, end) = (nanos(after_ms) + 1, nanos(until_ms) + 1);
    let mut all = Vec::new();
    loop {
        let mut page = page(server, &query, start, end).await?;
        if page.len() < PAGE {
            all.append(&mut page);
            return Ok(all);
        }
        // Of its last time the page may not have all.
        let last = page.iter().map(|(_, entry)| entry.timestamp_ns).max().unwrap_or(start);
        if last == start {
            bail!("more than {PAGE} lines of {query} at one time: put a line filter behind the selector");
        }
        all.extend(page.into_iter().filter(|(_, entry)| entry.timestamp_ns < last));
        start = last;
    }
}

async fn page(server: &ClientArgs, query: &str, start: i64, end: i64) -> Result<Vec<(Labels, LogEntry)>> {
    let parameters = [
        ("query", query.to_owned()),
        ("start", start.to_string()),
        ("end", end.to_string()),
        ("limit", PAGE.to_string()),
        ("direction", "forward".to_owned()),
    ];
    let answer = client::get(server, "/loki/api/v1/query_range", &parameters).await?;
    client::print_warnings(&answer);
    let mut lines = Vec::new();
    for stream in answer["data"]["result"].as_array().context("the server has not answered with streams")? {
        let labels: Labels = serde_json::from_value(stream["stream"].clone())?;
        for value in stream["values"].as_array().into_iter().flatten() {
            lines.push((labels.clone(), entry(value).context("a line without time or text")?));
        }
    }
    Ok(lines)
}

fn entry(value: &Value) -> Option<LogEntry> {
    let timestamp_ns = value[0].as_str()?.parse().ok()?;
    Some(LogEntry { timestamp_ns, line: value[1].as_str()?.to_owned().into(), ..LogEntry::default() })
}

fn nanos(ms: i64) -> i64 {
    ms.saturating_mul(1_000_000)
}
