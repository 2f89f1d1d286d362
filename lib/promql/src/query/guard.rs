//! What protects the parser from strangers: limits on length and nesting before it runs, and positions for
//! errors that it reports without any.

use crate::{MAX_DEPTH, MAX_QUERY_BYTES, ParseError};

/// More operators than this would nest deeper than the parser's own recursion can bear.
const MAX_OPERATORS: usize = 1000;

/// Checks length, brackets, quotes and the number of operators.
pub fn check(query: &str) -> Result<(), ParseError> {
    if query.len() > MAX_QUERY_BYTES {
        let message = format!("query has {} bytes: at most {MAX_QUERY_BYTES} are allowed", query.len());
        return Err(ParseError::new(message));
    }
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut operators = 0;
    for (offset, token) in tokens(query)? {
        match token {
            Token::Open(bracket) => open.push((offset, bracket)),
            Token::Close(bracket) => close(query, &mut open, offset, bracket)?,
            Token::Operator if open.last().is_some_and(|(_, bracket)| *bracket == '{') => {}
            Token::Operator => operators += 1,
        }
        if open.len() > MAX_DEPTH || operators > MAX_OPERATORS {
            return Err(too_deep());
        }
    }
    match open.last() {
        Some(&(offset, bracket)) => {
            Err(ParseError::at(format!("unclosed left {}", bracket_name(bracket)), query, offset))
        }
        None => Ok(()),
    }
}

/// The error of a query that nests too deep.
pub fn too_deep() -> ParseError {
    ParseError::new(format!("query is nested deeper than {MAX_DEPTH} levels: split it into recording rules"))
}

/// The parser's own message, with the place where that can be told from the message.
pub fn locate(query: &str, message: String) -> ParseError {
    if query.trim().is_empty() {
        return ParseError::at("no expression found in input", query, 0);
    }
    let quoted = message.split('\'').nth(1).filter(|name| message.contains("function") && !name.is_empty());
    match quoted.and_then(|name| find_word(query, name)) {
        Some(offset) => ParseError::at(message, query, offset),
        None => ParseError::new(message),
    }
}

fn find_word(query: &str, word: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    query.match_indices(word).map(|(offset, _)| offset).find(|&offset| {
        !query[..offset].ends_with(is_word) && !query[offset + word.len()..].starts_with(is_word)
    })
}

fn close(query: &str, open: &mut Vec<(usize, char)>, offset: usize, bracket: char) -> Result<(), ParseError> {
    let expected = match bracket {
        ')' => '(',
        ']' => '[',
        _ => '{',
    };
    match open.pop() {
        Some((_, found)) if found == expected => Ok(()),
        _ => Err(ParseError::at(format!("unexpected right {}", bracket_name(bracket)), query, offset)),
    }
}

fn bracket_name(bracket: char) -> &'static str {
    match bracket {
        '(' | ')' => "parenthesis",
        '[' | ']' => "bracket",
        _ => "brace",
    }
}

enum Token {
    Open(char),
    Close(char),
    Operator,
}

/// The tokens that nest, outside of strings and comments.
fn tokens(query: &str) -> Result<Vec<(usize, Token)>, ParseError> {
    let mut found = Vec::new();
    let mut chars = query.char_indices();
    while let Some((offset, c)) = chars.next() {
        match c {
            '"' | '\'' | '`' => skip_string(query, &mut chars, offset, c)?,
            '#' => drop(chars.by_ref().find(|(_, c)| *c == '\n')),
            '(' | '{' => found.push((offset, Token::Open(c))),
            '[' | ':' => {
                check_duration(query, offset + 1)?;
                found.extend((c == '[').then_some((offset, Token::Open(c))));
            }
            ')' | ']' | '}' => found.push((offset, Token::Close(c))),
            '+' | '-' | '*' | '/' | '%' | '^' | '=' | '<' | '>' | '!' => {
                found.push((offset, Token::Operator))
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let word = word_at(query, offset);
                let is_operator =
                    ["and", "or", "unless", "atan2", "offset"].iter().any(|o| word.eq_ignore_ascii_case(o));
                if is_operator {
                    check_duration(query, offset + word.len())?;
                    found.push((offset, Token::Operator));
                }
                for _ in 1..word.len() {
                    chars.next();
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The parser panics on numbers of seconds that no duration can hold.
fn check_duration(query: &str, offset: usize) -> Result<(), ParseError> {
    /// More than three thousand years.
    const MOST_SECONDS: f64 = 1e11;
    let rest = query[offset..].trim_start_matches(|c: char| c.is_whitespace() || c == '+' || c == '-');
    let mut before = ' ';
    let is_part = |c: char| {
        let sign = (c == '+' || c == '-') && before.eq_ignore_ascii_case(&'e');
        before = c;
        sign || c.is_ascii_alphanumeric() || c == '.'
    };
    let end = rest.len() - rest.trim_start_matches(is_part).len();
    match rest[..end].parse::<f64>() {
        Ok(seconds) if seconds.is_nan() || seconds > MOST_SECONDS => {
            Err(ParseError::at("duration out of range", query, offset))
        }
        _ => Ok(()),
    }
}

fn word_at(query: &str, offset: usize) -> &str {
    let rest = &query[offset..];
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    &rest[..end.unwrap_or(rest.len())]
}

fn skip_string(
    query: &str,
    chars: &mut std::str::CharIndices<'_>,
    offset: usize,
    quote: char,
) -> Result<(), ParseError> {
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Ok(());
        }
        if c == '\\' && quote != '`' {
            if is_high_byte(&query[at..]) {
                return Err(ParseError::at(
                    "escape of a byte that is not ASCII: write the character itself, or \\u and its number",
                    query,
                    at,
                ));
            }
            chars.next();
        }
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
