//! Lengths of time: literals, and arithmetic over them.

use super::{
    ast::{BinaryOp, Literal, Span},
    number::LONGEST_SECONDS,
    operator::POWER,
    parser::{Parsed, Parser},
    token::Kind,
};

impl Parser<'_> {
    /// As it stands in brackets.
    pub fn positive_span(&mut self) -> Parsed<Span> {
        let at = self.peek().at;
        match self.span(0)? {
            Span::Literal(literal) if literal.value <= 0.0 => {
                Err(self.error(at, "duration must be greater than 0"))
            }
            span => Ok(span),
        }
    }

    /// As it stands behind `offset`: what follows a literal or a call belongs to the expression around it.
    pub fn offset_span(&mut self) -> Parsed<Span> {
        let sign = self.peek();
        if sign.is("(") {
            return self.span(0);
        }
        if !sign.is("-") && !sign.is("+") {
            return self.span_atom();
        }
        self.take();
        let inner = self.offset_sign_operand()?;
        Ok(if sign.is("-") { negative(inner) } else { inner })
    }

    fn offset_sign_operand(&mut self) -> Parsed<Span> {
        let next = self.peek();
        if next.is("-") || next.is("+") { self.nested(Self::offset_span) } else { self.span_atom() }
    }

    fn span(&mut self, precedence: u8) -> Parsed<Span> {
        self.nested(|parser| {
            let begin = parser.peek().at;
            let mut left = parser.span_operand()?;
            let mut operations = 0;
            while let Some(op) = parser.span_operator().filter(|op| op.precedence() >= precedence) {
                operations += 1;
                if operations > super::MAX_DEPTH {
                    return Err(parser.too_deep(begin));
                }
                parser.require_span_expressions(begin)?;
                left = parser.span_operation(left, op)?;
            }
            Ok(left)
        })
    }

    fn span_operator(&self) -> Option<BinaryOp> {
        match self.peek().kind {
            Kind::Symbol(name @ ("+" | "-" | "*" | "/" | "%" | "^")) => BinaryOp::named(name),
            _ => None,
        }
    }

    fn span_operation(&mut self, left: Span, op: BinaryOp) -> Parsed<Span> {
        let at = self.take().at;
        let right = self.span(if op == BinaryOp::Pow { POWER } else { op.precedence() + 1 })?;
        let by_zero = matches!(&right, Span::Literal(literal) if literal.value == 0.0);
        match op {
            BinaryOp::Div if by_zero => Err(self.error(at, "division by zero")),
            BinaryOp::Mod if by_zero => Err(self.error(at, "modulo by zero")),
            _ => Ok(Span::Binary(op, Box::new((left, right)))),
        }
    }

    fn span_operand(&mut self) -> Parsed<Span> {
        let sign = self.peek();
        if !sign.is("-") && !sign.is("+") {
            return self.span_atom();
        }
        self.take();
        let inner = self.span(POWER)?;
        Ok(if sign.is("-") { negative(inner) } else { inner })
    }

    fn span_atom(&mut self) -> Parsed<Span> {
        let token = self.peek();
        match token.kind {
            Kind::Keyword(word @ ("step" | "range")) => {
                self.take();
                self.expect("(")?;
                self.expect(")")?;
                self.require_span_expressions(token.at)?;
                Ok(if word == "step" { Span::Step } else { Span::Range })
            }
            Kind::Keyword(word @ ("min_of" | "max_of")) => {
                let pair = Box::new(self.span_pair()?);
                self.require_span_expressions(token.at)?;
                Ok(if word == "min_of" { Span::MinOf(pair) } else { Span::MaxOf(pair) })
            }
            Kind::Symbol("(") => {
                self.take();
                let inner = self.span(0)?;
                self.expect(")")?;
                self.require_span_expressions(token.at)?;
                Ok(Span::Paren(Box::new(inner)))
            }
            _ => self.span_literal(),
        }
    }

    fn span_pair(&mut self) -> Parsed<(Span, Span)> {
        self.take();
        self.expect("(")?;
        let left = self.span(0)?;
        self.expect(",")?;
        let right = self.span(0)?;
        self.expect(")")?;
        Ok((left, right))
    }

    fn span_literal(&mut self) -> Parsed<Span> {
        let at = self.peek().at;
        let literal = self.literal()?;
        match literal.value.abs() > LONGEST_SECONDS || literal.value.is_nan() {
            true => Err(self.error(at, "duration out of range")),
            false => Ok(Span::Literal(literal)),
        }
    }

    fn require_span_expressions(&self, at: usize) -> Parsed<()> {
        match self.features.duration_expressions {
            true => Ok(()),
            false => Err(self.error(at, "experimental duration expression is not enabled")),
        }
    }
}

fn negative(span: Span) -> Span {
    match span {
        Span::Literal(literal) => Span::Literal(Literal { value: -literal.value, ..literal }),
        other => Span::Negative(Box::new(other)),
    }
}
