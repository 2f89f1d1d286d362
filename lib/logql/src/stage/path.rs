//! Which field of a line becomes which label: `status="response.code[0]"`, for `json` and `logfmt`.

use std::fmt;

use crate::{
    ParseError,
    parse::{Parser, Tok, text::quote},
};

/// One step into a JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// `.name` or `["name"]`
    Field(String),
    /// `[0]`
    Index(usize),
}

/// A field and the label that it becomes.
#[derive(Clone, Debug)]
pub struct Rename {
    /// Name of the label.
    pub label: String,
    /// The path as written.
    pub source: String,
    /// The path.
    pub path: Vec<PathStep>,
}

/// `a="x.y", b` until something else comes; nothing at all is an empty list. `at` is where the stage begins.
pub(crate) fn renames(parser: &mut Parser<'_>, at: usize) -> Result<Vec<Rename>, ParseError> {
    if !matches!(parser.peek(), Tok::Ident(_)) {
        return Ok(Vec::new());
    }
    parser.list(|parser| {
        let label = parser.ident()?;
        let source = if parser.accept("=") { parser.text()? } else { label.clone() };
        let path = parse_path(&source)
            .map_err(|why| parser.stage_error(at, &format!("cannot parse expression [{source}]: {why}")))?;
        Ok(Rename { label, source, path })
    })
}

fn parse_path(text: &str) -> Result<Vec<PathStep>, String> {
    let mut steps = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (step, tail) = match rest.strip_prefix('[') {
            Some(inner) => bracketed(inner)?,
            None => name(rest)?,
        };
        steps.push(step);
        rest = match tail.strip_prefix('.') {
            Some("") => return Err("unexpected end".into()),
            Some(next) => next,
            None if tail.is_empty() || tail.starts_with('[') => tail,
            None => return Err(unexpected(tail)),
        };
    }
    if steps.is_empty() { Err("empty path".into()) } else { Ok(steps) }
}

fn unexpected(text: &str) -> String {
    format!("unexpected char {}", text.chars().next().map_or("end".into(), String::from))
}

fn name(text: &str) -> Result<(PathStep, &str), String> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').unwrap_or(text.len());
    if end == 0 {
        return Err(unexpected(text));
    }
    Ok((PathStep::Field(text[..end].into()), &text[end..]))
}

fn bracketed(inner: &str) -> Result<(PathStep, &str), String> {
    if let Some(quoted) = inner.strip_prefix('"') {
        let (name, tail) = quoted.split_once("\"]").ok_or("missing \"]")?;
        return Ok((PathStep::Field(name.into()), tail));
    }
    let (index, tail) = inner.split_once(']').ok_or("missing ]")?;
    let index = index.trim().parse().map_err(|_| unexpected(index))?;
    Ok((PathStep::Index(index), tail))
}

pub(crate) fn write_renames(f: &mut fmt::Formatter<'_>, renames: &[Rename]) -> fmt::Result {
    for (i, rename) in renames.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        write!(f, "{comma} {}={}", rename.label, quote(&rename.source))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_fields_indices_and_quoted_names() {
        let steps = parse_path(r#"request.headers["X-API-KEY"][2].a"#).unwrap();
        let field = |name: &str| PathStep::Field(name.into());
        assert_eq!(
            steps,
            [field("request"), field("headers"), field("X-API-KEY"), PathStep::Index(2), field("a")]
        );
        for broken in ["", "user[", "a.", ".a", "a[x]", "a b", "[\"x]"] {
            assert!(parse_path(broken).is_err(), "{broken}");
        }
    }
}
