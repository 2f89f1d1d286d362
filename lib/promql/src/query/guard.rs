//! What protects the parser from strangers: limits on length, nesting and durations, checked before it runs.

use super::token::{Kind, Token, tokens};
use crate::{MAX_DEPTH, MAX_QUERY_BYTES, ParseError};

/// More operators than this would nest deeper than the parser's own recursion can bear.
const MAX_OPERATORS: usize = 1000;

/// Durations in plain seconds above this make the parser panic: more than three thousand years.
const MAX_SECONDS: f64 = 1e11;

/// Checks length, brackets, quotes, durations and the number of operators.
pub fn check(query: &str) -> Result<(), ParseError> {
    if query.len() > MAX_QUERY_BYTES {
        let message = format!("query has {} bytes: at most {MAX_QUERY_BYTES} are allowed", query.len());
        return Err(ParseError::new(message));
    }
    let tokens = tokens(query)?;
    check_nesting(query, &tokens)?;
    check_durations(query, &tokens)
}

/// The error of a query that nests too deep.
pub fn too_deep() -> ParseError {
    ParseError::new(format!("query is nested deeper than {MAX_DEPTH} levels: split it into recording rules"))
}

fn check_nesting(query: &str, tokens: &[Token<'_>]) -> Result<(), ParseError> {
    let mut open: Vec<&Token<'_>> = Vec::new();
    let mut operators = 0;
    for token in tokens {
        match (token.kind, token.text) {
            (Kind::Symbol, "(" | "[" | "{") => open.push(token),
            (Kind::Symbol, ")" | "]" | "}") => match open.pop() {
                Some(opened) if closes(opened.text, token.text) => {}
                _ => {
                    let message = format!("unexpected right {}", bracket_name(token.text));
                    return Err(ParseError::at(message, query, token.offset));
                }
            },
            // The symbols between braces compare labels and do not nest.
            _ if open.last().is_some_and(|bracket| bracket.text == "{") => {}
            _ => operators += usize::from(is_operator(token)),
        }
        if open.len() > MAX_DEPTH || operators > MAX_OPERATORS {
            return Err(too_deep());
        }
    }
    match open.last() {
        Some(bracket) => {
            let message = format!("unclosed left {}", bracket_name(bracket.text));
            Err(ParseError::at(message, query, bracket.offset))
        }
        None => Ok(()),
    }
}

fn is_operator(token: &Token<'_>) -> bool {
    let symbol = token.kind == Kind::Symbol && !matches!(token.text, "," | ":");
    symbol || ["and", "or", "unless", "atan2", "offset"].iter().any(|word| token.is_word(word))
}

fn closes(left: &str, right: &str) -> bool {
    matches!((left, right), ("(", ")") | ("[", "]") | ("{", "}"))
}

fn bracket_name(bracket: &str) -> &'static str {
    match bracket {
        "(" | ")" => "parenthesis",
        "[" | "]" => "bracket",
        _ => "brace",
    }
}

fn check_durations(query: &str, tokens: &[Token<'_>]) -> Result<(), ParseError> {
    for (at, token) in tokens.iter().enumerate() {
        if !(token.is_symbol("[") || token.is_symbol(":") || token.is_word("offset")) {
            continue;
        }
        let signs = |token: &&Token<'_>| token.is_symbol("+") || token.is_symbol("-");
        let duration = tokens[at + 1..].iter().find(|token| !signs(token));
        let seconds = duration.and_then(|token| token.text.parse::<f64>().ok());
        if let (Some(token), Some(seconds)) = (duration, seconds)
            && (seconds.is_nan() || seconds > MAX_SECONDS)
        {
            return Err(ParseError::at("duration out of range", query, token.offset));
        }
    }
    Ok(())
}
