//! `tailrace rules`: a file for each of its commands that is more than a few lines.

mod backfill;
mod check;
mod history;
mod junit;
mod replay;
mod test;

use std::{path::Path, process::ExitCode};

use anyhow::{Result, anyhow};
use promql::Features;
use serde_json::json;
use stream_processor::rules::{self, Listed};

use crate::{
    args::{FeatureArgs, Output, RulesArgs, RulesCommand},
    settings::Settings,
    stdout::outln,
};

/// Exit code 1 when a checked file is wrong or a test fails.
pub async fn run(args: RulesArgs) -> Result<ExitCode> {
    match args.command {
        RulesCommand::Check(args) => check::run(&args).await,
        RulesCommand::Test(args) => test::run(&args),
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
        Output::Raw => outln!("{name}"),
        Output::Json => {
            let rule = json!({"group": group, "name": name, "kind": kind, "expr": expr, "for": duration, "file": file});
            outln!("{rule}");
        }
        Output::Default => {
            let duration = duration.map(|d| format!(" for {d}")).unwrap_or_default();
            outln!("{kind:<7} {group:<10} {name}{duration}: {expr} ({file})");
        }
    }
}
