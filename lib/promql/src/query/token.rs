//! The words of a query with their places, for the checks around the parser, which tells no places.

use crate::ParseError;

/// A word and where it begins.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    pub offset: usize,
    pub kind: Kind,
    pub text: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name or a keyword.
    Word,
    /// A number or a duration.
    Number,
    /// With its quotes.
    String,
    /// An operator, bracket, comma or colon.
    Symbol,
}

impl Token<'_> {
    /// Whether this is the keyword, however it is capitalised.
    pub fn is_word(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }
}

/// All tokens of `query`, without blanks and comments.
pub fn tokens(query: &str) -> Result<Vec<Token<'_>>, ParseError> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut offset = 0;
    while let Some(first) = query[offset..].chars().next() {
        let rest = &query[offset..];
        let (kind, length) = match first {
            '#' => {
                offset += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            c if c.is_whitespace() => {
                offset += c.len_utf8();
                continue;
            }
            '"' | '\'' | '`' => (Kind::String, string_length(query, offset, first)?),
            '0'..='9' => (Kind::Number, number_length(rest)),
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => (Kind::Number, number_length(rest)),
            'a'..='z' | 'A'..='Z' | '_' => (Kind::Word, word_length(rest)),
            ':' if within_name(&tokens, rest) => (Kind::Word, word_length(rest)),
            _ => (Kind::Symbol, symbol_length(rest, first)),
        };
        tokens.push(Token { offset, kind, text: &rest[..length] });
        offset += length;
    }
    Ok(tokens)
}

/// Names of recorded series may begin with a colon; within brackets it separates a subquery's step.
fn within_name(before: &[Token<'_>], rest: &str) -> bool {
    let is_open = |bracket: &str| before.iter().filter(|t| t.is_symbol(bracket)).count();
    is_open("[") == is_open("]") && rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

fn word_length(rest: &str) -> usize {
    rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len())
}

/// Digits, units, and the sign of an exponent.
fn number_length(rest: &str) -> usize {
    let hexadecimal = rest.len() > 1 && rest[1..].starts_with(['x', 'X']);
    let mut before = ' ';
    let is_part = |c: char| {
        let sign = (c == '+' || c == '-') && before.eq_ignore_ascii_case(&'e') && !hexadecimal;
        before = c;
        sign || c.is_ascii_alphanumeric() || c == '.' || c == '_'
    };
    rest.len() - rest.trim_start_matches(is_part).len()
}

fn symbol_length(rest: &str, first: char) -> usize {
    let two = ["==", "!=", "=~", "!~", ">=", "<="].iter().any(|symbol| rest.starts_with(symbol));
    if two { 2 } else { first.len_utf8() }
}

fn string_length(query: &str, offset: usize, quote: char) -> Result<usize, ParseError> {
    let rest = &query[offset..];
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Ok(at + 1);
        }
        if c != '\\' || quote == '`' {
            continue;
        }
        if is_high_byte(&rest[at..]) {
            return Err(ParseError::at(
                "escape of a byte that is not ASCII: write the character itself, or \\u and its number",
                query,
                offset + at,
            ));
        }
        chars.next();
    }
    Err(ParseError::at("unterminated quoted string", query, offset))
}

/// Whether an escape, `\xff` or `\377`, stands for a byte that is no character of its own.
fn is_high_byte(escape: &str) -> bool {
    let digits = |from: usize, radix| {
        let text = escape.get(from..from + (if radix == 16 { 2 } else { 3 }))?;
        u32::from_str_radix(text, radix).ok()
    };
    let byte = if escape.starts_with("\\x") { digits(2, 16) } else { digits(1, 8) };
    byte.is_some_and(|byte| byte > 0x7f)
}
