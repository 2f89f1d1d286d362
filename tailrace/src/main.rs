//! `tailrace`: one binary, a command for each service and for each thing that people do with them.

mod addresses;
mod args;
mod commands;
mod http;
mod listen;
mod settings;
mod shutdown;
mod start;
mod status;

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    init_log(args.verbose);
    // The first choice of the process stays: nothing has been chosen yet.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let result = runtime.block_on(run(args.command));
    // Threads that still wait for a broker must not hold up the end.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| fail(&error))
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    use commands::{alerts, config, logs, query, rules, serve, up};
    match command {
        Command::Up(args) => up::run(args).await,
        Command::Ship(args) => serve::ship(args).await,
        Command::Process(args) => serve::process(args).await,
        Command::Index(args) => serve::index(args).await,
        Command::Broker(args) => serve::broker(args).await,
        Command::Config(args) => config::run(args),
        Command::Rules(args) => rules::run(args),
        Command::Logs(args) => logs::run(args).await,
        Command::Query(args) => query::run(args).await,
        Command::Alerts(args) => alerts::run(args).await,
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {}", explain(error));
    ExitCode::FAILURE
}

/// The error and its causes; a cause that its error quotes already is not said twice.
fn explain(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| match cause.to_string() {
        cause if said.contains(&cause) => said,
        cause if said.is_empty() => cause,
        cause => format!("{said}: {cause}"),
    })
}

/// Warnings by default; `-v` shows more, `RUST_LOG` decides in detail.
fn init_log(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    let level = ["warn", "info", "debug", "trace"][usize::from(verbose.min(3))];
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    log.with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr).init();
}
