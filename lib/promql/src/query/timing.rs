//! What lengths of time come to, once the query's step and range are known.

use crate::{
    EvalError,
    parse::ast::{BinaryOp, Span},
};

/// The step and range of a query in milliseconds; both are zero for an instant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timing {
    pub step_ms: i64,
    pub range_ms: i64,
}

/// What a duration of Prometheus can hold.
const LONGEST_MS: f64 = 9_223_372_036_854.0;

impl Timing {
    /// In milliseconds.
    pub fn ms(self, span: &Span) -> Result<i64, EvalError> {
        let ms = self.seconds(span)? * 1000.0;
        if !ms.is_finite() {
            return Err(EvalError::execution("duration is NaN or infinite"));
        }
        if ms.abs() > LONGEST_MS {
            return Err(EvalError::execution("duration is out of range"));
        }
        // Literals are exact; what is computed loses what is less than a millisecond.
        Ok(if matches!(span, Span::Literal(_)) { ms.round() } else { ms.trunc() } as i64)
    }

    /// In milliseconds, at least one.
    pub fn positive_ms(self, span: &Span) -> Result<i64, EvalError> {
        match self.ms(span)? {
            ms if ms > 0 => Ok(ms),
            _ => Err(EvalError::execution("duration must be greater than 0")),
        }
    }

    fn seconds(self, span: &Span) -> Result<f64, EvalError> {
        Ok(match span {
            Span::Literal(literal) => literal.value,
            Span::Step => self.step_ms as f64 / 1000.0,
            Span::Range => self.range_ms as f64 / 1000.0,
            Span::Negative(inner) => -self.seconds(inner)?,
            Span::Paren(inner) => self.seconds(inner)?,
            Span::MinOf(pair) => self.seconds(&pair.0)?.min(self.seconds(&pair.1)?),
            Span::MaxOf(pair) => self.seconds(&pair.0)?.max(self.seconds(&pair.1)?),
            Span::Binary(op, pair) => arithmetic(*op, self.seconds(&pair.0)?, self.seconds(&pair.1)?)?,
        })
    }
}

fn arithmetic(op: BinaryOp, left: f64, right: f64) -> Result<f64, EvalError> {
    match op {
        BinaryOp::Add => Ok(left + right),
        BinaryOp::Sub => Ok(left - right),
        BinaryOp::Mul => Ok(left * right),
        BinaryOp::Div if right == 0.0 => Err(EvalError::execution("division by zero")),
        BinaryOp::Div => Ok(left / right),
        BinaryOp::Mod if right == 0.0 => Err(EvalError::execution("modulo by zero")),
        BinaryOp::Mod => Ok(left % right),
        _ => Ok(left.powf(right)),
    }
}
