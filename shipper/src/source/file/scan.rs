//! Which files there are: patterns, and the neighbours under whose names rotated files lie.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use event::Labels;
use glob::{MatchOptions, Pattern};

use crate::{
    Error,
    config::{FileConfig, From},
    identity::FileKey,
};

/// Never text.
const COMPRESSED: [&str; 6] = ["gz", "xz", "bz2", "zst", "lz4", "zip"];
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The checked form of one entry of `files`.
pub struct Selection {
    patterns: Vec<String>,
    exclude: Vec<Pattern>,
    job: Option<String>,
    labels: Labels,
    /// Where to begin in a file that was never seen.
    pub from: From,
}

/// A file that a pattern finds.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its first path in the order of the patterns.
    pub path: PathBuf,
    /// Labels of its stream.
    pub labels: Labels,
    /// Where to begin if it is new.
    pub from: From,
}

/// A file beside another one that begins with its name: `x.log.1` beside `x.log`.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// Its path.
    pub path: PathBuf,
    /// Device and inode.
    pub key: FileKey,
    /// When it was last written to.
    pub modified: SystemTime,
    /// When it was made, where the file system knows.
    pub created: Option<SystemTime>,
}

impl Selection {
    /// # Errors
    /// When a path is no valid pattern.
    pub fn new(config: &FileConfig, host: &str) -> Result<Self, Error> {
        let pattern = |text: &String| {
            let wrong =
                |e: glob::PatternError| Error::Pattern { pattern: text.clone(), reason: e.msg.into() };
            Pattern::new(text).map_err(wrong)
        };
        for text in &config.paths {
            pattern(text)?;
        }
        let own = config.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(Selection {
            patterns: config.paths.clone(),
            exclude: config.exclude.iter().map(pattern).collect::<Result<_, _>>()?,
            job: config.job.clone(),
            labels: [("host", host)].into_iter().chain(own).collect(),
            from: config.from,
        })
    }

    /// The files that are there, each once.
    pub fn scan(&self, found: &mut BTreeMap<FileKey, Candidate>) {
        for pattern in &self.patterns {
            let paths = glob::glob_with(pattern, OPTIONS).into_iter().flatten().flatten();
            for path in paths.filter(|path| self.takes(path)) {
                let Ok(metadata) = fs::metadata(&path) else { continue };
                if metadata.is_file() {
                    let labels = self.labels_for(&path);
                    let candidate = Candidate { path, labels, from: self.from };
                    found.entry(FileKey::of(&metadata)).or_insert(candidate);
                }
            }
        }
    }

    /// The labels for a file under `path`, if it is one of this selection.
    pub fn labels_of(&self, path: &Path) -> Option<Labels> {
        let fits = |text: &String| Pattern::new(text).is_ok_and(|p| p.matches_path_with(path, OPTIONS));
        (self.patterns.iter().any(fits) && self.takes(path)).then(|| self.labels_for(path))
    }

    /// Files whose names were those of this selection before they were rotated: the path of each, and that name.
    pub fn rotated(&self) -> Vec<(PathBuf, PathBuf)> {
        let beside = self.patterns.iter().map(|pattern| format!("{pattern}[-._]*"));
        let paths =
            beside.flat_map(|pattern| glob::glob_with(&pattern, OPTIONS).into_iter().flatten().flatten());
        paths.filter_map(|path| self.name_before(&path).map(|name| (path, name))).collect()
    }

    /// `x.log` of `x.log.1` and `x.log-2026`; what is added has a digit, unlike that of a lock or a backup.
    fn name_before(&self, rotated: &Path) -> Option<PathBuf> {
        let file = rotated.file_name()?.to_str().filter(|_| !is_compressed(rotated))?;
        let ends = file.match_indices(['-', '.', '_']).map(|(at, _)| at);
        let has_digit = |at: &usize| file[*at..].bytes().any(|byte| byte.is_ascii_digit());
        let mut names = ends.filter(has_digit).map(|at| rotated.with_file_name(&file[..at]));
        names.find(|name| self.labels_of(name).is_some())
    }

    fn takes(&self, path: &Path) -> bool {
        !is_compressed(path) && !self.exclude.iter().any(|p| p.matches_path_with(path, OPTIONS))
    }

    fn labels_for(&self, path: &Path) -> Labels {
        let job = self.job.clone().unwrap_or_else(|| default_job(path));
        let job = if self.labels.get("job").is_some() {
            self.labels.clone()
        } else {
            self.labels.with("job", &job)
        };
        job.with("filename", &path.to_string_lossy())
    }
}

/// `syslog` for the system's main log, `auth` for its log of logins, else the file's stem.
fn default_job(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').find(|part| !part.is_empty()).unwrap_or("file");
    match stem {
        "syslog" | "messages" => "syslog".into(),
        "auth" | "secure" => "auth".into(),
        stem => stem.into(),
    }
}

fn is_compressed(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    COMPRESSED.contains(&extension.as_str())
}

/// The files beside `path` whose names begin with its name, oldest first.
pub fn neighbours(path: &Path) -> Vec<Neighbour> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Vec::new() };
    let name = name.to_string_lossy();
    let stem = name.strip_suffix(".log").unwrap_or(&name);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let other = entry.file_name();
        let other = other.to_string_lossy();
        let rotated = other.strip_prefix(stem).is_some_and(|rest| rest.starts_with(['.', '-', '_']));
        if !rotated || is_compressed(&entry.path()) {
            continue;
        }
        let Ok(metadata) = fs::metadata(entry.path()) else { continue };
        if let (true, Ok(modified)) = (metadata.is_file(), metadata.modified()) {
            let (key, created) = (FileKey::of(&metadata), metadata.created().ok());
            found.push(Neighbour { path: entry.path(), key, modified, created });
        }
    }
    found.sort_by_key(|n| n.modified);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_of_a_file_is_its_stem_except_for_the_system_logs() {
        let job = |path: &str| default_job(Path::new(path));
        assert_eq!(job("/var/log/messages"), "syslog");
        assert_eq!(job("/var/log/auth.log"), "auth");
        assert_eq!(job("/var/log/dpkg.log"), "dpkg");
        assert_eq!(job("/srv/.hidden"), "hidden");
    }

    #[test]
    fn finds_each_file_once_and_neither_compressed_nor_excluded_ones() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.log", "b.log", "b.log.gz", "c.txt"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        std::os::unix::fs::symlink(folder.path().join("a.log"), folder.path().join("z.log")).unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let config = FileConfig {
            paths: vec![at("*.log*"), at("a.*"), at("c.txt")],
            exclude: vec![at("c.*")],
            job: None,
            labels: [("env".to_owned(), "test".to_owned())].into(),
            from: From::End,
        };
        let mut found = BTreeMap::new();
        Selection::new(&config, "web1").unwrap().scan(&mut found);
        let mut labels: Vec<String> = found.values().map(|c| c.labels.to_string()).collect();
        labels.sort();
        let of = |name: &str| {
            format!(r#"{{env="test", filename="{}", host="web1", job="{}"}}"#, at(name), &name[..1])
        };
        assert_eq!(labels, [of("a.log"), of("b.log")]);
    }

    #[test]
    fn neighbours_are_the_rotated_forms_of_a_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["x.log", "x.log.1", "x.log-20261121", "x-1.log", "xy.log", "x.log.2.gz"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let mut names: Vec<_> = neighbours(&folder.path().join("x.log"))
            .iter()
            .map(|n| n.path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert_eq!(names, ["x-1.log", "x.log", "x.log-20261121", "x.log.1"]);
    }

    #[test]
    fn a_broken_pattern_is_named() {
        let config = FileConfig {
            paths: vec!["/var/[log".into()],
            exclude: vec![],
            job: None,
            labels: [].into(),
            from: From::End,
        };
        let error = Selection::new(&config, "web1").err().unwrap().to_string();
        assert!(error.contains("/var/[log") && error.contains("write for example"), "{error}");
    }
}
