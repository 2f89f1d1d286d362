//! Expressions by precedence; what they are made of is read by the files beside this one.

use super::{
    Features, MAX_DEPTH,
    ast::{self, Binary, BinaryOp, Literal, Node, NodeKind},
    lexer::tokens,
    number,
    operator::POWER,
    signature::signature,
    text::unquote,
    token::{Kind, Token},
};
use crate::ParseError;

pub type Parsed<T> = Result<T, ParseError>;

/// Where a syntax error would stand, and what could stand there.
pub type Context = (&'static str, &'static str);

pub struct Parser<'q> {
    query: &'q str,
    tokens: Vec<Token<'q>>,
    /// What stopped the lexer; it counts when the parser comes so far.
    broken: Option<ParseError>,
    next: usize,
    depth: usize,
    contexts: Vec<Context>,
    pub features: Features,
}

impl<'q> Parser<'q> {
    pub fn new(query: &'q str, features: Features) -> Self {
        let (tokens, broken) = tokens(query);
        Parser { query, tokens, broken, next: 0, depth: 0, contexts: Vec::new(), features }
    }

    /// The whole query.
    pub fn whole(&mut self) -> Parsed<Node> {
        if self.peek().kind == Kind::End && self.broken.is_none() {
            return Err(ParseError::at("no expression found in input", self.query, 0));
        }
        let node = self.expression(0)?;
        match self.peek().kind {
            Kind::End if self.broken.is_none() => Ok(node),
            _ => Err(self.unexpected()),
        }
    }

    pub fn peek(&self) -> Token<'q> {
        self.tokens[self.next]
    }

    /// The word behind the next one.
    pub fn peek_second(&self) -> Token<'q> {
        self.tokens[(self.next + 1).min(self.tokens.len() - 1)]
    }

    /// The next word; the end again and again.
    pub fn take(&mut self) -> Token<'q> {
        let token = self.peek();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    /// Takes the symbol or keyword if it is next.
    pub fn accept(&mut self, word: &str) -> bool {
        let found = self.peek().is(word);
        if found {
            self.take();
        }
        found
    }

    /// As [`accept`](Self::accept); anything else is an error.
    pub fn expect(&mut self, word: &str) -> Parsed<()> {
        if self.accept(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Reads with errors that say where they are.
    pub fn within<T>(&mut self, context: Context, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.contexts.push(context);
        let result = read(self);
        self.contexts.pop();
        result
    }

    /// The error of a word that does not fit.
    pub fn unexpected(&self) -> ParseError {
        self.unexpected_in(self.contexts.last().copied().unwrap_or(("", "")))
    }

    /// As [`unexpected`](Self::unexpected), where the place is known better.
    pub fn unexpected_in(&self, (place, expected): Context) -> ParseError {
        let token = self.peek();
        if let (Kind::End, Some(broken)) = (token.kind, &self.broken) {
            return broken.clone();
        }
        let place = if place.is_empty() { String::new() } else { format!(" in {place}") };
        let expected = if expected.is_empty() { String::new() } else { format!(", expected {expected}") };
        self.error(token.at, format!("unexpected {}{place}{expected}", token.describe()))
    }

    pub fn error(&self, at: usize, message: impl Into<String>) -> ParseError {
        ParseError::at(message, self.query, at)
    }

    /// A node, if it does not nest too deep.
    pub fn node(&self, at: usize, kind: NodeKind) -> Parsed<Node> {
        let node = Node::new(at, kind);
        if node.height > MAX_DEPTH { Err(self.too_deep(at)) } else { Ok(node) }
    }

    pub fn too_deep(&self, at: usize) -> ParseError {
        let message = format!(
            "query is nested deeper than {MAX_DEPTH} levels, or chains more operators: split it into recording rules"
        );
        self.error(at, message)
    }

    /// Reads what may contain itself, within a limit.
    pub fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth > MAX_DEPTH {
            return Err(self.too_deep(self.peek().at));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Operands and operators that bind at least as tight as `precedence`.
    pub fn expression(&mut self, precedence: u8) -> Parsed<Node> {
        self.nested(|parser| {
            let mut left = parser.operand()?;
            while let Some(op) = parser.operator().filter(|op| op.precedence() >= precedence) {
                left = parser.binary(left, op)?;
            }
            Ok(left)
        })
    }

    fn operator(&self) -> Option<BinaryOp> {
        match self.peek().kind {
            Kind::Symbol(name) | Kind::Keyword(name) => BinaryOp::named(name),
            _ => None,
        }
    }

    fn binary(&mut self, left: Node, op: BinaryOp) -> Parsed<Node> {
        let op_at = self.take().at;
        let returns_bool = self.accept("bool");
        let matching = self.matching(left.at)?;
        // Only `^` groups from the right.
        let right = self.expression(if op == BinaryOp::Pow { POWER } else { op.precedence() + 1 })?;
        let at = left.at;
        self.node(at, NodeKind::Binary(Box::new(Binary { op, op_at, returns_bool, matching, left, right })))
    }

    fn operand(&mut self) -> Parsed<Node> {
        let sign = self.peek();
        if sign.is("+") || sign.is("-") {
            self.take();
            return self.signed(sign.at, sign.is("-"));
        }
        let primary = self.primary()?;
        self.modified(primary)
    }

    fn signed(&mut self, at: usize, minus: bool) -> Parsed<Node> {
        let inner = self.expression(POWER)?;
        match inner.kind {
            NodeKind::Number(literal) => {
                let value = if minus { -literal.value } else { literal.value };
                self.node(at, NodeKind::Number(Literal { value, ..literal }))
            }
            _ => self.node(at, NodeKind::Unary(minus, Box::new(inner))),
        }
    }

    fn primary(&mut self) -> Parsed<Node> {
        let token = self.peek();
        let called = self.peek_second().is("(");
        match token.kind {
            Kind::Number | Kind::Duration => {
                let literal = self.literal()?;
                self.node(token.at, NodeKind::Number(literal))
            }
            Kind::Text => {
                let text = self.text()?;
                self.node(token.at, NodeKind::Text(text))
            }
            Kind::Symbol("(") => self.parenthesized(),
            Kind::Symbol("{") => self.selector(),
            _ if token.is_aggregator() && self.is_aggregation() => self.aggregate(),
            _ if token.names_function() && called => self.call(),
            _ if token.names_metric() => self.selector(),
            _ => Err(self.unexpected()),
        }
    }

    fn parenthesized(&mut self) -> Parsed<Node> {
        let at = self.take().at;
        let inner = self.expression(0)?;
        self.expect(")")?;
        self.node(at, NodeKind::Paren(Box::new(inner)))
    }

    /// A number or a duration.
    pub fn literal(&mut self) -> Parsed<Literal> {
        let token = self.peek();
        let (value, is_duration) = match token.kind {
            Kind::Number => (number::value(token.text), false),
            Kind::Duration => (number::duration(token.text), true),
            _ => return Err(self.unexpected()),
        };
        self.take();
        let value = value.map_err(|message| self.error(token.at, message))?;
        Ok(Literal { value, is_duration })
    }

    /// A text without its quotes.
    pub fn text(&mut self) -> Parsed<String> {
        let token = self.take();
        unquote(token.text).map_err(|message| self.error(token.at, message))
    }

    fn call(&mut self) -> Parsed<Node> {
        let name = self.take();
        let args = self.arguments()?;
        let Some(signature) = signature(name.text) else {
            return Err(self.error(name.at, format!("unknown function with name {:?}", name.text)));
        };
        if signature.experimental && !self.features.experimental_functions {
            return Err(self.error(name.at, format!("function {:?} is not enabled", name.text)));
        }
        self.node(name.at, NodeKind::Call(signature, args))
    }

    /// Expressions in parentheses.
    pub fn arguments(&mut self) -> Parsed<Vec<Node>> {
        self.expect("(")?;
        let mut args = Vec::new();
        if self.accept(")") {
            return Ok(args);
        }
        loop {
            args.push(self.expression(0)?);
            if self.accept(")") {
                return Ok(args);
            }
            let comma = self.peek();
            self.expect(",")?;
            if self.peek().is(")") {
                return Err(self.error(comma.at, "trailing commas not allowed in function call args"));
            }
        }
    }

    /// Names of labels in parentheses.
    pub fn label_names(&mut self) -> Parsed<Vec<String>> {
        let mut names = Vec::new();
        if !self.accept("(") {
            return Err(self.unexpected_in(("grouping opts", "\"(\"")));
        }
        while !self.accept(")") {
            names.push(self.label_name()?);
            if !self.accept(",") && !self.peek().is(")") {
                return Err(self.unexpected_in(("grouping opts", "\",\" or \")\"")));
            }
        }
        Ok(names)
    }

    fn label_name(&mut self) -> Parsed<String> {
        let token = self.peek();
        if token.names_label() {
            return Ok(self.take().text.to_string());
        }
        if token.kind != Kind::Text {
            return Err(self.unexpected_in(("grouping opts", "label")));
        }
        match self.text()? {
            name if name.is_empty() => Err(self.error(token.at, "invalid label name for grouping: \"\"")),
            name => Ok(name),
        }
    }

    /// `by` and `without`, `on` and `ignoring`: the names behind the one or the other.
    pub fn label_list(&mut self, only: &str, except: &str) -> Parsed<Option<ast::Labels>> {
        let is_only = self.peek().is(only);
        if !is_only && !self.peek().is(except) {
            return Ok(None);
        }
        self.take();
        Ok(Some(ast::Labels { only: is_only, names: self.label_names()? }))
    }
}
