//! From text to words. Within braces, and within brackets, other words mean something than elsewhere.

use super::{
    number,
    token::{Kind, SYMBOLS, Token, keyword},
};
use crate::ParseError;

/// All words of `query` up to its end, or up to what cannot be one: then with the error.
pub fn tokens(query: &str) -> (Vec<Token<'_>>, Option<ParseError>) {
    let mut lexer = Lexer { query, at: 0, parentheses: 0, within: Within::Statement };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks();
        let at = lexer.at;
        match lexer.next() {
            Ok(kind) => tokens.push(Token { at, kind, text: &query[at..lexer.at] }),
            Err(message) => {
                tokens.push(Token { at, kind: Kind::End, text: "" });
                return (tokens, Some(ParseError::at(message, query, at)));
            }
        }
        if tokens.last().is_some_and(|token| token.kind == Kind::End) {
            return (tokens, None);
        }
    }
}

/// Where the next word stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Statement,
    Braces,
    /// What the brackets have held so far.
    Brackets {
        duration: bool,
        colon: bool,
    },
}

struct Lexer<'q> {
    query: &'q str,
    at: usize,
    parentheses: usize,
    within: Within,
}

type Lexed = Result<Kind, String>;

impl<'q> Lexer<'q> {
    fn rest(&self) -> &'q str {
        &self.query[self.at..]
    }

    fn second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    fn take(&mut self, bytes: usize, kind: Kind) -> Lexed {
        self.at += bytes;
        Ok(kind)
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest().trim_start_matches([' ', '\t', '\n', '\r']);
            self.at = self.query.len() - rest.len();
            if !rest.starts_with('#') {
                return;
            }
            self.at += rest.find(['\n', '\r']).unwrap_or(rest.len());
        }
    }

    fn next(&mut self) -> Lexed {
        let first = self.rest().chars().next();
        match self.within {
            Within::Statement => self.statement(first),
            Within::Braces => self.braces(first),
            Within::Brackets { duration, colon } => self.brackets(first, duration, colon),
        }
    }

    fn statement(&mut self, first: Option<char>) -> Lexed {
        let Some(first) = first else {
            let open = self.parentheses > 0;
            return if open { Err("unclosed left parenthesis".into()) } else { Ok(Kind::End) };
        };
        match first {
            '=' if self.second() == Some('~') => Err("unexpected character after '=': '~'".into()),
            '!' if self.second() != Some('=') => Err(self.unexpected_after('!', "")),
            '{' => self.open("{", Within::Braces),
            '[' => self.open("[", Within::Brackets { duration: false, colon: false }),
            ']' => Err("unexpected right bracket ']'".into()),
            '@' => self.take(1, Kind::Symbol("@")),
            ':' => self.word(),
            c if c.is_ascii_alphabetic() || c == '_' => self.word(),
            c => self.common(c).unwrap_or_else(|| Err(format!("unexpected character: {c:?}"))),
        }
    }

    fn open(&mut self, symbol: &'static str, within: Within) -> Lexed {
        self.within = within;
        self.take(1, Kind::Symbol(symbol))
    }

    /// What may stand both within brackets and elsewhere.
    fn common(&mut self, first: char) -> Option<Lexed> {
        Some(match first {
            '(' => {
                self.parentheses += 1;
                self.take(1, Kind::Symbol("("))
            }
            ')' => match self.parentheses.checked_sub(1) {
                None => Err("unexpected right parenthesis ')'".into()),
                Some(left) => {
                    self.parentheses = left;
                    self.take(1, Kind::Symbol(")"))
                }
            },
            '"' | '\'' | '`' => self.text(first),
            '0'..='9' => self.number(),
            '.' if self.second().is_some_and(|c| c.is_ascii_digit()) => self.number(),
            _ => {
                let symbol = SYMBOLS.iter().find(|symbol| self.rest().starts_with(**symbol))?;
                self.take(symbol.len(), Kind::Symbol(symbol))
            }
        })
    }

    fn unexpected_after(&self, first: char, place: &str) -> String {
        let second = self.second().unwrap_or(char::REPLACEMENT_CHARACTER);
        format!("unexpected character after '{first}'{place}: {second:?}")
    }

    fn word(&mut self) -> Lexed {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        let kind = match keyword(word) {
            // Series of these names were there before the modifiers.
            Some("fill" | "fill_left" | "fill_right") if !rest[end..].trim_start().starts_with('(') => {
                Kind::Identifier
            }
            Some(keyword) => Kind::Keyword(keyword),
            None if word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("nan") => Kind::Number,
            None if word.contains(':') => Kind::MetricIdentifier,
            None => Kind::Identifier,
        };
        self.take(end, kind)
    }

    fn number(&mut self) -> Lexed {
        let rest = self.rest();
        match number::scan(rest) {
            Ok(end) => self.take(end, Kind::Number),
            Err(read) => match number::scan_duration(rest) {
                Ok(end) => self.take(end, Kind::Duration),
                Err(further) => {
                    let read = &rest[..rest.floor_char_boundary(read.max(further).max(1))];
                    Err(format!("bad number or duration syntax: {}", super::text::quote(read)))
                }
            },
        }
    }

    fn braces(&mut self, first: Option<char>) -> Lexed {
        let Some(first) = first else { return Err("unexpected end of input inside braces".into()) };
        match (first, self.second()) {
            ('}', _) => {
                self.within = Within::Statement;
                self.take(1, Kind::Symbol("}"))
            }
            ('"' | '\'' | '`', _) => self.text(first),
            (',', _) => self.take(1, Kind::Symbol(",")),
            ('=', Some('~')) => self.take(2, Kind::Symbol("=~")),
            ('=', _) => self.take(1, Kind::Symbol("=")),
            ('!', Some('~')) => self.take(2, Kind::Symbol("!~")),
            ('!', Some('=')) => self.take(2, Kind::Symbol("!=")),
            ('!', _) => Err(self.unexpected_after('!', " inside braces")),
            ('{', _) => Err("unexpected left brace '{'".into()),
            (c, _) if c.is_ascii_alphabetic() || c == '_' => {
                let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let end = self.rest().find(|c| !is_part(c)).unwrap_or(self.rest().len());
                self.take(end, Kind::Identifier)
            }
            (c, _) => Err(format!("unexpected character inside braces: {c:?}")),
        }
    }

    fn brackets(&mut self, first: Option<char>, duration: bool, colon: bool) -> Lexed {
        match first {
            None if duration => Err("unclosed left bracket".into()),
            None => Err("unexpected end of input in duration expression".into()),
            Some(']') => {
                self.within = Within::Statement;
                self.take(1, Kind::Symbol("]"))
            }
            Some(':') if !duration => Err("unexpected colon before duration in duration expression".into()),
            Some(':') if colon => Err("unexpected colon ':'".into()),
            Some(':') => {
                self.within = Within::Brackets { duration, colon: true };
                self.take(1, Kind::Symbol(":"))
            }
            Some('[') => Err("unexpected left bracket '['".into()),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => self.duration_word(c, duration),
            Some(c) if c.is_ascii_digit() || "()+-*/%^,.".contains(c) || (duration && c != '{') => {
                self.within =
                    Within::Brackets { duration: duration || c.is_ascii_digit() || c == '.', colon };
                self.common(c).unwrap_or_else(|| Err(format!("unexpected character: {c:?}")))
            }
            Some(c) => Err(format!("unexpected character in duration expression: {c:?}")),
        }
    }

    /// `step`, `range`, `min_of` or `max_of`.
    fn duration_word(&mut self, first: char, duration: bool) -> Lexed {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphabetic() || c == '_')).unwrap_or(rest.len());
        match keyword(&rest[..end]) {
            Some(word @ ("step" | "range" | "min_of" | "max_of")) => {
                if let Within::Brackets { duration, .. } = &mut self.within {
                    *duration = true;
                }
                self.take(end, Kind::Keyword(word))
            }
            _ if duration => Err(format!("unexpected character: {first:?}, expected ':'")),
            _ => Err(format!("unexpected character in duration expression: {first:?}")),
        }
    }

    fn text(&mut self, quote: char) -> Lexed {
        let rest = self.rest();
        let mut at = 1;
        loop {
            let Some(c) = rest[at..].chars().next() else {
                let kind = if quote == '`' { "raw" } else { "quoted" };
                return Err(format!("unterminated {kind} string"));
            };
            match c {
                _ if c == quote => return self.take(at + 1, Kind::Text),
                '\n' if quote != '`' => return Err("unterminated quoted string".into()),
                '\\' if quote != '`' => at += 1 + escape_length(&rest[at + 1..], quote)?,
                _ => at += c.len_utf8(),
            }
        }
    }
}

/// How long an escape is behind its backslash.
fn escape_length(text: &str, quote: char) -> Result<usize, String> {
    let unended = || "escape sequence not terminated".to_string();
    let kind = text.chars().next().ok_or_else(unended)?;
    let (skipped, digits, radix, highest) = match kind {
        'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => return Ok(1),
        _ if kind == quote => return Ok(1),
        '0'..='7' => (0, 3, 8, 0xff),
        'x' => (1, 2, 16, 0xff),
        'u' => (1, 4, 16, 0x10_ffff),
        'U' => (1, 8, 16, 0x10_ffff),
        _ => return Err(format!("unknown escape sequence {}", code_point(kind))),
    };
    let mut value = 0u32;
    for at in 0..digits {
        let c = text[skipped..].chars().nth(at).ok_or_else(unended)?;
        let digit = c
            .to_digit(radix)
            .ok_or_else(|| format!("illegal character {} in escape sequence", code_point(c)))?;
        value = value * radix + digit;
    }
    if value > highest || (0xd800..0xe000).contains(&value) {
        return Err("escape sequence is an invalid Unicode code point".into());
    }
    Ok(skipped + digits)
}

/// `U+0041 'A'`
fn code_point(c: char) -> String {
    format!("U+{:04X} '{c}'", u32::from(c))
}
