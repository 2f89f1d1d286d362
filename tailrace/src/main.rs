//! `tailrace`: one binary, a command for each service and for each thing that people do with them.

// `stdout::outln` and `stderr::errln` know what to do when nobody reads.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod addresses;
mod alert_topic;
mod args;
mod commands;
mod http;
mod listen;
mod log;
mod patience;
mod rules_api;
mod settings;
mod shutdown;
mod start;
mod status;
mod stderr;
mod stdout;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    args::{Args, Command},
    stderr::errln,
};

/// With the settings in `.cargo/config.toml`: a fifth less CPU and a third less memory than the C library's when much
/// is taken in.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    log::init(args.verbose);
    // The first choice of the process stays: nothing has been chosen yet.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let result = runtime.block_on(run(args.command));
    // Threads that still wait for a broker must not hold up the end.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| match error.downcast::<clap::Error>() {
        Ok(usage) => usage.exit(),
        Err(error) => fail(&error),
    })
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    use commands::{alerts, config, import, index, logs, query, rules, serve, up};
    match command {
        Command::Up(args) => up::run(args).await,
        Command::Ship(args) => serve::ship(args).await,
        Command::Process(args) => serve::process(args).await,
        Command::Index(args) => match args.command {
            Some(command) => index::run(command),
            None => serve::index(args.service).await,
        },
        Command::Broker(args) => serve::broker(args).await,
        Command::Config(args) => config::run(args),
        Command::Rules(args) => rules::run(args).await,
        Command::Logs(args) => logs::run(args).await,
        Command::Import(args) => import::run(args).await,
        Command::Query(args) => query::run(args).await,
        Command::Alerts(args) => alerts::run(args).await,
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    errln!("{}", headed(&explain(error)));
    ExitCode::FAILURE
}

/// What is wrong in a file says itself that it is an error.
fn headed(said: &str) -> String {
    if said.starts_with("error: ") { said.into() } else { format!("error: {said}") }
}

/// The error and its causes; a cause that its error quotes already is not said twice.
fn explain(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| match cause.to_string() {
        cause if said.contains(&cause) => said,
        cause if said.is_empty() => cause,
        cause => format!("{said}: {cause}"),
    })
}
