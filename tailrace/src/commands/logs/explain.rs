//! `--explain`: what a query has read, and what it could leave aside. On standard error, behind the answer.

use anyhow::Result;
use indicatif::{HumanBytes, HumanCount};
use jiff::Timestamp;
use logql::{Expr, LogExpr};

use super::pages::Totals;
use crate::{args::LogsArgs, commands::client, stderr::errln};

/// For a log query.
pub async fn print(
    args: &LogsArgs,
    query: &str,
    totals: &Totals,
    start: Timestamp,
    end: Timestamp,
) -> Result<()> {
    let Ok(Expr::Log(LogExpr { matchers, .. })) = logql::parse(query) else { return Ok(()) };
    let selector = LogExpr { matchers, stages: Vec::new() }.to_string();
    let parameters = [
        ("query", selector.clone()),
        ("start", start.as_nanosecond().to_string()),
        ("end", end.as_nanosecond().to_string()),
    ];
    let stats = client::get(&args.client, "/loki/api/v1/index/stats", &parameters).await?;
    let count = |name: &str| stats[name].as_u64().unwrap_or(0);
    let (streams, blocks) = (HumanCount(count("streams")), HumanCount(count("chunks")));
    let (entries, bytes) = (count("entries"), HumanBytes(count("bytes")));
    errln!("{selector}: {streams} streams in {blocks} blocks with {} lines, {bytes}", HumanCount(entries));
    let skipped = entries.saturating_sub(totals.lines_read);
    errln!("skipped: {} lines, by time, line filters or the limit", HumanCount(skipped));
    print_read(totals);
    Ok(())
}

/// What the server has read.
pub fn print_read(totals: &Totals) {
    errln!("read: {} lines, {}", HumanCount(totals.lines_read), HumanBytes(totals.bytes_read));
    errln!("passed: {} lines", HumanCount(totals.lines_passed));
}
