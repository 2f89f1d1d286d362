//! Finds and reads the files.

use std::{fs, io, path::Path};

use config::{Diagnostics, Source};
use thiserror::Error;

use promql::Features;

use super::{check, check_with, default_rules, default_windows};
use crate::{Config, engine::program::Program};

/// Why there is no program.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A file or folder cannot be read.
    #[error("rule file {path}: {source}")]
    Read {
        /// Which one.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A pattern that fits no file.
    #[error("no rule file fits {pattern}: check the path, it is relative to the working directory")]
    NoFile {
        /// As it was given.
        pattern: String,
    },
    /// Errors inside the files.
    #[error("{0}")]
    Invalid(#[from] Diagnostics),
}

/// The files of a program as they were read.
#[derive(Debug, PartialEq, Eq)]
pub struct Sources {
    /// In the order of the program.
    pub rules: Vec<Source>,
    /// The windows file.
    pub windows: Source,
}

impl Sources {
    /// Reads the files that fit `rules` (paths in which any part may hold `*`), and the windows file; what is not
    /// given is the default set.
    ///
    /// # Errors
    /// When a file is missing or cannot be read.
    pub fn read(rules: Option<&[String]>, windows: Option<&str>) -> Result<Self, LoadError> {
        let rules = match rules {
            None => default_rules(),
            Some(patterns) => {
                let mut sources = Vec::new();
                for pattern in patterns {
                    sources.extend(read_all(pattern)?);
                }
                sources
            }
        };
        let windows = windows.map_or_else(|| Ok(default_windows()), read)?;
        Ok(Sources { rules, windows })
    }

    /// What the files hold; expressions may use these features of PromQL.
    ///
    /// # Errors
    /// All errors of all files.
    pub fn check(&self, features: Features) -> Result<Program, Diagnostics> {
        check_with(&self.rules, Some(&self.windows), features)
    }
}

/// Reads the files that the configuration names, and checks them.
///
/// # Errors
/// As [`Sources::read`] and [`Sources::check`].
pub fn load(config: &Config) -> Result<Program, LoadError> {
    let sources = Sources::read(config.rules.as_deref(), config.windows.as_deref())?;
    Ok(sources.check(config.features)?)
}

/// Loads rule files alone, without windows.
///
/// # Errors
/// As [`load`].
pub fn load_files(patterns: &[String]) -> Result<Program, LoadError> {
    let mut sources = Vec::new();
    for pattern in patterns {
        sources.extend(read_all(pattern)?);
    }
    Ok(check(&sources, None)?)
}

/// The files that fit a path in which any part may hold `*`, `?` and `[…]`, in the order of their names.
///
/// # Errors
/// When there is none, or one cannot be read.
pub fn read_all(pattern: &str) -> Result<Vec<Source>, LoadError> {
    if Path::new(pattern).is_file() || !pattern.contains(['*', '?', '[']) {
        return Ok(vec![read(pattern)?]);
    }
    let no_file = || LoadError::NoFile { pattern: pattern.into() };
    let paths = glob::glob(pattern).map_err(|_| no_file())?;
    let paths: Vec<_> = paths.filter_map(Result::ok).filter(|path| path.is_file()).collect();
    if paths.is_empty() {
        return Err(no_file());
    }
    paths.iter().map(|path| read(&path.to_string_lossy())).collect()
}

fn read(path: &str) -> Result<Source, LoadError> {
    let text = fs::read_to_string(path).map_err(|source| LoadError::Read { path: path.into(), source })?;
    Ok(Source::new(path, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_pattern_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yml", "a.yml", "c.txt"] {
            let text = format!("groups: [{{name: {}, rules: []}}]", &name[..1]);
            fs::write(folder.path().join(name), text).unwrap();
        }
        let load = |name: &str| load_files(&[format!("{}/{name}", folder.path().display())]);
        let program = load("*.yml").unwrap();
        let names: Vec<_> = program.groups.iter().map(|g| g.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(matches!(load("*.json"), Err(LoadError::NoFile { .. })));
        assert!(matches!(load("d.yml"), Err(LoadError::Read { .. })));
    }
}
