//! An entry on its way through a pipeline: its line, and its labels by where they come from.

use std::borrow::Cow;

use event::Labels;

use crate::{EntryRef, LabelSet};

/// The label that names the error of an entry.
pub const ERROR: &str = "__error__";
/// The label that explains it.
pub const ERROR_DETAILS: &str = "__error_details__";
/// With this label an entry with an error is counted all the same.
pub const PRESERVE_ERROR: &str = "__preserve_error__";

/// Most labels that stages may add to an entry: finding one takes as long as there are labels.
pub const MAX_LABELS: usize = 1000;
const LIMIT_ERROR: &str = "LabelLimitErr";

/// Where a label comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The stream.
    Stream,
    /// Structured metadata.
    Metadata,
    /// A stage.
    Parsed,
}

/// What went wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// For example `JSONParserErr`.
    pub kind: String,
    /// In words.
    pub details: String,
}

/// An entry and its labels.
#[derive(Debug)]
pub struct Row<'a> {
    /// Nanoseconds since 1970.
    pub timestamp_ns: i64,
    /// As the stages so far have left it.
    pub line: Cow<'a, [u8]>,
    /// Set by the first stage that failed.
    pub error: Option<RowError>,
    stream: &'a Labels,
    /// The names that anyone looks at; `None`: all.
    wanted: Option<&'a [String]>,
    /// Labels that the stream does not have, or that hide one of the stream's.
    added: Vec<(Origin, String, String)>,
    /// Names of the stream's labels that are gone.
    deleted: Vec<String>,
}

impl<'a> Row<'a> {
    /// The entry before the first stage.
    pub fn new(stream: &'a Labels, entry: EntryRef<'a>) -> Self {
        let mut row = Row {
            timestamp_ns: entry.timestamp_ns,
            line: Cow::Borrowed(entry.line),
            error: None,
            stream,
            wanted: None,
            added: Vec::new(),
            deleted: Vec::new(),
        };
        for (name, value) in entry.metadata {
            match stream.get(name) {
                Some(_) => row.set(Origin::Metadata, &format!("{name}_extracted"), value),
                None => row.set(Origin::Metadata, name, value),
            }
        }
        row
    }

    /// Lets parsers leave out labels of other names.
    pub fn only(mut self, wanted: Option<&'a [String]>) -> Self {
        self.wanted = wanted;
        self
    }

    /// The line as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.line)
    }

    /// The value of a label. The names of errors mean the error of a stage, whatever the line holds.
    pub fn get(&self, name: &str) -> Option<&str> {
        match name {
            ERROR => self.error.as_ref().map(|e| e.kind.as_str()),
            ERROR_DETAILS => self.error.as_ref().map(|e| e.details.as_str()),
            _ => self.get_with_origin(name).map(|(_, value)| value),
        }
    }

    /// The value of a label and where it comes from.
    pub fn get_with_origin(&self, name: &str) -> Option<(Origin, &str)> {
        if let Some((origin, _, value)) = self.added.iter().find(|(_, n, _)| n == name) {
            return Some((*origin, value));
        }
        if self.deleted.iter().any(|n| n == name) {
            return None;
        }
        self.stream.get(name).map(|value| (Origin::Stream, value))
    }

    /// Sets a label, in place of one with the same name.
    pub fn set(&mut self, origin: Origin, name: &str, value: &str) {
        match self.added.iter_mut().find(|(_, n, _)| n == name) {
            Some(label) => {
                label.0 = origin;
                value.clone_into(&mut label.2);
            }
            None => self.added.push((origin, name.into(), value.into())),
        }
    }

    /// Sets a label that a parser found in the line. The stream's labels and metadata keep their names
    /// (`_extracted` is appended to the found one), and of two findings with one name the first stays.
    pub fn extract(&mut self, name: &str, value: &str) {
        self.extract_with(name, || value.to_owned());
    }

    /// The same with a value that takes some making: it is made only if someone looks at it.
    pub fn extract_with(&mut self, name: &str, value: impl FnOnce() -> String) {
        if self.added.len() >= MAX_LABELS {
            return self.fail(LIMIT_ERROR, format!("entry has more than {MAX_LABELS} labels"));
        }
        let name = match self.is_reserved(name) {
            true => Cow::Owned(format!("{name}_extracted")),
            false => Cow::Borrowed(name),
        };
        let unwanted = self.wanted.is_some_and(|wanted| !wanted.iter().any(|w| *w == name));
        let found = || self.added.iter().any(|(origin, n, _)| *origin == Origin::Parsed && *n == name);
        if !unwanted && !found() {
            self.set(Origin::Parsed, &name, &value());
        }
    }

    /// Sets a label whose name the query chose for a finding. The stream's labels and metadata keep theirs.
    pub fn choose(&mut self, name: &str, value: &str) {
        match self.get_with_origin(name) {
            Some((Origin::Stream | Origin::Metadata, _)) => {
                self.set(Origin::Parsed, &format!("{name}_extracted"), value);
            }
            _ => self.set(Origin::Parsed, name, value),
        }
    }

    fn is_reserved(&self, name: &str) -> bool {
        self.stream.get(name).is_some()
            || self.added.iter().any(|(origin, n, _)| *origin == Origin::Metadata && n == name)
    }

    /// Removes a label, wherever it comes from.
    pub fn delete(&mut self, name: &str) {
        self.added.retain(|(_, n, _)| n != name);
        if self.stream.get(name).is_some() && !self.deleted.iter().any(|n| n == name) {
            self.deleted.push(name.into());
        }
    }

    /// Marks the entry as failed. The first error stays.
    pub fn fail(&mut self, kind: &str, details: impl Into<String>) {
        let error = || RowError { kind: kind.into(), details: details.into() };
        self.error.get_or_insert_with(error);
    }

    /// All labels but the error's.
    pub fn labels(&self) -> impl Iterator<Item = (Origin, &str, &str)> {
        let hidden = |name: &str| {
            self.deleted.iter().any(|n| n == name) || self.added.iter().any(|(_, n, _)| n == name)
        };
        let stream = self.stream.iter().filter(move |(n, _)| !hidden(n));
        let added = self.added.iter().map(|(origin, n, v)| (*origin, n.as_str(), v.as_str()));
        stream.map(|(n, v)| (Origin::Stream, n, v)).chain(added)
    }

    /// Whether the labels are just those of the stream.
    pub fn is_untouched(&self) -> bool {
        self.added.is_empty() && self.deleted.is_empty() && self.error.is_none()
    }

    /// All labels, the error's included.
    pub fn label_set(&self) -> LabelSet {
        let error = self.error.iter().flat_map(|e| {
            let details = (!e.details.is_empty()).then(|| (ERROR_DETAILS.into(), e.details.clone()));
            std::iter::once((ERROR.to_owned(), e.kind.clone())).chain(details)
        });
        self.labels().map(|(_, n, v)| (n.to_owned(), v.to_owned())).chain(error).collect()
    }

    /// Only the labels from one origin; a stage's error counts as parsed.
    pub fn labels_from(&self, origin: Origin) -> Vec<(String, String)> {
        let error = self.error.iter().filter(|_| origin == Origin::Parsed);
        let error = error.flat_map(|e| [(ERROR, &e.kind), (ERROR_DETAILS, &e.details)]);
        let labels =
            self.labels().filter(|(o, ..)| *o == origin).map(|(_, n, v)| (n.to_owned(), v.to_owned()));
        labels.chain(error.map(|(n, v)| (n.to_owned(), v.clone()))).collect()
    }
}

/// A name as a label may have it: letters, digits and underscores, and no digit first.
pub fn sanitized(name: &str) -> Cow<'_, str> {
    let name = name.trim();
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let digit = name.starts_with(|c: char| c.is_ascii_digit());
    if !digit && name.chars().all(good) {
        return Cow::Borrowed(name);
    }
    let start = if digit { "_" } else { "" };
    Cow::Owned(start.chars().chain(name.chars().map(|c| if good(c) { c } else { '_' })).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(metadata: &[(String, String)]) -> EntryRef<'_> {
        EntryRef { timestamp_ns: 1, line: b"x", metadata }
    }

    #[test]
    fn the_stream_keeps_its_names_and_the_line_wins_the_extracted_one() {
        let stream = Labels::from([("app", "s")]);
        let metadata = [("app".to_owned(), "m".to_owned()), ("pod".to_owned(), "m".to_owned())];
        let mut row = Row::new(&stream, entry(&metadata));
        assert_eq!(row.get("app_extracted"), Some("m"));
        row.extract("app", "p");
        row.extract("pod", "p");
        row.extract("pod", "second");
        assert_eq!(
            row.label_set().to_string(),
            r#"{app="s", app_extracted="p", pod="m", pod_extracted="p"}"#
        );
    }

    #[test]
    fn deleted_labels_are_gone_whatever_their_origin() {
        let stream = Labels::from([("app", "s"), ("job", "j")]);
        let mut row = Row::new(&stream, entry(&[]));
        row.set(Origin::Parsed, "app", "p");
        row.delete("app");
        assert_eq!(row.get("app"), None);
        assert_eq!(row.label_set().to_string(), r#"{job="j"}"#);
        assert!(!row.is_untouched());
    }

    #[test]
    fn names_become_valid() {
        assert_eq!(sanitized("a-b.c"), "a_b_c");
        assert_eq!(sanitized("9x"), "_9x");
        assert_eq!(sanitized(" ok "), "ok");
    }
}
