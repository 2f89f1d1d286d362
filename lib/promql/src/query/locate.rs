//! Places for the parser's errors: it reports them without any. A refused query is read once more by the grammar,
//! without building anything, up to the first word that does not fit.

use super::token::{Kind, Token, tokens};
use crate::ParseError;

/// The first word of `query` that does not fit the grammar; if all do, the parser's message, with its place where
/// the message names it.
pub fn locate(query: &str, message: String) -> ParseError {
    let Ok(tokens) = tokens(query) else { return ParseError::new(message) };
    if tokens.is_empty() {
        return ParseError::at("no expression found in input", query, 0);
    }
    if let Err(error) = (Reader { query, tokens: &tokens, at: 0 }).whole() {
        return error;
    }
    let message = documented(message);
    match named_function(&message, &tokens) {
        Some(token) => ParseError::at(message, query, token.offset),
        None => ParseError::new(message),
    }
}

/// The parser's names of types, as the documentation of PromQL has them.
fn documented(message: String) -> String {
    if !message.starts_with("expected type") {
        return message;
    }
    let words = message.split(' ').map(|word| match word {
        "vector" => "instant vector",
        "matrix" => "range vector",
        other => other,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Messages about calls name the function in quotes.
fn named_function<'a>(message: &str, tokens: &'a [Token<'a>]) -> Option<&'a Token<'a>> {
    let name =
        message.split('\'').nth(1).filter(|_| message.contains("function") || message.contains("call to"))?;
    tokens.iter().find(|token| token.kind == Kind::Word && token.text == name)
}

const AGGREGATIONS: &[&str] = &[
    "avg",
    "bottomk",
    "count",
    "count_values",
    "group",
    "limit_ratio",
    "limitk",
    "max",
    "min",
    "quantile",
    "stddev",
    "stdvar",
    "sum",
    "topk",
];
const OPERATORS: &[&str] =
    &["+", "-", "*", "/", "%", "^", "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless", "atan2"];

type Read = Result<(), ParseError>;

struct Reader<'a> {
    query: &'a str,
    tokens: &'a [Token<'a>],
    at: usize,
}

impl<'a> Reader<'a> {
    fn whole(&mut self) -> Read {
        self.expression()?;
        match self.peek() {
            None => Ok(()),
            Some(_) => self.unexpected(""),
        }
    }

    fn expression(&mut self) -> Read {
        self.operand()?;
        while self.take_any(OPERATORS) {
            self.modifiers()?;
            self.operand()?;
        }
        Ok(())
    }

    fn modifiers(&mut self) -> Read {
        self.take("bool");
        if self.take_any(&["on", "ignoring"]) {
            self.labels()?;
            if self.take_any(&["group_left", "group_right"]) && self.is_next("(") {
                self.labels()?;
            }
        }
        while self.take_any(&["fill", "fill_left", "fill_right"]) {
            self.expect("(")?;
            self.take_any(&["+", "-"]);
            self.expect_kind(Kind::Number, "number")?;
            self.expect(")")?;
        }
        Ok(())
    }

    fn operand(&mut self) -> Read {
        while self.take_any(&["+", "-"]) {}
        self.primary()?;
        loop {
            if self.take("[") {
                self.duration()?;
                if self.take(":") && !self.is_next("]") {
                    self.duration()?;
                }
                self.expect("]")?;
            } else if self.take("offset") {
                self.take_any(&["+", "-"]);
                self.duration()?;
            } else if self.take("@") {
                self.timestamp()?;
            } else {
                return Ok(());
            }
        }
    }

    fn primary(&mut self) -> Read {
        let Some(token) = self.peek() else { return self.unexpected("expression") };
        match (token.kind, token.text) {
            (Kind::Number | Kind::String, _) => self.at += 1,
            (Kind::Symbol, "(") => return self.list(|reader| reader.expression(), "(", ")"),
            (Kind::Symbol, "{") => return self.list(|reader| reader.matcher(), "{", "}"),
            (Kind::Word, _) => return self.named(),
            _ => return self.unexpected("expression"),
        }
        Ok(())
    }

    /// An aggregation, a call, or a metric.
    fn named(&mut self) -> Read {
        let aggregation = self.take_any(AGGREGATIONS);
        if aggregation && self.take_any(&["by", "without"]) {
            self.labels()?;
        }
        self.at += usize::from(!aggregation);
        if self.is_next("(") {
            self.list(|reader| reader.expression(), "(", ")")?;
            if aggregation && self.take_any(&["by", "without"]) {
                self.labels()?;
            }
        } else if self.is_next("{") {
            self.list(|reader| reader.matcher(), "{", "}")?;
        }
        Ok(())
    }

    fn matcher(&mut self) -> Read {
        let name = self.peek().filter(|token| matches!(token.kind, Kind::Word | Kind::String));
        let Some(name) = name else { return self.unexpected("label name") };
        self.at += 1;
        if self.take_any(&["=", "!=", "=~", "!~"]) {
            return self.expect_kind(Kind::String, "string");
        }
        if name.kind == Kind::String { Ok(()) } else { self.unexpected("label matching operator") }
    }

    fn labels(&mut self) -> Read {
        let label = |reader: &mut Self| match reader.peek() {
            Some(token) if matches!(token.kind, Kind::Word | Kind::String) => {
                reader.at += 1;
                Ok(())
            }
            _ => reader.unexpected("label name"),
        };
        self.list(label, "(", ")")
    }

    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Read, open: &str, close: &str) -> Read {
        self.expect(open)?;
        while !self.take(close) {
            item(self)?;
            if !self.take(",") && !self.is_next(close) {
                return self.unexpected(&format!("\",\" or {close:?}"));
            }
        }
        Ok(())
    }

    fn duration(&mut self) -> Read {
        self.expect_kind(Kind::Number, "duration")
    }

    fn timestamp(&mut self) -> Read {
        if self.take_any(&["start", "end"]) {
            self.expect("(")?;
            return self.expect(")");
        }
        self.take_any(&["+", "-"]);
        self.expect_kind(Kind::Number, "timestamp")
    }

    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn is_next(&self, text: &str) -> bool {
        self.peek().is_some_and(|token| token.is_symbol(text) || token.is_word(text))
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.is_next(text);
        self.at += usize::from(found);
        found
    }

    fn take_any(&mut self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.take(text))
    }

    fn expect(&mut self, text: &str) -> Read {
        if self.take(text) { Ok(()) } else { self.unexpected(&format!("{text:?}")) }
    }

    fn expect_kind(&mut self, kind: Kind, name: &str) -> Read {
        if self.peek().is_none_or(|token| token.kind != kind) {
            return self.unexpected(name);
        }
        self.at += 1;
        Ok(())
    }

    fn unexpected(&self, expected: &str) -> Read {
        let (found, offset) = match self.peek() {
            None => ("unexpected end of input".to_string(), self.query.trim_end().len()),
            Some(token) => (format!("unexpected {}", describe(&token)), token.offset),
        };
        let expected = if expected.is_empty() { String::new() } else { format!(", expected {expected}") };
        Err(ParseError::at(format!("{found}{expected}"), self.query, offset))
    }
}

fn describe(token: &Token<'_>) -> String {
    match token.kind {
        Kind::Word => format!("identifier {:?}", token.text),
        Kind::Number => format!("number {:?}", token.text),
        Kind::String => format!("string {}", token.text),
        Kind::Symbol => format!("{:?}", token.text),
    }
}
