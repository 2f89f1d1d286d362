//! Operators with native histograms.

use std::sync::Arc;

use event::{Histogram, ResetHint};

use super::{Datum, Evaluator, Reporter};
use crate::{
    histogram::{combined, compacted, divided, equal, scaled, trimmed},
    parse::ast::BinaryOp,
    query::expr::Binary,
};

impl Evaluator<'_> {
    /// What two values give of which at least one is a histogram; a hint if the operator knows no such values.
    pub fn combine_histograms(&self, binary: &Binary, left: Datum, right: Datum) -> Option<Datum> {
        match (left, right) {
            (Datum::Histogram(left), Datum::Histogram(right)) => self.two_histograms(binary, left, &right),
            (Datum::Histogram(left), Datum::Number(right)) => match binary.op {
                BinaryOp::Mul => Some(compacted(scaled(&left, right)).into()),
                BinaryOp::Div => Some(compacted(divided(&left, right)).into()),
                BinaryOp::TrimUpper => Some(trimmed(&left, right, true).into()),
                BinaryOp::TrimLower => Some(trimmed(&left, right, false).into()),
                _ => self.mismatch(binary, "histogram", "float"),
            },
            (Datum::Number(left), Datum::Histogram(right)) => match binary.op {
                BinaryOp::Mul => Some(compacted(scaled(&right, left)).into()),
                _ => self.mismatch(binary, "float", "histogram"),
            },
            (Datum::Number(_), Datum::Number(_)) => self.mismatch(binary, "float", "float"),
        }
    }

    /// Hints that the operator does not take these.
    pub fn mismatch(&self, binary: &Binary, left: &str, right: &str) -> Option<Datum> {
        let op = binary.op.name();
        let what = "incompatible sample types encountered for binary operator";
        self.inform(format!("{what} {op:?}: {left} {op} {right}"), binary.at);
        None
    }

    fn two_histograms(&self, binary: &Binary, left: Arc<Histogram>, right: &Histogram) -> Option<Datum> {
        let same = match binary.op {
            BinaryOp::Add => return self.added(binary, &left, right, 1.0),
            BinaryOp::Sub => return self.added(binary, &left, right, -1.0),
            BinaryOp::Equal => equal(&left, right),
            BinaryOp::NotEqual => !equal(&left, right),
            _ => return self.mismatch(binary, "histogram", "histogram"),
        };
        match binary.returns_bool {
            true => Some(Datum::Number(f64::from(u8::from(same)))),
            false => same.then_some(Datum::Histogram(left)),
        }
    }

    fn added(&self, binary: &Binary, left: &Histogram, right: &Histogram, sign: f64) -> Option<Datum> {
        let Ok((mut sum, notes)) = combined(left, right, sign) else {
            let name = binary.op.name();
            let what = "incompatible bucket layout encountered for binary operator";
            self.warn(format!("{what} {name}"), binary.at);
            return None;
        };
        if sign < 0.0 {
            sum.reset = ResetHint::Gauge;
        }
        let operation = if sign < 0.0 { "subtraction" } else { "addition" };
        Reporter { evaluator: self, at: binary.at, labels: &Default::default() }.notes(notes, operation);
        Some(compacted(sum).into())
    }
}
