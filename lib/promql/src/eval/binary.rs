//! Operators between numbers, and between a vector and a number.

use super::{Datum, Evaluated, Evaluator, Row, Steps, merge};
use crate::{EvalError, parse::ast::BinaryOp, query::expr::Binary};

impl Evaluator<'_> {
    /// Both sides, then the operator.
    pub fn binary(&self, binary: &Binary, steps: &Steps) -> Result<Evaluated, EvalError> {
        let left = self.eval(&binary.left, steps)?;
        let right = self.eval(&binary.right, steps)?;
        match (left, right) {
            (Evaluated::Scalar(left), Evaluated::Scalar(right)) => {
                let pairs = left.into_iter().zip(right);
                Ok(Evaluated::Scalar(pairs.map(|(l, r)| number(binary.op, l, r)).collect()))
            }
            (Evaluated::Vector(rows), Evaluated::Scalar(scalar)) => {
                self.with_scalar(binary, rows, |value, step| (value, Datum::Number(scalar[step])))
            }
            (Evaluated::Scalar(scalar), Evaluated::Vector(rows)) => {
                self.with_scalar(binary, rows, |value, step| (Datum::Number(scalar[step]), value))
            }
            (Evaluated::Vector(left), Evaluated::Vector(right)) => {
                Ok(Evaluated::Vector(self.match_vectors(binary, left, right)?))
            }
            _ => Err(EvalError::execution("operators do not work on strings")),
        }
    }

    /// `sides` puts a value and the scalar of a step to the left and right.
    fn with_scalar(
        &self,
        binary: &Binary,
        rows: Vec<Row>,
        sides: impl Fn(Datum, usize) -> (Datum, Datum),
    ) -> Result<Evaluated, EvalError> {
        let mut results = Vec::with_capacity(rows.len());
        for row in rows {
            let mut result = Row { labels: row.labels.clone(), drops_name: row.drops_name, ..Row::default() };
            if drops_name(binary) {
                self.forget_name(&mut result);
            }
            for (step, datum) in row.data() {
                let (left, right) = sides(datum.clone(), step as usize);
                if let Some(datum) = self.combine(binary, left, right, datum) {
                    result.push(step, datum);
                }
            }
            if !result.is_empty() {
                results.push(result);
            }
        }
        Ok(Evaluated::Vector(merge(results)?))
    }

    /// What two values give; of a comparison that filters, `kept` if it holds.
    pub fn combine(&self, binary: &Binary, left: Datum, right: Datum, kept: Datum) -> Option<Datum> {
        match (&left, &right) {
            (Datum::Number(_), Datum::Number(_)) if binary.op.trims() => {
                self.mismatch(binary, "float", "float")
            }
            (Datum::Number(l), Datum::Number(r)) => outcome(binary, *l, *r, kept),
            _ => self.combine_histograms(binary, left, right),
        }
    }
}

/// Whether the result is no longer the metric that went in.
pub fn drops_name(binary: &Binary) -> bool {
    binary.returns_bool || !(binary.op.is_comparison() || binary.op.is_set() || binary.op.trims())
}

fn outcome(binary: &Binary, left: f64, right: f64, kept: Datum) -> Option<Datum> {
    if !binary.op.is_comparison() || binary.returns_bool {
        return Some(Datum::Number(number(binary.op, left, right)));
    }
    (number(binary.op, left, right) == 1.0).then_some(kept)
}

/// Arithmetic; a comparison gives 0 or 1.
fn number(op: BinaryOp, left: f64, right: f64) -> f64 {
    let truth = |holds: bool| f64::from(u8::from(holds));
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => left.powf(right),
        BinaryOp::Atan2 => left.atan2(right),
        BinaryOp::Equal => truth(left == right),
        BinaryOp::NotEqual => truth(left != right),
        BinaryOp::Greater => truth(left > right),
        BinaryOp::GreaterEqual => truth(left >= right),
        BinaryOp::Less => truth(left < right),
        BinaryOp::LessEqual => truth(left <= right),
        // Set operators never come here, the parser allows them between vectors only; trimming is of histograms.
        BinaryOp::And | BinaryOp::Or | BinaryOp::Unless | BinaryOp::TrimUpper | BinaryOp::TrimLower => {
            f64::NAN
        }
    }
}
