//! Finds and reads the files.

use std::{fs, io, path::Path};

use config::{Diagnostics, Source};
use thiserror::Error;

use super::{check, default_rules, default_windows};
use crate::engine::program::Program;

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

/// Loads the files that fit `rules` (paths whose last part may hold `*`), and the windows file; what is not
/// given is the default set.
///
/// # Errors
/// When a file is missing, cannot be read, or is wrong.
pub fn load(rules: Option<&[String]>, windows: Option<&str>) -> Result<Program, LoadError> {
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
    Ok(check(&rules, Some(&windows))?)
}

/// One rule file by itself.
#[derive(Debug)]
pub struct Checked {
    /// Its path.
    pub file: String,
    /// What it holds, or all that is wrong with it.
    pub program: Result<Program, Diagnostics>,
}

/// Checks each of the rule files that fit a path whose last part may hold `*`.
///
/// # Errors
/// When there is none, or one cannot be read.
pub fn check_each(pattern: &str) -> Result<Vec<Checked>, LoadError> {
    let checked = |source: Source| Checked { file: source.name.clone(), program: check(&[source], None) };
    Ok(read_all(pattern)?.into_iter().map(checked).collect())
}

fn read_all(pattern: &str) -> Result<Vec<Source>, LoadError> {
    if !pattern.contains('*') {
        return Ok(vec![read(pattern)?]);
    }
    let (folder, name) = match pattern.rsplit_once('/') {
        Some((folder, name)) => (if folder.is_empty() { "/" } else { folder }, name),
        None => (".", pattern),
    };
    let failed = |source| LoadError::Read { path: folder.into(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if fits(name, &entry.file_name().to_string_lossy()) {
            paths.push(Path::new(folder).join(entry.file_name()).to_string_lossy().into_owned());
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(LoadError::NoFile { pattern: pattern.into() });
    }
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &str) -> Result<Source, LoadError> {
    let text = fs::read_to_string(path).map_err(|source| LoadError::Read { path: path.into(), source })?;
    Ok(Source::new(path, text))
}

/// `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            tail.char_indices().map(|(i, _)| i).chain([tail.len()]).any(|i| fits(rest, &tail[i..]))
        }),
    }
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
        let pattern = |name: &str| vec![format!("{}/{name}", folder.path().display())];
        let program = load(Some(&pattern("*.yml")), None).unwrap();
        let names: Vec<_> = program.groups.iter().map(|g| g.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(matches!(load(Some(&pattern("*.json")), None), Err(LoadError::NoFile { .. })));
        assert!(matches!(load(Some(&pattern("d.yml")), None), Err(LoadError::Read { .. })));
    }
}
