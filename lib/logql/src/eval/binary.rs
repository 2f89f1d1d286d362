//! Operators between numbers and series.

use std::collections::HashMap;

use super::{Evaluation, Vector, series::Series};
use crate::{
    EvalError, LabelSet,
    ast::{BinaryOp, BinaryOperation, Matching, Side},
};

/// The value of an operator between two numbers; a comparison answers 0 or 1.
pub(crate) fn calculate(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        // Loki, unlike Prometheus, has no infinity here
        BinaryOp::Div if right == 0.0 => f64::NAN,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => left.powf(right),
        BinaryOp::Compare(compare) => f64::from(u8::from(compare.holds(left, right))),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => f64::NAN,
    }
}

/// The value of an operation.
pub(super) fn evaluate(
    evaluation: &Evaluation<'_>,
    operation: &BinaryOperation,
) -> Result<Vector, EvalError> {
    let left = evaluation.metric(&operation.left)?;
    let right = evaluation.metric(&operation.right)?;
    Ok(match (left, right) {
        (Vector::Scalar(a), Vector::Scalar(b)) => Vector::Scalar(calculate(operation.op, a, b)),
        (Vector::Series(series), Vector::Scalar(b)) => {
            Vector::Series(with_scalar(series, |value| combine(operation, value, b, value)))
        }
        (Vector::Scalar(a), Vector::Series(series)) => {
            Vector::Series(with_scalar(series, |value| combine(operation, a, value, value)))
        }
        (Vector::Series(left), Vector::Series(right)) => {
            let pairing = Pairing::new(&operation.matching, &left, &right);
            let steps = evaluation.steps.count;
            Vector::Series(match operation.op {
                BinaryOp::And | BinaryOp::Unless => pairing.intersect(operation.op, left, &right, steps),
                BinaryOp::Or => pairing.union(left, right, steps),
                _ => pairing.join(operation, &left, &right, steps)?,
            })
        }
    })
}

/// `None` where a comparison filters; `kept` is what stays where it holds.
fn combine(operation: &BinaryOperation, left: f64, right: f64, kept: f64) -> Option<f64> {
    match operation.op {
        BinaryOp::Compare(compare) if !operation.returns_bool => compare.holds(left, right).then_some(kept),
        op => Some(calculate(op, left, right)),
    }
}

fn with_scalar(mut series: Vec<Series>, value: impl Fn(f64) -> Option<f64>) -> Vec<Series> {
    for one in &mut series {
        one.values.iter_mut().for_each(|v| *v = v.and_then(&value));
    }
    series.retain(Series::has_values);
    series
}

/// Which series of both sides share the labels that are matched.
struct Pairing<'a> {
    matching: &'a Matching,
    left: Vec<usize>,
    right: Vec<usize>,
    /// How many different signatures there are.
    count: usize,
}

impl<'a> Pairing<'a> {
    fn new(matching: &'a Matching, left: &[Series], right: &[Series]) -> Self {
        let mut known: HashMap<LabelSet, usize> = HashMap::new();
        let mut number = |series: &Series| {
            let next = known.len();
            let on = |name: &str| matching.labels.iter().any(|l| l == name) == matching.on;
            *known.entry(series.labels.filtered(on)).or_insert(next)
        };
        let left = left.iter().map(&mut number).collect();
        let right = right.iter().map(&mut number).collect();
        Pairing { matching, left, right, count: known.len() }
    }

    /// Which signatures have a value at `step`.
    fn present(&self, signatures: &[usize], series: &[Series], step: usize) -> Vec<bool> {
        let mut present = vec![false; self.count];
        for (signature, one) in signatures.iter().zip(series) {
            present[*signature] |= one.values[step].is_some();
        }
        present
    }

    fn intersect(&self, op: BinaryOp, mut left: Vec<Series>, right: &[Series], steps: usize) -> Vec<Series> {
        for step in 0..steps {
            let present = self.present(&self.right, right, step);
            for (signature, one) in self.left.iter().zip(&mut left) {
                if present[*signature] != (op == BinaryOp::And) {
                    one.values[step] = None;
                }
            }
        }
        left.retain(Series::has_values);
        left
    }

    fn union(&self, mut left: Vec<Series>, mut right: Vec<Series>, steps: usize) -> Vec<Series> {
        for step in 0..steps {
            let present = self.present(&self.left, &left, step);
            for (signature, one) in self.right.iter().zip(&mut right) {
                if present[*signature] {
                    one.values[step] = None;
                }
            }
        }
        // a series may come from the left at one step and from the right at another
        let index: HashMap<LabelSet, usize> =
            left.iter().enumerate().map(|(i, s)| (s.labels.clone(), i)).collect();
        for one in right.into_iter().filter(Series::has_values) {
            match index.get(&one.labels) {
                Some(at) => left[*at].values.iter_mut().zip(one.values).for_each(|(l, r)| *l = l.or(r)),
                None => left.push(one),
            }
        }
        left.retain(Series::has_values);
        left
    }

    /// Arithmetic and comparisons: "one" is the side that may have each signature only once, "many" the other.
    fn join(
        &self,
        operation: &BinaryOperation,
        left: &[Series],
        right: &[Series],
        steps: usize,
    ) -> Result<Vec<Series>, EvalError> {
        let swapped = self.matching.group == Some(Side::Right);
        let (left, right) = ((left, &self.left), (right, &self.right));
        let ((many, signatures), one) = if swapped { (right, left) } else { (left, right) };
        let mut results = Results { steps, index: HashMap::new(), series: Vec::new() };
        for step in 0..steps {
            let mut partners = self.partners(one, step, swapped)?;
            for (series, signature) in many.iter().zip(signatures) {
                let Some(value) = series.values[step] else { continue };
                let Some((partner, other)) = self.partner(&mut partners[*signature])? else { continue };
                let (l, r) = if swapped { (other, value) } else { (value, other) };
                if let Some(result) = combine(operation, l, r, l) {
                    results.set(self.result_labels(&series.labels, &one.0[partner].labels), step, result)?;
                }
            }
        }
        Ok(results.series)
    }

    /// Without `group_left` and `group_right` a partner may be taken once.
    fn partner(&self, partner: &mut Partner) -> Result<Option<(usize, f64)>, EvalError> {
        match *partner {
            Partner::None => Ok(None),
            Partner::Taken => Err(EvalError::Invalid(
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
                    .into(),
            )),
            Partner::Some(series, value) => {
                if self.matching.group.is_none() {
                    *partner = Partner::Taken;
                }
                Ok(Some((series, value)))
            }
        }
    }

    /// The series of the "one" side with a value at `step`, by signature.
    fn partners(
        &self,
        (one, signatures): (&[Series], &Vec<usize>),
        step: usize,
        swapped: bool,
    ) -> Result<Vec<Partner>, EvalError> {
        let mut partners = vec![Partner::None; self.count];
        for (i, (series, signature)) in one.iter().zip(signatures).enumerate() {
            let Some(value) = series.values[step] else { continue };
            if !matches!(std::mem::replace(&mut partners[*signature], Partner::Some(i, value)), Partner::None)
            {
                let side = if swapped { "left" } else { "right" };
                return Err(EvalError::Invalid(format!(
                    "found duplicate series on the {side} hand-side; many-to-many matching not allowed: \
                     matching labels must be unique on one side"
                )));
            }
        }
        Ok(partners)
    }

    fn result_labels(&self, many: &LabelSet, one: &LabelSet) -> LabelSet {
        let matching = self.matching;
        let named = |name: &str| matching.labels.iter().any(|l| l == name);
        let labels = match matching.group {
            None => many.filtered(|name| named(name) == matching.on),
            Some(_) => many.clone(),
        };
        let include = |labels: LabelSet, name: &String| labels.with(name, one.get(name).unwrap_or(""));
        matching.include.iter().fold(labels, include)
    }
}

/// What the "one" side has for a signature at a step.
#[derive(Clone, Copy)]
enum Partner {
    None,
    /// Number of the series, and its value.
    Some(usize, f64),
    Taken,
}

/// Series of a join, found by their labels.
struct Results {
    steps: usize,
    index: HashMap<LabelSet, usize>,
    series: Vec<Series>,
}

impl Results {
    fn set(&mut self, labels: LabelSet, step: usize, value: f64) -> Result<(), EvalError> {
        let at = *self.index.entry(labels).or_insert_with_key(|labels| {
            self.series.push(Series { labels: labels.clone(), values: vec![None; self.steps] });
            self.series.len() - 1
        });
        match self.series[at].values[step].replace(value) {
            None => Ok(()),
            Some(_) => Err(EvalError::Invalid(
                "multiple matches for labels: grouping labels must ensure unique matches".into(),
            )),
        }
    }
}
