//! `tailrace rules test`: runs unit tests of rules, and tells of them as promtool does.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context, Result};
use promql::Features;
use regex::Regex;
use stream_processor::unit_test;

/// Exit code 1 when a test fails. `names`: only tests whose name fits one of these regular expressions.
pub fn run(files: &[String], names: &[String], features: Features) -> Result<ExitCode> {
    let names = (!names.is_empty()).then(|| names.join("|"));
    let names = names.map(|names| Regex::new(&names)).transpose().context("--run")?;
    let mut code = ExitCode::SUCCESS;
    for file in files {
        println!("Processing test file: {file}");
        match failures(file, names.as_ref(), features) {
            failures if failures.is_empty() => println!("  SUCCESS"),
            failures => {
                code = ExitCode::FAILURE;
                eprintln!("  FAILED:");
                failures.iter().for_each(|failure| eprintln!("{failure}\n"));
            }
        }
        println!();
    }
    Ok(code)
}

fn failures(file: &str, names: Option<&Regex>, features: Features) -> Vec<String> {
    let loaded = match unit_test::load(file, features) {
        Ok(loaded) => loaded,
        Err(error) => return vec![error.to_string()],
    };
    loaded.missing.iter().for_each(|pattern| eprintln!("  WARNING: no file match pattern {pattern}"));
    let tests = loaded.file.tests.iter().filter(|test| names.is_none_or(|names| names.is_match(&test.name)));
    match loaded.program.map(Arc::new) {
        Ok(program) => tests.flat_map(|test| unit_test::run(&loaded.file, test, &program).failures).collect(),
        // Without a test nobody asks for the rules.
        Err(problems) => tests.take(1).map(|_| problems.to_string()).collect(),
    }
}
