//! `tailrace rules test`: runs unit tests of rules, and tells of them as promtool does.

use std::{
    io::{IsTerminal, stderr},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, Result};
use regex::Regex;
use stream_processor::{
    engine::program::Program,
    unit_test::{self, Loaded, Options, Test, TestFile},
};

use super::junit::{self, Case, Suite};
use crate::{args::TestArgs, stderr::errln, stdout::outln};

/// Exit code 1 when a test fails.
pub fn run(args: &TestArgs) -> Result<ExitCode> {
    let runner = Runner::new(args)?;
    let mut suites = Vec::new();
    for file in &args.files {
        outln!("Processing test file: {file}");
        let suite = Suite::new(file, runner.run(file));
        runner.tell(&suite);
        suites.push(suite);
    }
    let passed = suites.iter().all(|suite| suite.problems().next().is_none());
    if let Some(path) = &args.junit {
        let xml = junit::to_xml(suites)?;
        std::fs::write(path, xml).with_context(|| format!("--junit {}", path.display()))?;
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Runner {
    /// Only tests whose name fits.
    names: Option<Regex>,
    options: Options,
    colored: bool,
}

impl Runner {
    fn new(args: &TestArgs) -> Result<Self> {
        let names = (!args.run.is_empty()).then(|| args.run.join("|"));
        let names = names.map(|names| Regex::new(&names)).transpose().context("--run")?;
        let options = Options {
            features: args.features.features()?,
            ignore_unknown_fields: args.ignore_unknown_fields,
            diff: args.diff,
            data: args.debug,
        };
        let colored = args.diff && stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Ok(Runner { names, options, colored })
    }

    fn run(&self, path: &str) -> Vec<Case> {
        let Loaded { file, program, missing } = match unit_test::load(path, &self.options) {
            Ok(loaded) => loaded,
            Err(error) => return vec![Case::aborted(path, &error.to_string())],
        };
        missing.iter().for_each(|pattern| errln!("  WARNING: no file match pattern {pattern}"));
        let numbered = file.tests.iter().zip(0..);
        let tests = numbered.filter(|(test, _)| self.names.as_ref().is_none_or(|n| n.is_match(&test.name)));
        match program.map(Arc::new) {
            Ok(program) => tests.map(|(test, number)| self.run_one(&file, test, number, &program)).collect(),
            // Without a test nobody asks for the rules.
            Err(problems) => tests.take(1).map(|_| Case::aborted(path, &problems.to_string())).collect(),
        }
    }

    fn run_one(&self, file: &TestFile, test: &Test, number: usize, program: &Arc<Program>) -> Case {
        let name = if test.name.is_empty() { format!("unnamed#{number}") } else { test.name.clone() };
        let began = Instant::now();
        let report = unit_test::run(file, test, program, &self.options);
        if self.options.data {
            outln!("DEBUG: Test {name} took {:?}, all data at its end:\n{}", began.elapsed(), report.data);
        }
        Case::new(&name, report.failures)
    }

    fn tell(&self, suite: &Suite) {
        match suite.problems().collect::<Vec<_>>().as_slice() {
            [] => outln!("  SUCCESS"),
            problems => {
                errln!("  FAILED:");
                problems.iter().for_each(|problem| errln!("{}\n", self.painted(problem)));
            }
        }
        outln!("");
    }

    /// What is expected and not there is red, what is there and not expected is green.
    fn painted(&self, problem: &str) -> String {
        let paint = |line: &str| match line.trim_start().chars().next() {
            Some('-') if self.colored => format!("\x1b[31m{line}\x1b[0m"),
            Some('+') if self.colored => format!("\x1b[32m{line}\x1b[0m"),
            _ => line.to_owned(),
        };
        problem.split('\n').map(paint).collect::<Vec<_>>().join("\n")
    }
}
