//! Structured metadata as text, so that it is stored as lines are: names become templates, values columns.

use super::logs::Metadata;
use crate::codec::Damaged;

/// Ends a name.
const NAME_END: char = '\u{1f}';
/// Ends a value.
const VALUE_END: char = '\u{1e}';
/// The next character means itself.
const ESCAPE: char = '\u{1d}';

pub fn to_text(metadata: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in metadata {
        put(&mut text, name, NAME_END);
        put(&mut text, value, VALUE_END);
    }
    text
}

fn put(text: &mut String, part: &str, end: char) {
    for character in part.chars() {
        if matches!(character, NAME_END | VALUE_END | ESCAPE) {
            text.push(ESCAPE);
        }
        text.push(character);
    }
    text.push(end);
}

pub fn from_text(text: &[u8]) -> Result<Metadata, Damaged> {
    let text = std::str::from_utf8(text).map_err(|_| Damaged)?;
    let (mut metadata, mut name, mut part) = (Metadata::new(), None, String::new());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ESCAPE => part.push(characters.next().ok_or(Damaged)?),
            NAME_END => name = Some(std::mem::take(&mut part)),
            VALUE_END => metadata.push((name.take().ok_or(Damaged)?, std::mem::take(&mut part))),
            other => part.push(other),
        }
    }
    if part.is_empty() && name.is_none() { Ok(metadata) } else { Err(Damaged) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_names_and_values_come_back() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let metadata = vec![pair("trace", "7f"), pair("", "\u{1f}\u{1e}"), pair("a\u{1d}", "")];
        assert_eq!(from_text(to_text(&metadata).as_bytes()), Ok(metadata));
        assert_eq!(from_text(b""), Ok(Metadata::new()));
        assert_eq!(
            (from_text(b"a"), from_text(b"a\x1f"), from_text(b"\xff")),
            (Err(Damaged), Err(Damaged), Err(Damaged))
        );
    }
}
