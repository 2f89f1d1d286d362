//! The parser: recursive descent over tokens. Each stage of a pipeline parses itself (`stage/`).

mod lexer;
mod metric;
mod pipeline;
mod range;
mod selector;
pub mod text;

use event::Matcher;

pub use lexer::Tok;
use lexer::{Token, error_at, tokenize};
pub use selector::reason;

use crate::{Expr, LogExpr, ParseError, units::parse_float};

/// Longest query, in bytes.
pub const MAX_QUERY_BYTES: usize = 128 * 1024;
/// How deep parentheses may nest.
pub const MAX_DEPTH: usize = 100;
/// Most binary operators in a query.
pub const MAX_OPERATORS: usize = 100;

/// Parses and checks a query.
///
/// # Errors
/// When the text is no LogQL, asks for something that has no meaning, or goes beyond a limit.
pub fn parse(query: &str) -> Result<Expr, ParseError> {
    let mut parser = Parser::new(query)?;
    let expr = parser.expr()?;
    parser.end()?;
    Ok(expr)
}

/// Parses a stream selector alone: `{job="a"}`.
///
/// # Errors
/// When the text is no selector.
pub fn parse_selector(text: &str) -> Result<Vec<Matcher>, ParseError> {
    let mut parser = Parser::new(text)?;
    let matchers = parser.matchers()?;
    parser.end()?;
    Ok(matchers)
}

/// Parses a log query, also one whose selector matches every stream: for requests that ask about the data
/// rather than for it.
///
/// # Errors
/// When the text is no log query.
pub fn parse_log(text: &str) -> Result<LogExpr, ParseError> {
    let mut parser = Parser::new(text)?;
    let log = LogExpr { matchers: parser.matchers()?, stages: parser.pipeline()? };
    parser.end()?;
    Ok(log)
}

/// Line and column (in characters), both from 1.
pub(crate) fn position(query: &str, at: usize) -> (usize, usize) {
    let before = &query[..at];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The state of parsing, and what the parts of the grammar share.
pub struct Parser<'q> {
    query: &'q str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    operators: usize,
}

impl<'q> Parser<'q> {
    fn new(query: &'q str) -> Result<Self, ParseError> {
        if query.len() > MAX_QUERY_BYTES {
            let message = format!("input size too long ({} > {MAX_QUERY_BYTES})", query.len());
            return Err(ParseError { message, line: 0, column: 0 });
        }
        Ok(Parser { query, tokens: tokenize(query), next: 0, depth: 0, operators: 0 })
    }

    /// The next token.
    pub fn peek(&self) -> &Tok {
        &self.tokens[self.next].kind
    }

    /// The token after it.
    pub fn peek_second(&self) -> &Tok {
        &self.tokens[(self.next + 1).min(self.tokens.len() - 1)].kind
    }

    /// Whether a quoted text comes behind `name =` or `name !=`.
    pub fn text_comes_third(&self) -> bool {
        matches!(self.peek_second(), Tok::Word("=" | "!="))
            && matches!(self.tokens.get(self.next + 2), Some(Token { kind: Tok::Text(_), .. }))
    }

    /// A number with any signs before it.
    ///
    /// # Errors
    /// When no number comes next.
    pub fn signed_number(&mut self) -> Result<f64, ParseError> {
        let negative = !self.accept("+") && self.accept("-");
        let at = self.at();
        let Tok::Number(text) = self.peek() else { return Err(self.unexpected(&["NUMBER"])) };
        let failed = |_| self.error(at, format!("unable to parse literal as a float: {text:?}"));
        let number = parse_float(text).map_err(failed)?;
        self.advance();
        Ok(if negative { -number } else { number })
    }

    /// Where the next token begins.
    pub fn at(&self) -> usize {
        self.tokens[self.next].at
    }

    /// Moves on; never behind the last token.
    pub fn advance(&mut self) {
        self.next = (self.next + 1).min(self.tokens.len() - 1);
    }

    /// Takes the word if it comes next.
    pub fn accept(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Tok::Word(w) if *w == word);
        if found {
            self.advance();
        }
        found
    }

    /// # Errors
    /// When something else comes next.
    pub fn expect(&mut self, word: &str) -> Result<(), ParseError> {
        if self.accept(word) { Ok(()) } else { Err(self.unexpected(&[word])) }
    }

    /// Takes a name.
    ///
    /// # Errors
    /// When something else comes next.
    pub fn ident(&mut self) -> Result<String, ParseError> {
        let Tok::Ident(name) = self.peek() else { return Err(self.unexpected(&["IDENTIFIER"])) };
        let name = name.clone();
        self.advance();
        Ok(name)
    }

    /// Takes a quoted text.
    ///
    /// # Errors
    /// When something else comes next.
    pub fn text(&mut self) -> Result<String, ParseError> {
        let Tok::Text(text) = self.peek() else { return Err(self.unexpected(&["STRING"])) };
        let text = text.clone();
        self.advance();
        Ok(text)
    }

    /// Items with commas between them, at least one.
    ///
    /// # Errors
    /// As `item`.
    pub fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        let mut items = vec![item(self)?];
        while self.accept(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Runs `part` one level deeper.
    ///
    /// # Errors
    /// As `part`, and when that is too deep.
    pub fn deeper<T>(
        &mut self,
        part: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(self.at(), format!("query nests deeper than {MAX_DEPTH} levels")));
        }
        let result = part(self);
        self.depth -= 1;
        result
    }

    /// A chain of operators nests to the left, so it counts too.
    fn count_operator(&mut self) -> Result<(), ParseError> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            return Err(self.error(self.at(), format!("query has more than {MAX_OPERATORS} operators")));
        }
        Ok(())
    }

    /// The error that the next token is, or makes by standing here.
    pub fn unexpected(&self, expected: &[&str]) -> ParseError {
        let message = match self.peek() {
            Tok::Error(message) => message.clone(),
            tok if expected.is_empty() => format!("syntax error: unexpected {}", tok.name()),
            tok => format!("syntax error: unexpected {}, expecting {}", tok.name(), expected.join(" or ")),
        };
        self.error(self.at(), message)
    }

    /// An error at a byte offset.
    pub fn error(&self, at: usize, message: impl Into<String>) -> ParseError {
        error_at(self.query, at, message.into())
    }

    /// An error in the stage that begins at a byte offset and ends before the next token.
    pub fn stage_error(&self, at: usize, message: &str) -> ParseError {
        let stage = self.query[at..self.at().max(at)].trim_end();
        self.error(at, format!("stage '{stage}' : {message}"))
    }

    fn end(&self) -> Result<(), ParseError> {
        if *self.peek() == Tok::End { Ok(()) } else { Err(self.unexpected(&[])) }
    }

    fn expr(&mut self) -> Result<Expr, ParseError> {
        metric::expr(self)
    }

    fn log_expr(&mut self) -> Result<LogExpr, ParseError> {
        let matchers = self.selector()?;
        Ok(LogExpr { matchers, stages: self.pipeline()? })
    }
}
