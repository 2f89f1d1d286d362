//! `tailrace logs`: LogQL from the command line.

mod ask;
mod explain;
mod follow;
mod pages;
mod printer;

use std::process::ExitCode;

use anyhow::Result;
use jiff::Timestamp;
use logql::Expr;

use self::{pages::Pages, printer::Printer};
use super::{client, print};
use crate::{
    args::{LogOutput, LogsArgs, Output, misused},
    stdout::Stdout,
};

/// Prints the answer; with `--follow` goes on with what arrives, until Ctrl-C.
pub async fn run(args: LogsArgs) -> Result<ExitCode> {
    if let Some(command) = &args.command {
        ask::run(command).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let query = args.query.clone().unwrap_or_default();
    let (start, end) = args.span.resolve(Timestamp::now(), "1h")?;
    match logql::parse(&query) {
        Ok(Expr::Metric(_)) if args.follow => {
            return Err(misused("--follow is for lines: this is a metric query"));
        }
        Ok(Expr::Metric(_)) => metric(&args, &query, start, end).await?,
        // What is wrong with a query is for the server to say.
        Ok(Expr::Log(_)) | Err(_) => lines(&args, &query, start, end).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn lines(args: &LogsArgs, query: &str, start: Timestamp, end: Timestamp) -> Result<()> {
    let mut printer = Printer::new(args);
    let mut pages = Pages::new(args, query, start, end)?;
    // What follows is newer: so the newest line comes last then, as with `tail -f`.
    let turned = args.follow && !args.forward;
    let mut held = Vec::new();
    while let Some(lines) = pages.next().await? {
        match turned {
            true => held.extend(lines),
            false => pages.beside_progress(|| printer.print(&lines))?,
        }
    }
    held.reverse();
    printer.print(&held)?;
    if args.explain {
        explain::print(args, query, &pages.totals, start, end).await?;
    }
    if args.follow {
        follow::follow(args, query, end, &mut printer).await?;
    }
    printer.end()
}

async fn metric(args: &LogsArgs, query: &str, start: Timestamp, end: Timestamp) -> Result<()> {
    let mut parameters = vec![
        ("query", query.to_owned()),
        ("start", start.as_nanosecond().to_string()),
        ("end", end.as_nanosecond().to_string()),
    ];
    parameters.extend(args.step.clone().map(|step| ("step", step)));
    let answer = client::get(&args.client, "/loki/api/v1/query_range", &parameters).await?;
    client::print_warnings(&answer);
    let (out, data) = (&mut Stdout, &answer["data"]);
    match args.output {
        LogOutput::Default => print::samples(out, data, Output::Default)?,
        LogOutput::Raw => print::samples(out, data, Output::Raw)?,
        LogOutput::Json | LogOutput::Jsonl => print::samples(out, data, Output::Json)?,
        LogOutput::Csv => print::csv_samples(out, data)?,
    }
    if args.explain {
        explain::print_read(&pages::Totals::of(&answer));
    }
    Ok(())
}
