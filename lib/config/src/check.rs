//! Values that can be read, and still cannot work: each with its key, so that the file's line can be shown.

use std::{fmt, ops::Range};

use crate::{
    Diagnostic, Source,
    yaml::{self, Content, Node},
};

/// A section that knows what its values have to keep to.
pub trait Check {
    /// Notes every value that cannot work.
    fn check(&self, problems: &mut Problems);
}

/// What is wrong, by the keys that lead there.
#[derive(Debug, Default)]
pub struct Problems {
    within: Vec<String>,
    found: Vec<Problem>,
}

#[derive(Debug)]
struct Problem {
    path: Vec<String>,
    message: String,
    remedy: String,
}

impl Problems {
    /// Those of a whole configuration.
    pub fn of(settings: &impl Check) -> Self {
        let mut problems = Problems::default();
        settings.check(&mut problems);
        problems
    }

    /// Notes those of the section under `key`; items of a list have their number, from 0.
    pub fn section(&mut self, key: impl ToString, section: &impl Check) {
        self.within(key, |problems| section.check(problems));
    }

    /// Those of the items of the list under `key`.
    pub fn items<T: Check>(&mut self, key: &str, items: &[T]) {
        self.within(key, |problems| {
            items.iter().enumerate().for_each(|(number, item)| problems.section(number, item));
        });
    }

    /// Notes what `note` does below `key`.
    pub fn within(&mut self, key: impl ToString, note: impl FnOnce(&mut Self)) {
        self.within.push(key.to_string());
        note(self);
        self.within.pop();
    }

    /// `reason` continues a sentence that begins with the key: `is 0`.
    pub fn add(&mut self, key: impl ToString, reason: impl fmt::Display, remedy: impl Into<String>) {
        let mut path = self.within.clone();
        path.push(key.to_string());
        let message = format!("`{}` {reason}", path.join("."));
        self.found.push(Problem { path, message, remedy: remedy.into() });
    }

    /// Notes it unless `holds`.
    pub fn require(&mut self, holds: bool, key: &str, reason: impl fmt::Display, remedy: &str) {
        if !holds {
            self.add(key, reason, remedy);
        }
    }

    /// Where they are: in the last override that gives the value, else in the file.
    pub(crate) fn locate(&self, source: &Source, overrides: &[String]) -> Vec<Diagnostic> {
        // What is not YAML has been told already.
        let root = yaml::parse(source).ok();
        let place = |problem: &Problem| {
            let path = problem.path.join(".");
            let given = overrides.iter().rev().find(|given| gives(given, &path));
            let found = match given {
                Some(given) => in_override(given, &problem.message),
                None => {
                    let node = root.as_ref().map_or(0..0, |root| span(root, &problem.path));
                    source.diagnostic(node.start, &problem.message)
                }
            };
            found.with_remedy(&problem.remedy)
        };
        self.found.iter().map(place).collect()
    }
}

/// An error in the value of `--set KEY=VALUE`.
pub(crate) fn in_override(given: &str, message: &str) -> Diagnostic {
    let column = given.find('=').map_or(1, |at| given[..at].chars().count() + 2);
    Diagnostic::at("--set", given, 1, column, message)
}

/// Whether an override sets the value at `path`, or a part of it, or what it is a part of.
fn gives(given: &str, path: &str) -> bool {
    let key = given.split('=').next().unwrap_or_default();
    let below = |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with('.'));
    key == path || below(key, path) || below(path, key)
}

/// The place of the value at `path`; of the nearest one around it where there is none.
fn span(root: &Node, path: &[String]) -> Range<usize> {
    let mut at = root;
    for key in path {
        let next = match &at.content {
            Content::Map(entries) => entries.iter().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v),
            Content::List(items) => key.parse().ok().and_then(|number: usize| items.get(number)),
            _ => None,
        };
        let Some(next) = next else { break };
        at = next;
    }
    at.span.clone()
}
