//! `tailrace alerts`: the alert topic, readable.

mod csv;

use std::{io, io::Write, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use bus::{Config, Consumer, ConsumerBuilder, Offsets, Record, Start};
use event::Alert;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{
    args::{AlertOutput, AlertsArgs},
    commands::client,
    shutdown,
};

/// Beginning and end of event time.
type Span = (Timestamp, Timestamp);

const POLL: Duration = Duration::from_millis(250);
const QUEUE_KIB: u32 = 4096;

/// Prints every transition in the topic, or those of a span of event time; with `--follow` goes on until Ctrl-C.
pub async fn run(args: AlertsArgs) -> Result<ExitCode> {
    let span = args.span.is_given().then(|| span(&args)).transpose()?;
    let brokers = match &args.brokers {
        Some(brokers) => brokers.clone(),
        None => brokers_of(&args.client.addr).await?,
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

async fn brokers_of(addr: &str) -> Result<String> {
    let status = client::get(addr, "/api/status", &[]).await?;
    let brokers = status["addresses"]["kafka"].as_str();
    Ok(brokers.context("the server does not say which brokers it uses: give --brokers")?.to_owned())
}

fn print_topic(
    args: &AlertsArgs,
    span: Option<Span>,
    brokers: String,
    stop: &CancellationToken,
) -> Result<()> {
    let config = Config { brokers, ..Config::default() };
    let topics = [args.topic.as_str()];
    let consumer = Consumer::open(&ConsumerBuilder {
        config: &config,
        group: "tailrace-alerts",
        topics: &topics,
        queue_kib: QUEUE_KIB,
    })?;
    let ends = consumer.ends(Duration::from_secs(10))?;
    let from = Offsets::default();
    if args.output == AlertOutput::Csv {
        println!("{}", csv::NAMES);
    }
    consumer.start(&from, Start::Earliest)?;
    while !stop.is_cancelled() && (args.follow || !consumer.has_read(&from, &ends)?) {
        for record in consumer.poll(POLL, 1000)? {
            print_record(&mut io::stdout().lock(), &record, span, args.output)?;
        }
    }
    Ok(())
}

fn print_record(
    out: &mut impl Write,
    record: &Record,
    span: Option<Span>,
    output: AlertOutput,
) -> Result<()> {
    let outside =
        |alert: &Alert| span.is_some_and(|(from, to)| alert.evaluated_at < from || alert.evaluated_at > to);
    match Alert::from_json(&record.value) {
        Ok(alert) if outside(&alert) => {}
        Ok(alert) => match output {
            AlertOutput::Default => print_alert(out, &alert)?,
            AlertOutput::Raw => writeln!(out, "{}", alert.labels)?,
            AlertOutput::Json => writeln!(out, "{}", String::from_utf8_lossy(&record.value))?,
            AlertOutput::Csv => writeln!(out, "{}", csv::line(&alert))?,
        },
        Err(error) => eprintln!("{}/{}@{}: {error}", record.topic, record.partition, record.offset),
    }
    Ok(())
}

fn print_alert(out: &mut impl Write, alert: &Alert) -> Result<()> {
    let state = format!("{:?}", alert.state).to_lowercase();
    let name = alert.labels.get("alertname").unwrap_or_default();
    let rest = alert.labels.filtered(|n| n != "alertname");
    let summary = alert.annotations.get("summary").unwrap_or_default();
    Ok(writeln!(out, "{} {state:<8} {name} {rest} value={} {summary}", alert.evaluated_at, alert.value)?)
}
