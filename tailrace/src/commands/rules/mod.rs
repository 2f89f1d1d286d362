//! `tailrace rules`: a file for each of its commands that is more than a few lines.

mod backfill;
mod history;
mod replay;
mod test;

use std::{collections::BTreeSet, path::Path, process::ExitCode};

use anyhow::{Result, anyhow};
use promql::Features;
use serde_json::json;
use stream_processor::rules::{self, Checked, Listed};

use crate::{
    args::{FeatureArgs, Output, RulesArgs, RulesCommand},
    commands::client,
    settings::Settings,
};

/// Exit code 1 when a checked file is wrong.
pub async fn run(args: RulesArgs) -> Result<ExitCode> {
    match args.command {
        RulesCommand::Check { files, addr, features } => {
            check(&files, addr.as_deref(), features.features()?).await
        }
        RulesCommand::Test { files, run, features } => test::run(&files, &run, features.features()?),
        RulesCommand::Eval { files, at, settle, history } => {
            replay::eval(&files, &at, &settle, &history).await
        }
        RulesCommand::Diff { old, new, span, history } => replay::diff(&old, &new, &span, &history).await,
        RulesCommand::Backfill(args) => backfill::run(&args).await,
        RulesCommand::List { config, output } => list(config.as_deref(), output),
    }
}

impl FeatureArgs {
    fn features(&self) -> Result<Features> {
        match self.enable_feature.as_slice() {
            [] => Ok(Features::default()),
            names => Features::named(names.iter().map(String::as_str))
                .map_err(|message| anyhow!("--enable-feature: {message}")),
        }
    }
}

/// Says of each file how many rules it holds, or what is wrong with it; with the address of a server, also what metrics
/// it does not have.
async fn check(patterns: &[String], addr: Option<&str>, features: Features) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    let known = match addr {
        None => None,
        Some(addr) => Some(metrics(addr).await?),
    };
    for pattern in patterns {
        for Checked { file, program } in rules::check_each(pattern, features)? {
            match program {
                Ok(program) => {
                    let unknown = known.as_ref().map(|known| rules::unknown_metrics(&program, known));
                    let warnings = program.warnings.iter().chain(unknown.iter().flatten());
                    warnings.for_each(|warning| eprintln!("warning: {warning}\n"));
                    println!("{file}: {} rules", program.rules().count());
                }
                Err(problems) => {
                    code = ExitCode::FAILURE;
                    eprintln!("{problems}\n");
                }
            }
        }
    }
    Ok(code)
}

/// The names of all series.
async fn metrics(addr: &str) -> Result<BTreeSet<String>> {
    let answer = client::get(addr, "/api/v1/label/__name__/values", &[]).await?;
    Ok(serde_json::from_value(answer["data"].clone())?)
}

/// Prints the built-in set, or what a configuration names.
fn list(config: Option<&Path>, output: Output) -> Result<ExitCode> {
    let settings = Settings::load(config, &[])?;
    let program = rules::load(&settings.processor)?;
    rules::list(&program).iter().for_each(|rule| print(rule, output));
    Ok(ExitCode::SUCCESS)
}

fn print(rule: &Listed, output: Output) {
    let Listed { group, name, kind, expr, duration, file } = rule;
    let duration = duration.map(|d| d.to_string());
    match output {
        Output::Raw => println!("{name}"),
        Output::Json => {
            let rule = json!({"group": group, "name": name, "kind": kind, "expr": expr, "for": duration, "file": file});
            println!("{rule}");
        }
        Output::Default => {
            let duration = duration.map(|d| format!(" for {d}")).unwrap_or_default();
            println!("{kind:<7} {group:<10} {name}{duration}: {expr} ({file})");
        }
    }
}
