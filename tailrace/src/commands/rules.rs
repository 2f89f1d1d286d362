//! `tailrace rules list`: what is in force, one line a rule.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;
use stream_processor::rules::{self, Listed};

use crate::{
    args::{Output, RulesArgs, RulesCommand},
    settings::Settings,
};

/// Prints the built-in set, or what a configuration names.
pub fn run(args: RulesArgs) -> Result<ExitCode> {
    let RulesCommand::List { config, output } = args.command;
    let settings = Settings::load(config.as_deref(), &[])?;
    let processor = &settings.processor;
    let program = rules::load(processor.rules.as_deref(), processor.windows.as_deref())?;
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
