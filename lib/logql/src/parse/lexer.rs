//! From text to tokens. An error becomes the last token, so that the parser reports whatever comes first.

use super::{position, text::unquote};
use crate::{
    ParseError,
    units::{parse_bytes, parse_duration},
};

/// A token and where it begins.
#[derive(Clone, Debug)]
pub struct Token {
    pub kind: Tok,
    /// Byte offset in the query.
    pub at: usize,
}

/// The kinds of tokens.
#[derive(Clone, Debug, PartialEq)]
pub enum Tok {
    /// A name: of a label, or what stands where a name could.
    Ident(String),
    /// A quoted text without its quotes.
    Text(String),
    /// As written: `10`, `0.5`, `1e3`.
    Number(String),
    /// `5m`, in nanoseconds.
    Duration(i64),
    /// `5KB`, with the text as written.
    Bytes(u64, String),
    /// `[5m]`, in nanoseconds.
    Range(i64),
    /// `--strict`, without the dashes.
    Flag(String),
    /// Punctuation or a keyword, in lower case.
    Word(&'static str),
    /// The name of a function, in lower case.
    Function(&'static str),
    /// What cannot be a token.
    Error(String),
    /// Behind the last token.
    End,
}

/// Longest first.
#[rustfmt::skip] // a table reads better in columns
const SYMBOLS: [&str; 27] = [
    "|=", "|~", "|>", "!=", "!~", "!>", ">=", "<=", "==", "=~", "{", "}", "(", ")", ",", "=", "|", ">", "<",
    "+", "-", "*", "/", "%", "^", ".", "]",
];

#[rustfmt::skip] // a table reads better in columns
const KEYWORDS: [&str; 25] = [
    "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "or", "and", "unless", "offset",
    "json", "logfmt", "regexp", "pattern", "unpack", "unwrap", "line_format", "label_format", "decolorize",
    "drop", "keep", "distinct", "variants", "of",
];

/// Names that mean something only before a parenthesis; elsewhere they are names of labels.
#[rustfmt::skip] // a table reads better in columns
const FUNCTIONS: [&str; 33] = [
    "rate", "rate_counter", "count_over_time", "bytes_rate", "bytes_over_time", "sum_over_time",
    "avg_over_time", "max_over_time", "min_over_time", "stdvar_over_time", "stddev_over_time",
    "quantile_over_time", "first_over_time", "last_over_time", "absent_over_time", "sum", "avg", "max", "min",
    "count", "stddev", "stdvar", "topk", "bottomk", "approx_topk", "sort", "sort_desc", "label_replace",
    "vector", "duration", "duration_seconds", "bytes", "ip",
];

/// All tokens of `query`; the last one is [`Tok::End`] or [`Tok::Error`].
pub fn tokenize(query: &str) -> Vec<Token> {
    let mut lexer = Lexer { query, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks();
        let start = lexer.at;
        let (kind, at) = match lexer.next() {
            Ok(kind) => (kind, start),
            Err((message, at)) => (Tok::Error(message), at),
        };
        let last = matches!(kind, Tok::End | Tok::Error(_));
        tokens.push(Token { kind, at });
        if last {
            return tokens;
        }
    }
}

type Fault = (String, usize);

struct Lexer<'q> {
    query: &'q str,
    at: usize,
}

impl<'q> Lexer<'q> {
    fn rest(&self) -> &'q str {
        &self.query[self.at..]
    }

    /// Takes what `accept` accepts.
    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'q str {
        let rest = self.rest();
        let end = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// White space and comments.
    fn skip_blanks(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if !self.rest().starts_with('#') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn next(&mut self) -> Result<Tok, Fault> {
        let rest = self.rest();
        let mut chars = rest.chars();
        let (Some(first), second) = (chars.next(), chars.next().unwrap_or(' ')) else {
            return Ok(Tok::End);
        };
        match first {
            '"' | '`' => self.quoted(first),
            '[' => self.range(),
            '0'..='9' => self.number(),
            '.' if second.is_ascii_digit() => self.number(),
            '-' if second == '-' && rest[2..].starts_with(|c: char| c.is_alphabetic()) => {
                self.at += 2;
                Ok(Tok::Flag(self.take_while(|c| c.is_alphanumeric() || c == '-').into()))
            }
            c if c.is_alphabetic() || c == '_' => Ok(self.word()),
            c => Ok(self.symbol(c)),
        }
    }

    fn symbol(&mut self, first: char) -> Tok {
        match SYMBOLS.iter().find(|s| self.rest().starts_with(**s)) {
            Some(symbol) => {
                self.at += symbol.len();
                Tok::Word(symbol)
            }
            None => {
                self.at += first.len_utf8();
                Tok::Ident(first.into())
            }
        }
    }

    fn word(&mut self) -> Tok {
        let text = self.take_while(|c| c.is_alphanumeric() || c == '_');
        let lower = text.to_lowercase();
        if let Some(function) = FUNCTIONS.iter().find(|f| **f == lower && self.is_call()) {
            return Tok::Function(function);
        }
        match KEYWORDS.iter().find(|k| **k == lower) {
            Some(keyword) => Tok::Word(keyword),
            None => Tok::Ident(text.into()),
        }
    }

    /// Whether what follows makes the word before it a function: `(`, `by (`, `without (`.
    fn is_call(&self) -> bool {
        let rest = self.rest().trim_start();
        let grouping = |word: &str| {
            let (head, tail) = rest.split_at_checked(word.len()).unwrap_or(("", ""));
            head.eq_ignore_ascii_case(word) && tail.trim_start().starts_with('(')
        };
        rest.starts_with('(') || grouping("by") || grouping("without")
    }

    fn quoted(&mut self, quote: char) -> Result<Tok, Fault> {
        let start = self.at;
        let body = &self.rest()[1..];
        let mut escaped = false;
        for (i, c) in body.char_indices() {
            if c == quote && !escaped {
                self.at += i + 2;
                let raw = &body[..i];
                let text = if quote == '`' { Some(raw.replace('\r', "")) } else { unquote(raw) };
                return text.map(Tok::Text).ok_or_else(|| ("invalid char escape".into(), start));
            }
            if c == '\n' && quote == '"' {
                break;
            }
            escaped = c == '\\' && !escaped && quote == '"';
        }
        // Loki's scanner complains about a bad escape before it misses the closing quote
        let whole = unquote(body.trim_end_matches('\\'));
        let message =
            if quote == '"' && whole.is_none() { "invalid char escape" } else { "literal not terminated" };
        Err((message.into(), start))
    }

    fn range(&mut self) -> Result<Tok, Fault> {
        let start = self.at;
        let Some(end) = self.rest().find(']') else {
            return Err(("missing closing ']' in duration".into(), start));
        };
        let text = &self.rest()[1..end];
        self.at += end + 1;
        parse_duration(text.trim()).map(Tok::Range).map_err(|message| (message, start))
    }

    /// A number, a duration, or an amount of bytes: whatever the longest run of letters and digits is.
    fn number(&mut self) -> Result<Tok, Fault> {
        let start = self.at;
        let run = self.take_while(|c| c.is_alphanumeric() || c == '.' || c == '_');
        let exponent = if run.starts_with("0x") || run.starts_with("0X") { ['p', 'P'] } else { ['e', 'E'] };
        if run.len() > 1 && run.ends_with(exponent) && self.rest().starts_with(['+', '-']) {
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit());
        }
        let text = &self.query[start..self.at];
        if text.eq_ignore_ascii_case("0b") {
            return Err(("binary literal has no digits".into(), start));
        }
        let prefixed = ["0x", "0o", "0b"].iter().any(|p| text.to_lowercase().starts_with(p));
        if prefixed || text.parse::<f64>().is_ok() {
            return Ok(Tok::Number(text.into()));
        }
        if let Ok(duration) = parse_duration(text) {
            return Ok(Tok::Duration(duration));
        }
        if let Ok(bytes) = parse_bytes(text) {
            return Ok(Tok::Bytes(bytes, text.into()));
        }
        self.at = start;
        Ok(Tok::Number(self.take_while(|c| c.is_ascii_digit() || c == '.').into()))
    }
}

impl Tok {
    /// As error messages call it.
    pub fn name(&self) -> String {
        match self {
            Tok::Ident(_) => "IDENTIFIER".into(),
            Tok::Text(_) => "STRING".into(),
            Tok::Number(_) => "NUMBER".into(),
            Tok::Duration(_) => "DURATION".into(),
            Tok::Bytes(..) => "BYTES".into(),
            Tok::Range(_) => "RANGE".into(),
            Tok::Flag(_) => "PARSER_FLAG".into(),
            Tok::Word(word) => (*word).into(),
            Tok::Function("ip") => "ip".into(),
            Tok::Function(name) => name.to_uppercase(),
            Tok::Error(message) => message.clone(),
            Tok::End => "$end".into(),
        }
    }
}

/// An error at a byte offset of the query.
pub fn error_at(query: &str, at: usize, message: String) -> ParseError {
    let (line, column) = position(query, at);
    ParseError { message, line, column }
}
