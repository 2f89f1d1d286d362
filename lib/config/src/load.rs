//! Reads a file into a typed value and reports all of its errors, not only the first one.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Options};

use crate::{Diagnostic, Diagnostics};

/// More errors than this are not worth reading.
const MOST_ERRORS: usize = 20;

const FLOW_VARIABLE: &str = "within { } and [ ] a variable has to be in quotes, and set: \"${NAME}\"";

/// `${NAME}` in a value is the environment variable; unknown keys are errors where the type says so.
///
/// # Errors
/// All errors of the file.
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Diagnostics> {
    match parse_all(file, text) {
        (Some(value), wrong) if wrong.is_empty() => Ok(value),
        (_, wrong) => Err(Diagnostics(wrong)),
    }
}

/// What could be read, and all errors. After each one, the entry that holds it is left out and the rest is read again.
pub fn parse_all<T: DeserializeOwned>(file: &str, text: &str) -> (Option<T>, Vec<Diagnostic>) {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let value = loop {
        let error = match read(&lines.join("\n")) {
            Ok(value) => break Some(value),
            Err(error) => error,
        };
        let diagnostic = diagnose(file, text, &error);
        let line = diagnostic.line;
        found.push(diagnostic);
        if found.len() >= MOST_ERRORS || !blank_entry(&mut lines, line) {
            break None;
        }
    };
    found.sort_by_key(|d| (d.line, d.column));
    found.dedup();
    (value, found)
}

pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let environment: HashMap<String, String> = std::env::vars().collect();
    // A file without any key is an empty mapping, not null.
    let empty = text.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('#'));
    let text = if empty { "{}".to_owned() } else { fill_in_quoted(text, &environment) };
    serde_saphyr::from_str_with_options(&text, Options::default().with_properties(environment))
}

/// `"${NAME}"` means what `${NAME}` means. The parser fills in plain values only, and these cannot be within `{ }` and
/// `[ ]`: what is set is filled in here, in its quotes; the rest, default or error, is up to the parser.
fn fill_in_quoted(text: &str, environment: &HashMap<String, String>) -> String {
    let mut parts = text.split("\"${");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        filled.push_str(&match part.split_once("}\"") {
            Some((name, rest)) if !name.contains(['"', '\n']) => variable(name, environment) + rest,
            _ => format!("\"${{{part}"),
        });
    }
    filled
}

/// `written` is a name, or `NAME:-default`.
fn variable(written: &str, environment: &HashMap<String, String>) -> String {
    let (name, default) = written.split_once(":-").unwrap_or((written, ""));
    let value = environment.get(name).filter(|value| !value.is_empty()).map_or(default, |value| value);
    // The strings of JSON are strings of YAML.
    if value.is_empty() { format!("${{{written}}}") } else { serde_json::Value::from(value).to_string() }
}

pub fn diagnose(file: &str, text: &str, error: &Error) -> Diagnostic {
    let at = error.location().map_or((1, 1), |l| (l.line() as usize, l.column() as usize));
    let line = text.lines().nth(at.0.saturating_sub(1)).unwrap_or_default();
    let (message, remedy) = explain(error.without_snippet(), line);
    let diagnostic = Diagnostic::at(file, text, at.0, at.1, message);
    match remedy {
        Some(remedy) => diagnostic.with_remedy(remedy),
        None => diagnostic,
    }
}

/// What is wrong and what to write instead, in words for those who know the file and not the parser.
fn explain(error: &Error, line: &str) -> (String, Option<String>) {
    let (message, remedy) = match error {
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("key");
            (format!("`{key}` is there twice"), "keep one of them")
        }
        Error::UnresolvedProperty { name, .. } => (
            format!("the environment variable `{name}` is not set"),
            "set it, or give a default: ${NAME:-default}",
        ),
        Error::InvalidScalar { ty: "boolean", .. } => {
            ("is neither true nor false".into(), "write true or false")
        }
        Error::InvalidScalar { ty, .. } if ty.starts_with('u') => {
            ("is no whole number from 0 on, or too large".into(), "write a whole number, 0 or more")
        }
        Error::InvalidScalar { ty, .. } if ty.starts_with('i') => {
            ("is no whole number, or too large".into(), "write a whole number")
        }
        other => {
            let (message, remedy) = in_words_of_the_parser(other);
            let is_variable = message.contains("parsing a flow") && line.contains("${");
            return (message, if is_variable { Some(FLOW_VARIABLE.into()) } else { remedy });
        }
    };
    (message, Some(remedy.into()))
}

fn in_words_of_the_parser(error: &Error) -> (String, Option<String>) {
    let full = error.to_string();
    // The place is shown by the snippet.
    let place = full.rfind(" at line ").or_else(|| full.rfind(" (line "));
    let message = full[..place.unwrap_or(full.len())].trim_start_matches("error: ").to_owned();
    let remedy = remedy(&message);
    (message, remedy)
}

fn remedy(message: &str) -> Option<String> {
    if message.contains("unknown field") {
        let (start, known) = message.split_once(", expected ")?;
        let wrong = start.split('`').nth(1)?;
        let known: Vec<&str> =
            known.trim_start_matches("one of ").split(", ").map(|n| n.trim_matches('`')).collect();
        let near = nearest(wrong, &known).map(|n| format!("did you mean `{n}`? "));
        return Some(format!("{}known here: {}", near.unwrap_or_default(), known.join(", ")));
    }
    if message.contains("${") {
        return Some("set the environment variable, or give a default: ${NAME:-default}".into());
    }
    if message.contains("invalid type") || message.contains("expected") {
        return Some("write a value of the expected type; quote text that looks like a number".into());
    }
    None
}

/// Of the names in `known` the one that is most like `wrong`; `None` if none is like it.
pub fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let scored = known.iter().map(|name| (distance(wrong, name), *name));
    scored.min().filter(|(distance, name)| *distance <= name.len().max(3) / 3 + 1).map(|(_, name)| name)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut before = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let diagonal = std::mem::replace(&mut before, row[j + 1]);
            row[j + 1] = (diagonal + usize::from(x != y)).min(row[j] + 1).min(before + 1);
        }
    }
    row[b.len()]
}

/// Blanks the entry that begins in `line` (from 1): that line and what is indented deeper below it.
fn blank_entry(lines: &mut [&str], line: usize) -> bool {
    let indent = |text: &str| text.len() - text.trim_start_matches([' ', '-']).len();
    let Some(first) = lines.get(line.wrapping_sub(1)).filter(|l| !l.trim().is_empty()) else { return false };
    let depth = indent(first);
    let mut end = line;
    while lines.get(end).is_some_and(|l| l.trim().is_empty() || indent(l) > depth) {
        end += 1;
    }
    lines[line - 1..end].fill("");
    true
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Server {
        listen: String,
        limit: u32,
        inner: Option<Box<Server>>,
    }

    #[test]
    fn every_error_is_reported_with_place_snippet_and_remedy() {
        let text = "listne: a\nlimit: many\ninner:\n  limit: 3\n  lisst:\n    deeper: 1\n";
        let errors = parse::<Server>("a.yaml", text).unwrap_err();
        let places: Vec<_> = errors.0.iter().map(|d| (d.line, d.column)).collect();
        assert_eq!(places, [(1, 1), (2, 8), (5, 3)], "{errors}");
        let shown = errors.to_string();
        assert!(shown.contains("a.yaml:1:1") && shown.contains("did you mean `listen`?"), "{shown}");
        assert!(shown.contains("limit: many"), "{shown}");
    }

    #[test]
    fn broken_yaml_is_one_error_with_its_place() {
        let errors = parse::<Server>("a.yaml", "listen: [a\nlimit: 3\n").unwrap_err();
        assert!(errors.0[0].line >= 1, "{errors}");
    }

    #[test]
    fn errors_are_told_in_words_of_the_file() {
        for (text, message, remedy) in [
            ("limit: -1\n", "is no whole number from 0 on", "write a whole number"),
            ("limit: 1\nlimit: 2\n", "`limit` is there twice", "keep one"),
            ("listen: ${TAILRACE_NOT_SET}\n", "variable `TAILRACE_NOT_SET` is not set", "give a default"),
        ] {
            let shown = parse::<Server>("a.yaml", text).unwrap_err().to_string();
            assert!(shown.contains(message) && shown.contains(remedy), "{shown}");
        }
    }

    #[test]
    fn variables_of_the_environment_are_filled_in() {
        for written in ["${PATH}", "\"${PATH}\""] {
            let server: Server = parse("a.yaml", &format!("listen: {written} # where\n")).unwrap();
            assert_eq!(server.listen, std::env::var("PATH").unwrap());
        }
        let path = std::env::var("PATH").unwrap();
        for (written, found) in [
            (r#"{limit: 1, listen: "${PATH}"}"#, &*path),
            (r#"{listen: "${TAILRACE_NOT_SET:-a: #}", limit: "${TAILRACE_NOT_SET:-1}"}"#, "a: #"),
            ("limit: 1\nlisten: \"${TAILRACE_NOT_SET:-}\"", ""),
        ] {
            let server: Server = parse("a.yaml", written).unwrap();
            assert_eq!((&*server.listen, server.limit), (found, 1), "{written}");
        }
        for written in [r#"{listen: "${TAILRACE_NOT_SET}"}"#, "{listen: ${PATH}}"] {
            let errors = parse::<Server>("a.yaml", written).unwrap_err().to_string();
            assert!(errors.contains("has to be in quotes, and set"), "{errors}");
        }
        let errors = parse::<Server>("a.yaml", "listen: ${TAILRACE_NOT_SET}\n").unwrap_err();
        assert!(errors.to_string().contains("TAILRACE_NOT_SET"), "{errors}");
    }

    #[test]
    fn a_file_of_comments_is_all_defaults() {
        assert_eq!(parse::<Server>("a.yaml", "# nothing\n").unwrap().limit, 0);
    }
}
