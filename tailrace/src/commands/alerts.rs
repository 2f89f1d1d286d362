//! `tailrace alerts`: the alert topic, readable.

use std::{io::Write, process::ExitCode};

use anyhow::Result;
use bus::{Config, Record, Topics};
use event::Alert;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{
    alert_topic::{Reader, Span, csv},
    args::{AlertOutput, AlertsArgs},
    commands::client,
    shutdown,
    stderr::errln,
    stdout::{Stdout, outln},
};

/// Prints every transition in the topic, or those of a span of event time; with `--follow` goes on until Ctrl-C.
pub async fn run(args: AlertsArgs) -> Result<ExitCode> {
    let span = args.span.is_given().then(|| span(&args)).transpose()?;
    let brokers = match &args.brokers {
        Some(brokers) => brokers.clone(),
        None => client::brokers(&args.client).await?,
    };
    let stop = shutdown::on_signals()?;
    tokio::task::spawn_blocking(move || print_topic(&args, span, brokers, &stop)).await??;
    Ok(ExitCode::SUCCESS)
}

/// Without a beginning from the first transition on; what is to come has no end.
fn span(args: &AlertsArgs) -> Result<Span> {
    let (from, to) = args.span.resolve(Timestamp::now(), "0s")?;
    let begins = args.span.since.is_some() || args.span.from.is_some();
    Ok((if begins { from } else { Timestamp::MIN }, if args.follow { Timestamp::MAX } else { to }))
}

fn print_topic(
    args: &AlertsArgs,
    span: Option<Span>,
    brokers: String,
    stop: &CancellationToken,
) -> Result<()> {
    let topics = Topics { alerts: args.topic.clone(), ..Topics::default() };
    let reader = Reader::open(&Config { brokers, topics, ..Config::default() }, span)?;
    if args.output == AlertOutput::Csv {
        outln!("{}", csv::NAMES);
    }
    while !stop.is_cancelled() && (args.follow || !reader.is_done()?) {
        for (record, alert) in reader.poll()? {
            match alert {
                Ok(alert) => print_record(&mut Stdout, &record, &alert, args.output)?,
                Err(error) => errln!("{}/{}@{}: {error}", record.topic, record.partition, record.offset),
            }
        }
    }
    Ok(())
}

fn print_record(out: &mut impl Write, record: &Record, alert: &Alert, output: AlertOutput) -> Result<()> {
    match output {
        AlertOutput::Default => print_alert(out, alert)?,
        AlertOutput::Raw => writeln!(out, "{}", alert.labels)?,
        AlertOutput::Json => writeln!(out, "{}", String::from_utf8_lossy(&record.value))?,
        AlertOutput::Csv => writeln!(out, "{}", csv::line(alert))?,
    }
    Ok(())
}

fn print_alert(out: &mut impl Write, alert: &Alert) -> Result<()> {
    let state = alert.state.name();
    let name = alert.labels.get("alertname").unwrap_or_default();
    let rest = alert.labels.filtered(|n| n != "alertname");
    let summary = alert.annotations.get("summary").unwrap_or_default();
    Ok(writeln!(out, "{} {state:<8} {name} {rest} value={} {summary}", alert.evaluated_at, alert.value)?)
}
