//! The rules in force, and how others take their place: all files are read and checked first, so that a bad one
//! changes nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use config::Diagnostics;
use jiff::Timestamp;
use parking_lot::Mutex;
use promql::Features;

use crate::{
    Config,
    engine::program::Program,
    rules::{LoadError, Sources, duplicates},
    shards::split,
    telemetry,
};

/// Rules, and the files from which they come.
pub struct InForce {
    rules: Option<Vec<String>>,
    windows: Option<String>,
    features: Features,
    shards: usize,
    /// How often the files are looked at for changes; zero: never.
    every: Duration,
    state: Mutex<State>,
}

struct State {
    /// One for each shard.
    programs: Vec<Arc<Program>>,
    /// Of the programs.
    sources: Sources,
    /// Files that were found wrong, so that each error is told once.
    refused: Option<Sources>,
    /// Why files could not be read at the last look, likewise.
    unread: Option<String>,
    looked: Instant,
}

/// What reading the files again came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// Other rules are in force now.
    Changed,
    /// The files are as they were.
    Unchanged,
}

impl InForce {
    /// Reads the files that the configuration names.
    ///
    /// # Errors
    /// When one is missing or wrong.
    pub fn load(config: &Config) -> Result<Self, LoadError> {
        let sources = Sources::read(config.rules.as_deref(), config.windows.as_deref())?;
        let programs = programs(&sources, config.features, config.shards.get())?;
        note(true);
        let state = State { programs, sources, refused: None, unread: None, looked: Instant::now() };
        let (rules, windows) = (config.rules.clone(), config.windows.clone());
        let (features, shards, every) = (config.features, config.shards.get(), config.reload_every.0);
        Ok(InForce { rules, windows, features, shards, every, state: Mutex::new(state) })
    }

    /// The rules of a shard as of now.
    pub fn program(&self, shard: usize) -> Arc<Program> {
        self.state.lock().programs[shard].clone()
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// When one is missing or wrong; the rules stay as they were then.
    pub fn reload(&self) -> Result<Reloaded, LoadError> {
        let mut state = self.state.lock();
        (state.refused, state.unread) = (None, None);
        drop(state);
        self.take_in()
    }

    /// Reads the files again when it is time to.
    pub fn reload_if_due(&self) {
        let due = !self.every.is_zero() && self.state.lock().looked.elapsed() >= self.every;
        if due {
            // The error is in the log.
            let _ = self.take_in();
        }
    }

    fn take_in(&self) -> Result<Reloaded, LoadError> {
        let read = Sources::read(self.rules.as_deref(), self.windows.as_deref());
        let mut state = self.state.lock();
        state.looked = Instant::now();
        let unread = read.as_ref().err().map(ToString::to_string);
        let is_known = unread.is_some() && state.unread == unread;
        state.unread = unread;
        let taken = match read {
            Err(_) if is_known => Ok(Reloaded::Unchanged),
            read => read.and_then(|sources| state.take_in(sources, self.features, self.shards)),
        };
        note(taken.is_ok() && state.refused.is_none() && state.unread.is_none());
        match &taken {
            Ok(Reloaded::Changed) => {
                let rules: usize = state.programs.iter().map(|program| program.rules().count()).sum();
                tracing::info!(rules, "new rules are in force")
            }
            Ok(Reloaded::Unchanged) => {}
            Err(error) => {
                tracing::error!(%error, "rule files are wrong, the rules from before stay in force")
            }
        }
        taken
    }
}

impl State {
    fn take_in(
        &mut self,
        sources: Sources,
        features: Features,
        shards: usize,
    ) -> Result<Reloaded, LoadError> {
        if self.refused.as_ref() == Some(&sources) {
            return Ok(Reloaded::Unchanged);
        }
        if sources == self.sources {
            self.refused = None;
            return Ok(Reloaded::Unchanged);
        }
        match programs(&sources, features, shards) {
            Ok(programs) => {
                (self.programs, self.sources, self.refused) = (programs, sources, None);
                Ok(Reloaded::Changed)
            }
            Err(problems) => {
                self.refused = Some(sources);
                Err(problems.into())
            }
        }
    }
}

fn programs(sources: &Sources, features: Features, shards: usize) -> Result<Vec<Arc<Program>>, Diagnostics> {
    let program = sources.check(features)?;
    let duplicates = duplicates(&program);
    program.warnings.iter().chain(&duplicates).for_each(|warning| tracing::warn!("{warning}"));
    Ok(split(program, shards).into_iter().map(Arc::new).collect())
}

fn note(successful: bool) {
    telemetry::LAST_RELOAD_SUCCESSFUL.set(i64::from(successful));
    if successful {
        telemetry::LAST_RELOAD_SUCCESS.set(Timestamp::now().as_second());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(rules: &InForce) -> Vec<String> {
        rules.program(0).rules().map(|(_, rule)| rule.name.clone()).collect()
    }

    #[test]
    fn a_bad_file_changes_nothing_and_a_good_one_all_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let group = |name: &str, expr: &str| {
            format!("groups: [{{name: g, rules: [{{alert: {name}, expr: \"{expr}\"}}]}}]")
        };
        fs::write(path("a.yml"), group("A", "up == 0")).unwrap();
        let pattern = format!("{}/*.yml", folder.path().display());
        let rules = InForce::load(&Config { rules: Some(vec![pattern]), ..Config::default() }).unwrap();
        let before = rules.program(0);
        assert_eq!(rules.reload().unwrap(), Reloaded::Unchanged);

        fs::write(path("a.yml"), group("A2", "up == 0")).unwrap();
        fs::write(path("b.yml"), group("B", "up ==")).unwrap();
        let error = rules.reload().unwrap_err().to_string();
        assert!(error.contains("b.yml:1") && Arc::ptr_eq(&before, &rules.program(0)), "{error}");
        // Asked again it is told again; looking at it again tells nothing new.
        assert!(rules.reload().is_err() && rules.take_in().is_ok());

        fs::write(path("b.yml"), group("B", "up == 1")).unwrap();
        assert_eq!(rules.reload().unwrap(), Reloaded::Changed);
        assert_eq!(names(&rules), ["A2", "B"]);
        fs::remove_file(path("b.yml")).unwrap();
        assert_eq!(rules.reload().unwrap(), Reloaded::Changed);
        assert_eq!(names(&rules), ["A2"]);
    }

    #[test]
    fn a_missing_file_is_told_once_and_again_when_something_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yml");
        let empty = "groups: []";
        fs::write(&file, empty).unwrap();
        let files = Some(vec![file.to_str().unwrap().to_owned()]);
        let rules = InForce::load(&Config { rules: files, ..Config::default() }).unwrap();
        fs::remove_file(&file).unwrap();
        assert!(rules.take_in().is_err());
        assert_eq!(rules.take_in().unwrap(), Reloaded::Unchanged);
        assert!(rules.reload().is_err(), "asked for, it is told");
        fs::create_dir(&file).unwrap();
        assert!(rules.take_in().is_err(), "the error is another one");
        fs::remove_dir(&file).unwrap();
        fs::write(&file, empty).unwrap();
        assert_eq!(rules.take_in().unwrap(), Reloaded::Unchanged);
        fs::remove_file(&file).unwrap();
        assert!(rules.take_in().is_err(), "it was there in between");
    }
}
