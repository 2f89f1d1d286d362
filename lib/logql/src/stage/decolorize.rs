//! `| decolorize`: takes the colours of terminals out of the line.

use std::borrow::Cow;

use super::row::Row;
use crate::{ParseError, parse::Parser};

/// The stage.
#[derive(Clone, Debug)]
pub struct Decolorize;

impl Decolorize {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        parser.expect("decolorize").map(|()| Decolorize)
    }

    pub(crate) fn apply(&self, row: &mut Row<'_>) {
        if row.line.contains(&0x1b) {
            row.line = Cow::Owned(without_escapes(&row.line));
        }
    }
}

/// Leaves out `ESC [ … letter`.
fn without_escapes(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr::memchr(0x1b, rest) {
        out.extend(&rest[..at]);
        let tail = &rest[at + 1..];
        let parameters = |b: &u8| matches!(b, b'0'..=b'9' | b';' | b'?' | b'[');
        let end = tail.iter().position(|b| !parameters(b)).unwrap_or(tail.len());
        match tail.first() {
            Some(b'[') if end < tail.len() => rest = &tail[end + 1..],
            _ => {
                out.push(0x1b);
                rest = tail;
            }
        }
    }
    out.extend(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colour_codes_are_taken_out() {
        assert_eq!(without_escapes(b"\x1b[31mred\x1b[0m \x1b[1;32mok"), b"red ok");
        assert_eq!(without_escapes(b"a\x1bb \x1b[3"), b"a\x1bb \x1b[3");
    }
}
