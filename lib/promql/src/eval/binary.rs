//! Operators between numbers, and between a vector and a number.

use super::{Evaluated, Evaluator, Row, Steps, merge, without_name};
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
                with_scalar(binary, rows, |value, step| outcome(binary, value, scalar[step], value))
            }
            (Evaluated::Scalar(scalar), Evaluated::Vector(rows)) => {
                with_scalar(binary, rows, |value, step| outcome(binary, scalar[step], value, value))
            }
            (Evaluated::Vector(left), Evaluated::Vector(right)) => {
                Ok(Evaluated::Vector(self.match_vectors(binary, left, right)?))
            }
            _ => Err(EvalError::execution("operators do not work on strings")),
        }
    }
}

fn with_scalar(
    binary: &Binary,
    mut rows: Vec<Row>,
    value: impl Fn(f64, usize) -> Option<f64>,
) -> Result<Evaluated, EvalError> {
    for row in &mut rows {
        if drops_name(binary) {
            row.labels = without_name(&row.labels);
        }
        row.update(|point| value(point.value, point.step as usize));
    }
    Ok(Evaluated::Vector(merge(rows)?))
}

/// Whether the result is no longer the metric that went in.
pub fn drops_name(binary: &Binary) -> bool {
    binary.returns_bool || !(binary.op.is_comparison() || binary.op.is_set())
}

/// The value that two samples give; of a comparison that filters, `kept` if it holds.
pub fn outcome(binary: &Binary, left: f64, right: f64, kept: f64) -> Option<f64> {
    if !binary.op.is_comparison() || binary.returns_bool {
        return Some(number(binary.op, left, right));
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
