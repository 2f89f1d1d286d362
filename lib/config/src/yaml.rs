//! YAML as a tree in which every node knows its place, for files of which every error is to be shown, not
//! only the first.

use std::{fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::Spanned;

use crate::{Diagnostic, Diagnostics, load::nearest};

/// A file as it was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path, or what stands for it.
    pub name: String,
    /// Its content.
    pub text: String,
}

impl Source {
    /// A file's path and content.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Source { name: name.into(), text: text.into() }
    }

    /// An error at the byte at `offset`.
    pub fn diagnostic(&self, offset: usize, message: impl Into<String>) -> Diagnostic {
        let (line, column) = self.place(offset);
        Diagnostic::at(&self.name, &self.text, line, column, message)
    }

    /// Line and column of the byte at `offset`, both from one; columns are characters.
    pub fn place(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// In bytes.
    pub span: Range<usize>,
    /// The value.
    pub content: Content,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// Nothing: `key:`.
    Null,
    /// Text; of numbers and booleans as they are written.
    Scalar(String),
    /// `- a`
    List(Vec<Node>),
    /// `key: value`, in the order of the file; no key twice.
    Map(Vec<(Node, Node)>),
}

/// Parses one document.
///
/// # Errors
/// When the text is not YAML.
pub fn parse(source: &Source) -> Result<Node, Diagnostic> {
    if source.text.trim().is_empty() {
        return Ok(Node { span: 0..0, content: Content::Null });
    }
    let raw: Spanned<Raw> = serde_saphyr::from_str(&source.text).map_err(|e| syntax_error(source, &e))?;
    Ok(locate(raw, &source.text))
}

impl Node {
    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self.content {
            Content::Null => "nothing",
            Content::Scalar(_) => "text",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }

    /// The place in the file of the byte at `offset` of this scalar's text, however it is written: the n-th
    /// visible character of the value is the n-th visible one of the source.
    pub fn place_inside(&self, source: &Source, offset: usize) -> usize {
        let text = self.text().unwrap_or_default();
        let mut written = source.text[self.span.clone()].char_indices().peekable();
        let header = written.peek().is_some_and(|(_, c)| matches!(c, '|' | '>'));
        if header {
            written.by_ref().find(|(_, c)| *c == '\n');
        } else {
            written.next_if(|(_, c)| matches!(c, '"' | '\''));
        }
        let mut at = self.span.start;
        let wanted = text.char_indices().filter(|(i, c)| *i <= offset && !c.is_whitespace());
        for (_, c) in wanted {
            if let Some((i, _)) = written.by_ref().find(|(_, w)| *w == c) {
                at = self.span.start + i;
            }
        }
        let at_end = offset >= text.trim_end().len();
        if at_end { at + source.text[at..].chars().next().map_or(0, char::len_utf8) } else { at }
    }
}

/// Reads a map whose keys are known, and notes what is wrong with it.
pub struct Fields<'a, 'p> {
    source: &'a Source,
    span: Range<usize>,
    entries: Vec<(&'a Node, &'a Node)>,
    problems: &'p mut Diagnostics,
}

impl<'a, 'p> Fields<'a, 'p> {
    /// Notes an error for every key that is not `known`, and for a node that is no map.
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
        for (key, _) in &entries {
            if !key.text().is_some_and(|name| known.contains(&name)) {
                problems.0.push(unknown_key(source, key, known));
            }
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

fn syntax_error(source: &Source, error: &serde_saphyr::Error) -> Diagnostic {
    let (line, column) = error.location().map_or((1, 1), |l| (l.line() as usize, l.column() as usize));
    let text = error.without_snippet().to_string();
    let message = text.lines().next().unwrap_or_default().to_owned();
    let found = Diagnostic::at(&source.name, &source.text, line, column, message);
    found.with_remedy("check the indentation and the quotes around this line")
}

/// A node before scalars that YAML takes for numbers get back their text.
enum Raw {
    Null,
    Typed,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

fn locate(raw: Spanned<Raw>, text: &str) -> Node {
    let span = raw.referenced.span();
    let start = span.byte_offset().unwrap_or_default() as usize;
    let end = start + span.byte_len().unwrap_or_default() as usize;
    let content = match raw.value {
        Raw::Null => Content::Null,
        Raw::Typed => Content::Scalar(text.get(start..end).unwrap_or_default().trim().to_owned()),
        Raw::Text(text) => Content::Scalar(text),
        Raw::List(items) => Content::List(items.into_iter().map(|n| locate(n, text)).collect()),
        Raw::Map(entries) => {
            Content::Map(entries.into_iter().map(|(k, v)| (locate(k, text), locate(v, text))).collect())
        }
    };
    Node { span: start..end.min(text.len()).max(start), content }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_unit<E: Error>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Raw::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            all.push(entry);
        }
        Ok(Raw::Map(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(text: &str) -> (Source, Node) {
        let source = Source::new("test.yml", text);
        let node = parse(&source).unwrap();
        (source, node)
    }

    fn value<'a>(node: &'a Node, key: &str) -> &'a Node {
        let Content::Map(entries) = &node.content else { panic!("{node:?}") };
        &entries.iter().find(|(k, _)| k.text() == Some(key)).unwrap().1
    }

    #[test]
    fn numbers_keep_the_text_in_which_they_are_written() {
        let (_, node) = root("a: 1.10\nb: 0x10 # note\nc: true\nd: \"2\"\ne:\nf: [1_0, ~]\n");
        let text = |key| value(&node, key).text();
        assert_eq!(
            (text("a"), text("b"), text("c"), text("d")),
            (Some("1.10"), Some("0x10"), Some("true"), Some("2"))
        );
        assert!(matches!(value(&node, "e").content, Content::Null));
        let Content::List(items) = &value(&node, "f").content else { panic!() };
        assert_eq!(items[0].text(), Some("1_0"));
    }

    #[test]
    fn places_inside_of_scalars_are_found_however_they_are_written() {
        let text = "plain: up == nope(1)\nquoted: \"up == nope(1)\"\nliteral: |\n  up ==\n    nope(1)\n\
                    folded: >-\n  up\n  == nope(1)\nmulti: up\n  == nope(1)\n";
        let (source, node) = root(text);
        for key in ["plain", "quoted", "literal", "folded", "multi"] {
            let scalar = value(&node, key);
            let offset = scalar.text().unwrap().find("nope").unwrap();
            let place = scalar.place_inside(&source, offset);
            assert!(source.text[place..].starts_with("nope(1)"), "{key}: {:?}", &source.text[place..]);
        }
    }

    #[test]
    fn unknown_keys_are_noted_with_what_was_probably_meant() {
        let (source, node) = root("nmae: a\ncolour: red\n");
        let mut problems = Diagnostics::default();
        let mut fields = Fields::new(&node, &source, &["name", "interval"], &mut problems);
        assert!(fields.require("name", "name: host").is_none());
        let text = problems.to_string();
        assert!(
            text.contains("did you mean `name`?") && text.contains("known here: `name`, `interval`"),
            "{text}"
        );
        assert_eq!(problems.0.len(), 3);
    }

    #[test]
    fn text_that_is_not_yaml_is_an_error_with_its_line() {
        let source = Source::new("test.yml", "a: b\nc: [1,\nd: e\n");
        let error = parse(&source).unwrap_err();
        assert!(error.line >= 2, "{error}");
        assert!(parse(&Source::new("x", "a: 1\na: 2\n")).is_err());
        assert!(matches!(root("  \n").1.content, Content::Null));
    }
}
