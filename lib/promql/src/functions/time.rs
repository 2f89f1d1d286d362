//! Time, constants, and the ways between scalars and vectors.

use event::Labels;

use super::{
    Custom,
    math::{maximum, minimum},
};
use crate::{
    EvalError,
    eval::{Evaluated, Evaluator, Point, Row, Steps, merge},
    query::expr::{Call, Expr},
};

/// The function of this name.
pub fn find(name: &str) -> Option<Custom> {
    Some(match name {
        "end" => |e, _, steps| constant(e, e.whole.end() as f64 / 1000.0, steps),
        "max_of" => |e, call, steps| pairwise(e, call, steps, maximum),
        "min_of" => |e, call, steps| pairwise(e, call, steps, minimum),
        "pi" => |e, _, steps| constant(e, std::f64::consts::PI, steps),
        "range" => |e, _, steps| constant(e, (e.whole.end() - e.whole.start()) as f64 / 1000.0, steps),
        "scalar" => scalar,
        "start" => |e, _, steps| constant(e, e.whole.start() as f64 / 1000.0, steps),
        "start_timestamp" => start_timestamp,
        "step" => step,
        "time" => time,
        "timestamp" => timestamp,
        "vector" => vector,
        _ => return None,
    })
}

fn constant(evaluator: &Evaluator<'_>, value: f64, steps: &Steps) -> Result<Evaluated, EvalError> {
    evaluator.charge(steps.count())?;
    Ok(Evaluated::Scalar(vec![value; steps.count()]))
}

/// The time of each step, in seconds.
pub fn time(evaluator: &Evaluator<'_>, _: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    evaluator.charge(steps.count())?;
    Ok(Evaluated::Scalar(steps.times().map(|ms| ms as f64 / 1000.0).collect()))
}

/// A series without labels.
pub fn vector(evaluator: &Evaluator<'_>, call: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    let values = evaluator.scalar(&call.args[0], steps)?;
    Ok(Evaluated::Vector(vec![Row::dense(Labels::default(), values)]))
}

fn step(evaluator: &Evaluator<'_>, _: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    let instant = evaluator.whole.count() == 1;
    let value = if instant { 0.0 } else { evaluator.whole.step() as f64 / 1000.0 };
    constant(evaluator, value, steps)
}

fn pairwise(
    evaluator: &Evaluator<'_>,
    call: &Call,
    steps: &Steps,
    of: fn(f64, f64) -> f64,
) -> Result<Evaluated, EvalError> {
    let left = evaluator.scalar(&call.args[0], steps)?;
    let right = evaluator.scalar(&call.args[1], steps)?;
    Ok(Evaluated::Scalar(left.into_iter().zip(right).map(|(l, r)| of(l, r)).collect()))
}

/// The value of the only series; NaN where there is none or more than one.
fn scalar(evaluator: &Evaluator<'_>, call: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    evaluator.charge(steps.count())?;
    let mut found: Vec<(usize, f64)> = vec![(0, f64::NAN); steps.count()];
    for point in evaluator.vector(&call.args[0], steps)?.iter().flat_map(|row| &row.points) {
        let (count, value) = &mut found[point.step as usize];
        *count += 1;
        *value = if *count == 1 { point.value } else { f64::NAN };
    }
    Ok(Evaluated::Scalar(found.into_iter().map(|(_, value)| value).collect()))
}

/// Of a selector: when the counter of its sample began; anything else says nothing of that.
fn start_timestamp(evaluator: &Evaluator<'_>, call: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    let mut rows = match call.args[0].unmarked() {
        Expr::Selector(selector) if evaluator.uses_starts() => evaluator.instant_starts(selector, steps)?,
        other => {
            evaluator.vector(other, steps)?;
            Vec::new()
        }
    };
    rows.iter_mut().for_each(|row| evaluator.forget_name(row));
    Ok(Evaluated::Vector(merge(rows)?))
}

/// Of a selector: the time of its sample; of anything else: the time of the step.
fn timestamp(evaluator: &Evaluator<'_>, call: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    let mut rows = match call.args[0].unmarked() {
        Expr::Selector(selector) => evaluator.instant_times(selector, steps)?,
        other => {
            let mut rows = evaluator.vector(other, steps)?;
            for row in &mut rows {
                let mut at_steps: Vec<u32> = row.steps().collect();
                at_steps.sort_unstable();
                let seconds = |step: u32| steps.time(step as usize) as f64 / 1000.0;
                row.points = at_steps.into_iter().map(|step| Point { step, value: seconds(step) }).collect();
                row.histograms.clear();
            }
            rows
        }
    };
    for row in &mut rows {
        evaluator.forget_name(row);
    }
    Ok(Evaluated::Vector(merge(rows)?))
}
