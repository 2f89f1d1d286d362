//! Test files and the rule files that they name, from disk.

use std::{fs, io::ErrorKind, path::Path};

use config::{Diagnostics, Source};

use super::{Options, file::TestFile, read};
use crate::{
    engine::program::Program,
    rules::{self, LoadError},
};

/// A test file with its rules.
#[derive(Debug)]
pub struct Loaded {
    /// What to test.
    pub file: TestFile,
    /// The rules in the order in which they are evaluated, or what is wrong with them.
    pub program: Result<Program, Diagnostics>,
    /// Patterns that fit no file.
    pub missing: Vec<String>,
}

/// Reads a test file, and the rule files that it names relative to its own folder.
///
/// # Errors
/// When a file cannot be read, or the test file is wrong.
pub fn load(path: &str, options: &Options) -> Result<Loaded, LoadError> {
    let text = fs::read_to_string(path).map_err(|source| LoadError::Read { path: path.into(), source })?;
    let file = read::parse(&options.applied_to(Source::new(path, text)))?;
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let (mut sources, mut missing) = (Vec::new(), Vec::new());
    for pattern in &file.rule_files {
        let pattern = folder.join(pattern).to_string_lossy().into_owned();
        match rules::read_all(&pattern) {
            Ok(found) => sources.extend(found.into_iter().map(|source| options.applied_to(source))),
            Err(LoadError::NoFile { pattern }) => missing.push(pattern),
            Err(LoadError::Read { path, source }) if source.kind() == ErrorKind::NotFound => {
                missing.push(path)
            }
            Err(error) => return Err(error),
        }
    }
    let program = rules::check_with(&sources, None, options.features);
    let program = program.map(|program| ordered(program, &file.group_eval_order));
    Ok(Loaded { file, program, missing })
}

impl Options {
    fn applied_to(&self, source: Source) -> Source {
        Source { allows_unknown_keys: self.ignore_unknown_fields, ..source }
    }
}

/// Groups that the order does not name come first, together with the one that it names first.
fn ordered(mut program: Program, order: &[String]) -> Program {
    program.groups.sort_by_key(|group| order.iter().position(|name| *name == group.name).unwrap_or(0));
    program
}
