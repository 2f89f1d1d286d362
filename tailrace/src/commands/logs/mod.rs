//! `tailrace logs`: LogQL from the command line.

use std::{io, io::Write, process::ExitCode};

use anyhow::{Context, Result};
use futures::StreamExt;
use jiff::Timestamp;
use serde_json::Value;

use super::{client, print};
use crate::args::{LogsArgs, Output};

/// Prints the answer; with `--follow` goes on with what arrives, until Ctrl-C.
pub async fn run(args: LogsArgs) -> Result<ExitCode> {
    let (start, end) = args.span.resolve(Timestamp::now(), "1h")?;
    let mut parameters = vec![
        ("query", args.query.clone()),
        ("start", start.as_nanosecond().to_string()),
        ("end", end.as_nanosecond().to_string()),
        ("limit", args.limit.to_string()),
        ("direction", if args.forward { "forward" } else { "backward" }.to_owned()),
    ];
    parameters.extend(args.step.clone().map(|step| ("step", step)));
    let answer = client::get(&args.client.addr, "/loki/api/v1/query_range", &parameters).await?;
    client::print_warnings(&answer);
    print_answer(&answer["data"], &args)?;
    if args.follow {
        follow(&args, end).await?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print_answer(data: &Value, args: &LogsArgs) -> Result<()> {
    let mut out = io::stdout().lock();
    if data["resultType"] != "streams" {
        return Ok(print::samples(&mut out, data, args.output)?);
    }
    let mut lines = print::lines(&data["result"]);
    lines.sort_by_key(|line| line.timestamp_ns);
    // What follows is newer: so the newest line comes last then, as with `tail -f`.
    if !args.forward && !args.follow {
        lines.reverse();
    }
    for line in &lines {
        print::log_line(&mut out, line, args.output)?;
    }
    Ok(out.flush()?)
}

async fn follow(args: &LogsArgs, after: Timestamp) -> Result<()> {
    let server = args.client.addr.trim_end_matches('/').replacen("http", "ws", 1);
    let mut url = reqwest::Url::parse(&format!("{server}/loki/api/v1/tail"))?;
    let start = (after.as_nanosecond() + 1).to_string();
    url.query_pairs_mut().append_pair("query", &args.query).append_pair("start", &start);
    let (mut socket, _) = tokio_tungstenite::connect_async(url.as_str())
        .await
        .with_context(|| format!("{} does not let us follow this query", args.client.addr))?;
    while let Some(message) = socket.next().await {
        let message = message.context("the connection broke")?;
        if message.is_text() {
            print_followed(&serde_json::from_str(message.to_text()?)?, args.output)?;
        }
    }
    Ok(())
}

fn print_followed(message: &Value, output: Output) -> Result<()> {
    let mut out = io::stdout().lock();
    for line in print::lines(&message["streams"]) {
        print::log_line(&mut out, &line, output)?;
    }
    Ok(out.flush()?)
}
