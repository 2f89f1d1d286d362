//! A map whose keys are known.

use std::{fmt, ops::Range};

use super::{Content, Node, Source};
use crate::{Diagnostic, Diagnostics, load::nearest};

/// Reads a map whose keys are known, and notes what is wrong with it.
pub struct Fields<'a, 'p> {
    source: &'a Source,
    span: Range<usize>,
    entries: Vec<(&'a Node, &'a Node)>,
    problems: &'p mut Diagnostics,
}

impl<'a, 'p> Fields<'a, 'p> {
    /// Notes an error for every key that is not `known`, unless the source allows them, and for a node that is no map.
    pub fn new(node: &'a Node, source: &'a Source, known: &[&str], problems: &'p mut Diagnostics) -> Self {
        let entries = match &node.content {
            Content::Map(entries) => entries.iter().map(|(k, v)| (k, v)).collect(),
            _ => {
                let keys = known.join("`, `");
                let message = format!("expected a map, found {}", node.kind());
                let found = source.diagnostic(node.span.start, message);
                problems.0.push(found.with_remedy(format!("it may have the keys `{keys}`")));
                Vec::new()
            }
        };
        let is_known = |key: &Node| key.text().is_some_and(|name| known.contains(&name));
        if !source.allows_unknown_keys {
            let unknown = entries.iter().filter(|(key, _)| !is_known(key));
            problems.0.extend(unknown.map(|(key, _)| unknown_key(source, key, known)));
        }
        Fields { source, span: node.span.clone(), entries, problems }
    }

    /// The value of `key`, if it is there.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        let found = self.entries.iter().find(|(k, _)| k.text() == Some(key));
        found.map(|(_, value)| *value).filter(|v| !matches!(v.content, Content::Null))
    }

    /// The key itself, for errors that are about it.
    pub fn key(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(k, _)| k.text() == Some(key)).map(|(k, _)| *k)
    }

    /// The value of `key`; notes an error if it is not there.
    pub fn require(&mut self, key: &str, example: &str) -> Option<&'a Node> {
        let found = self.get(key);
        if found.is_none() && matches!(self.entries.as_slice(), [_, ..]) {
            let place = self.key(key).or(self.entries.first().map(|(k, _)| *k));
            let offset = place.map_or(self.span.start, |k| k.span.start);
            self.problem(offset, format!("`{key}` is missing"), format!("add it, for example `{example}`"));
        }
        found
    }

    /// The text of `key`; notes an error if it is something else.
    pub fn text(&mut self, key: &str) -> Option<&'a str> {
        let node = self.get(key)?;
        let text = node.text();
        if text.is_none() {
            let message = format!("`{key}` is {}, expected text", node.kind());
            self.problem(node.span.start, message, "write one value behind the colon");
        }
        text
    }

    /// The value of `key`, parsed; notes an error if that fails.
    pub fn parse<T>(&mut self, key: &str, example: &str) -> Option<T>
    where
        T: std::str::FromStr<Err: fmt::Display>,
    {
        let text = self.text(key)?;
        let offset = self.get(key).map_or(0, |n| n.span.start);
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let remedy = format!("write for example `{key}: {example}`");
                self.problem(offset, format!("`{key}`: {error}"), remedy);
                None
            }
        }
    }

    /// The items of the list under `key`; notes an error if it is something else.
    pub fn list(&mut self, key: &str) -> &'a [Node] {
        match self.get(key) {
            None => &[],
            Some(Node { content: Content::List(items), .. }) => items,
            Some(other) => {
                let message = format!("`{key}` is {}, expected a list", other.kind());
                self.problem(other.span.start, message, "begin each item with `- `");
                &[]
            }
        }
    }

    /// Name, value text and value node of each entry of the map under `key`; notes an error for anything else.
    pub fn texts(&mut self, key: &str) -> Vec<(&'a Node, &'a str, &'a Node)> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let Content::Map(entries) = &node.content else {
            let message = format!("`{key}` is {}, expected a map", node.kind());
            self.problem(node.span.start, message, "write `name: value` lines below it");
            return Vec::new();
        };
        let mut all = Vec::new();
        for (name, value) in entries {
            match &value.content {
                Content::Scalar(text) => all.push((name, text.as_str(), value)),
                Content::Null => all.push((name, "", value)),
                _ => {
                    let message = format!("this is {}, expected text", value.kind());
                    self.problem(value.span.start, message, "put it into quotes if it is meant as text");
                }
            }
        }
        all
    }

    /// Notes an error.
    pub fn problem(&mut self, offset: usize, message: impl Into<String>, remedy: impl Into<String>) {
        self.problems.0.push(self.source.diagnostic(offset, message).with_remedy(remedy));
    }
}

fn unknown_key(source: &Source, key: &Node, known: &[&str]) -> Diagnostic {
    let name = key.text().unwrap_or_default();
    let found = source.diagnostic(key.span.start, format!("unknown key `{name}`"));
    match nearest(name, known) {
        Some(near) => found.with_remedy(format!("did you mean `{near}`?")),
        None => found.with_remedy(format!("known here: `{}`", known.join("`, `"))),
    }
}
