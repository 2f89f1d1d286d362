//! Runs Prometheus' own scripts (`promql/promqltest/testdata/*.test`) over series in memory and counts what passes.
//!
//! ```sh
//! TAILRACE_TEST_PROMQLTEST=DIR cargo test -p promql --test promqltest    # DIR holds the scripts
//! ```
//! Without the variable nothing runs: the scripts are not part of this project.

mod check;
mod script;
mod series;
mod starts;
mod storage;

use std::{collections::BTreeMap, env, fs, path::Path, process::ExitCode};

use script::{Command, parse};
use storage::Memory;

fn main() -> ExitCode {
    let Ok(folder) = env::var("TAILRACE_TEST_PROMQLTEST") else {
        println!("not run: TAILRACE_TEST_PROMQLTEST does not name the folder of the scripts");
        return ExitCode::SUCCESS;
    };
    let mut failed = BTreeMap::new();
    let mut cases = 0;
    for file in scripts(Path::new(&folder)) {
        cases += run(&file, &mut failed);
    }
    println!("{} of {cases} cases pass", cases - failed.len());
    failed.iter().for_each(|(name, why)| println!("FAILED {name}: {why}"));
    if cases > 0 && failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn scripts(folder: &Path) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "test"));
    files.sort();
    files
}

/// Runs a script; counts its cases.
fn run(file: &Path, failed: &mut BTreeMap<String, String>) -> usize {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let (mut cases, before) = (0, failed.len());
    let mut storage = Memory::default();
    for (line, command) in parse(&fs::read_to_string(file).unwrap()) {
        match command {
            Command::Clear => storage = Memory::default(),
            Command::Load(load) => storage.load(load),
            Command::Eval(case) => {
                cases += 1;
                if let Err(why) = check::check(&case, &storage) {
                    failed.insert(format!("{name}:{line}"), format!("{}\n    {why}", case.query));
                }
            }
        }
    }
    let failures = failed.len() - before;
    println!("{name:<28} {:>5} passed {failures:>5} failed", cases - failures);
    cases
}
