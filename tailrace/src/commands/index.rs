//! `tailrace index check|inspect`: looks at an index on disk.

use std::{io::IsTerminal, path::Path, process::ExitCode};

use anyhow::Result;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use jiff::Timestamp;
use log_index::{CheckReport, InspectReport, OpenError, Progress};

use crate::{
    args::{IndexCommand, Table},
    stdout::outln,
};

/// So many streams are in the table; JSON has all.
const STREAMS: usize = 20;

/// Looks, and prints what was found.
pub fn run(command: IndexCommand) -> Result<ExitCode> {
    match command {
        IndexCommand::Check { store, output } => check(&store, output),
        IndexCommand::Inspect { store, output } => inspect(&store, output),
    }
}

fn check(store: &Path, output: Table) -> Result<ExitCode> {
    let report = watched(|progress| log_index::check(store, progress))?;
    match output {
        Table::Json => outln!("{}", serde_json::to_string(&report)?),
        Table::Table => print_check(&report),
    }
    Ok(if report.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_check(report: &CheckReport) {
    for problem in &report.problems {
        let place = problem.block.map(|block| format!(" block at {block}")).unwrap_or_default();
        let stream = problem.stream.as_ref().map(|stream| format!(" {stream}")).unwrap_or_default();
        outln!("{}{place}{stream}: {}", problem.file, problem.reason);
    }
    for warning in &report.warnings {
        outln!("warning: {}: {}", warning.file, warning.reason);
    }
    let CheckReport { segments, blocks, bytes, problems, .. } = report;
    let (segments, blocks, bytes) = (HumanCount(*segments), HumanCount(*blocks), HumanBytes(*bytes));
    match problems.len() {
        0 => outln!("all is well: {segments} segments, {blocks} blocks, {bytes}"),
        count => outln!("{count} problems in {segments} segments, {blocks} blocks, {bytes}"),
    }
}

fn inspect(store: &Path, output: Table) -> Result<ExitCode> {
    let report = watched(|progress| log_index::inspect(store, progress))?;
    match output {
        Table::Json => outln!("{}", serde_json::to_string(&report)?),
        Table::Table => print_inspection(&report),
    }
    Ok(ExitCode::SUCCESS)
}

fn print_inspection(report: &InspectReport) {
    outln!(
        "{:<20} {:>5} {:>10} {:>9} {:>12} {:>12}  from .. to",
        "segment",
        "level",
        "size",
        "streams",
        "entries",
        "samples"
    );
    for s in &report.segments {
        let size = HumanBytes(s.bytes).to_string();
        let span = format!("{} .. {}", time(s.min_ms), time(s.max_ms));
        outln!(
            "{:<20} {:>5} {size:>10} {:>9} {:>12} {:>12}  {span}",
            s.name,
            s.level,
            s.streams,
            s.entries,
            s.samples
        );
    }
    outln!("\n{:<24} {:>10} {:>10} {:>6}", "column", "size", "unpacked", "ratio");
    for c in &report.columns {
        let ratio = c.raw_bytes as f64 / c.bytes.max(1) as f64;
        let (size, raw) = (HumanBytes(c.bytes).to_string(), HumanBytes(c.raw_bytes).to_string());
        outln!("{:<24} {size:>10} {raw:>10} {ratio:>6.1}", c.column);
    }
    outln!(
        "\n{:>10} {:>12} {:>8}  the largest of {} streams and series",
        "content",
        "rows",
        "segments",
        report.streams.len()
    );
    for s in report.streams.iter().take(STREAMS) {
        outln!("{:>10} {:>12} {:>8}  {}", HumanBytes(s.bytes).to_string(), s.rows, s.segments, s.labels);
    }
    report.problems.iter().for_each(|problem| outln!("\ndamaged: {problem}; see `tailrace index check`"));
}

fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
}

/// With a bar while it takes long, if somebody looks.
fn watched<T>(work: impl FnOnce(Progress<'_>) -> Result<T, OpenError>) -> Result<T> {
    if !std::io::stderr().is_terminal() {
        return Ok(work(&mut |_, _| ())?);
    }
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} left")?);
    let report = work(&mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    Ok(report?)
}
