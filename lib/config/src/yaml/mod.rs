//! YAML as a tree in which every node knows its place, for files of which every error is to be shown, not
//! only the first.

mod documents;
mod fields;
mod raw;

use std::ops::Range;

use serde_saphyr::Spanned;

pub use documents::has_more_documents;
pub use fields::Fields;

use self::raw::{Raw, locate};
use crate::Diagnostic;

/// A file as it was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path, or what stands for it.
    pub name: String,
    /// Its content.
    pub text: String,
    /// Whether keys that nobody knows are passed over.
    pub allows_unknown_keys: bool,
}

impl Source {
    /// A file's path and content.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Source { name: name.into(), text: text.into(), allows_unknown_keys: false }
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

/// Parses the first document.
///
/// # Errors
/// When it is not YAML.
pub fn parse(source: &Source) -> Result<Node, Diagnostic> {
    let text = &source.text[..documents::end_of_first(&source.text)];
    if text.trim().is_empty() {
        return Ok(Node { span: 0..0, content: Content::Null });
    }
    let raw: Spanned<Raw> = serde_saphyr::from_str(text).map_err(|e| syntax_error(source, &e))?;
    Ok(locate(raw, text))
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

fn syntax_error(source: &Source, error: &serde_saphyr::Error) -> Diagnostic {
    let (line, column) = error.location().map_or((1, 1), |l| (l.line() as usize, l.column() as usize));
    let text = error.without_snippet().to_string();
    let message = text.lines().next().unwrap_or_default().to_owned();
    let found = Diagnostic::at(&source.name, &source.text, line, column, message);
    found.with_remedy("check the indentation and the quotes around this line")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Diagnostics;

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
    fn what_an_alias_repeats_has_its_text_and_place_where_it_is_written() {
        let (source, node) = root("a: &list [1.10, {b: up}]\nc: *list\n");
        let Content::List(items) = &value(&node, "c").content else { panic!() };
        let up = value(&items[1], "b");
        assert_eq!((items[0].text(), up.text()), (Some("1.10"), Some("up")));
        assert!(source.text[up.place_inside(&source, 0)..].starts_with("up}"));
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
        let (source, mut problems) = (Source { allows_unknown_keys: true, ..source }, Diagnostics::default());
        Fields::new(&node, &source, &["name", "interval"], &mut problems);
        assert_eq!(problems.0, []);
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
