//! `tailrace alerts`: the alert topic, readable.

use std::{io, io::Write, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use bus::{Config, Consumer, ConsumerBuilder, Offsets, Record, Start};
use event::Alert;
use tokio_util::sync::CancellationToken;

use super::client;
use crate::{
    args::{AlertsArgs, Output},
    shutdown,
};

const POLL: Duration = Duration::from_millis(250);
const QUEUE_KIB: u32 = 4096;

/// Prints every transition from the beginning of the topic; with `--follow` goes on until Ctrl-C.
pub async fn run(args: AlertsArgs) -> Result<ExitCode> {
    let brokers = match &args.brokers {
        Some(brokers) => brokers.clone(),
        None => brokers_of(&args.client.addr).await?,
    };
    let stop = shutdown::on_signals()?;
    tokio::task::spawn_blocking(move || print_topic(&args, brokers, &stop)).await??;
    Ok(ExitCode::SUCCESS)
}

async fn brokers_of(addr: &str) -> Result<String> {
    let status = client::get(addr, "/api/status", &[]).await?;
    let brokers = status["addresses"]["kafka"].as_str();
    Ok(brokers.context("the server does not say which brokers it uses: give --brokers")?.to_owned())
}

fn print_topic(args: &AlertsArgs, brokers: String, stop: &CancellationToken) -> Result<()> {
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
    consumer.start(&from, Start::Earliest)?;
    while !stop.is_cancelled() && (args.follow || !consumer.has_read(&from, &ends)?) {
        for record in consumer.poll(POLL, 1000)? {
            print_record(&mut io::stdout().lock(), &record, args.output)?;
        }
    }
    Ok(())
}

fn print_record(out: &mut impl Write, record: &Record, output: Output) -> Result<()> {
    if output == Output::Json {
        return Ok(writeln!(out, "{}", String::from_utf8_lossy(&record.value))?);
    }
    match Alert::from_json(&record.value) {
        Ok(alert) if output == Output::Raw => writeln!(out, "{}", alert.labels)?,
        Ok(alert) => print_alert(out, &alert)?,
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
