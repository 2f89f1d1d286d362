//! `| logfmt`: every `name=value` becomes a label, or only chosen ones, `| logfmt code="status"`.
//! `--strict` fails on what is no such pair, `--keep-empty` keeps names without a value.

use std::{borrow::Cow, fmt};

use super::{
    path::{PathStep, Rename, renames, write_renames},
    row::{Origin, Row, sanitized},
};
use crate::{
    ParseError,
    lens::{Look, PieceKind},
    parse::{Parser, Tok, text::unquote},
};

const LOGFMT_ERROR: &str = "LogfmtParserErr";

/// The stage; without renames it takes all pairs.
#[derive(Clone, Debug)]
pub struct Logfmt {
    strict: bool,
    keep_empty: bool,
    renames: Vec<Rename>,
}

impl Logfmt {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        let at = parser.at();
        parser.expect("logfmt")?;
        let mut stage = Logfmt { strict: false, keep_empty: false, renames: Vec::new() };
        while let Tok::Flag(flag) = parser.peek() {
            match flag.as_str() {
                "strict" => stage.strict = true,
                "keep-empty" => stage.keep_empty = true,
                _ => return Err(parser.unexpected(&["--strict", "--keep-empty"])),
            }
            parser.advance();
        }
        stage.renames = renames(parser, at)?;
        if let Some(rename) = stage.renames.iter().find(|r| !matches!(r.path[..], [PathStep::Field(_)])) {
            let why = format!("cannot parse expression [{}]: unexpected char .", rename.source);
            return Err(parser.stage_error(at, &why));
        }
        Ok(stage)
    }

    pub(crate) fn apply(&self, row: &mut Row<'_>) {
        let line = row.line.clone();
        let text = String::from_utf8_lossy(&line);
        self.prepare(row);
        for pair in Pairs::new(&text) {
            match pair {
                Ok((name, value)) => self.take(row, name, &value),
                Err(_) if !self.strict => {}
                Err(details) => return row.fail(LOGFMT_ERROR, details),
            }
        }
    }

    /// No piece holds a quote or a backslash, and only a time may hold a blank.
    pub(crate) fn look(&self, look: &mut Look<'_>) -> bool {
        let Ok(text) = std::str::from_utf8(look.line) else { return false };
        if self.strict || !self.renames.is_empty() {
            return false;
        }
        for (name, value) in Pairs::new(text).flatten() {
            let Cow::Borrowed(value) = value else { continue };
            if value.is_empty() || look.wants(&sanitized(name)) {
                continue;
            }
            let quoted = look.line[look.start(value.as_bytes()) - 1] == b'"';
            look.spare(value.as_bytes(), |kind| quoted || kind != PieceKind::Time { has_blanks: true });
        }
        true
    }

    /// A chosen name that the line does not have becomes an empty label.
    fn prepare(&self, row: &mut Row<'_>) {
        for rename in &self.renames {
            if row.get_with_origin(&rename.label).is_none() {
                row.set(Origin::Parsed, &rename.label, "");
            }
        }
    }

    fn take(&self, row: &mut Row<'_>, name: &str, value: &str) {
        if self.renames.is_empty() {
            let name = sanitized(name);
            if !name.is_empty() && (self.keep_empty || !value.is_empty()) {
                row.extract(&name, value);
            }
            return;
        }
        let wanted = |r: &&Rename| matches!(&r.path[..], [PathStep::Field(field)] if field == name);
        for rename in self.renames.iter().filter(wanted) {
            row.choose(&rename.label, value);
        }
    }
}

/// The pairs of a line; what is none comes as an error, and the rest goes on behind it.
pub struct Pairs<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Pairs<'a> {
    /// Of one line.
    pub fn new(text: &'a str) -> Self {
        Pairs { text, at: 0 }
    }

    /// Takes until `end` accepts a byte.
    fn until(&mut self, end: impl Fn(u8) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let taken = rest.bytes().position(end).unwrap_or(rest.len());
        self.at += taken;
        &rest[..taken]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn unexpected(&mut self, byte: u8) -> String {
        let message =
            format!("logfmt syntax error at pos {} : unexpected '{}'", self.at + 1, char::from(byte));
        self.until(|b| b <= b' ');
        message
    }

    fn quoted(&mut self) -> Result<Cow<'a, str>, String> {
        let start = self.at + 1;
        let mut escaped = false;
        for (i, byte) in self.text.bytes().enumerate().skip(start) {
            if byte == b'"' && !escaped {
                self.at = i + 1;
                let raw = &self.text[start..i];
                let plain = || unquote(raw).map_or(Cow::Borrowed(raw), Cow::Owned);
                return Ok(if raw.contains('\\') { plain() } else { Cow::Borrowed(raw) });
            }
            escaped = byte == b'\\' && !escaped;
        }
        self.at = self.text.len();
        Err(format!("logfmt syntax error at pos {} : unterminated quoted value", self.at))
    }

    fn value(&mut self) -> Result<Cow<'a, str>, String> {
        if self.peek() == Some(b'"') {
            return self.quoted();
        }
        let value = self.until(|b| b <= b' ' || b == b'"');
        match self.peek() {
            Some(b'"') => Err(self.unexpected(b'"')),
            _ => Ok(value.into()),
        }
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a str, Cow<'a, str>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.until(|b| b > b' ');
        let first = self.peek()?;
        if first == b'=' {
            return Some(Err(self.unexpected(first)));
        }
        let name = self.until(|b| b <= b' ' || b == b'=' || b == b'"');
        Some(match self.peek() {
            Some(b'"') => Err(self.unexpected(b'"')),
            Some(b'=') => {
                self.at += 1;
                self.value().map(|value| (name, value))
            }
            _ => Ok((name, "".into())),
        })
    }
}

impl fmt::Display for Logfmt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strict = if self.strict { " --strict" } else { "" };
        let keep_empty = if self.keep_empty { " --keep-empty" } else { "" };
        write!(f, "logfmt{strict}{keep_empty}")?;
        write_renames(f, &self.renames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_past_what_is_none() {
        let line = r#"a=1 plain b="x \"y\" z" ="no" c"d=2 e= f=g=h bad="open"#;
        let found: Vec<String> = Pairs::new(line)
            .map(|pair| pair.map_or_else(|_| "!".into(), |(n, v)| format!("{n}={v}")))
            .collect();
        assert_eq!(found, ["a=1", "plain=", "b=x \"y\" z", "!", "!", "e=", "f=g=h", "!"]);
    }
}
