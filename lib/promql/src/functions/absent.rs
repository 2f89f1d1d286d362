//! `absent`: a value where there is none.

use event::{Labels, METRIC_NAME, MatchOp, Matcher};

use super::Custom;
use crate::{
    EvalError,
    eval::{Datum, Evaluated, Evaluator, OfWindow, OverTime, Point, Row, Steps},
    query::expr::{Call, Expr},
};

/// The function of this name.
pub fn find(name: &str) -> Option<Custom> {
    Some(match name {
        "absent" => absent,
        "absent_over_time" => absent_over_time,
        _ => return None,
    })
}

fn absent(evaluator: &Evaluator<'_>, call: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    evaluator.charge(steps.count())?;
    let rows = evaluator.vector(&call.args[0], steps)?;
    Ok(Evaluated::Vector(gaps(&rows, &call.args[0], steps)))
}

fn absent_over_time(evaluator: &Evaluator<'_>, call: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    let present =
        OverTime { keeps_name: true, ..OverTime::new(OfWindow::All(|_, _| Some(Datum::Number(1.0)))) };
    evaluator.charge(steps.count())?;
    let rows = evaluator.over_time(&present, call, steps)?;
    Ok(Evaluated::Vector(gaps(&rows, &call.args[0], steps)))
}

/// 1 at every step at which no row has a value.
fn gaps(rows: &[Row], expr: &Expr, steps: &Steps) -> Vec<Row> {
    let mut has = vec![false; steps.count()];
    rows.iter().flat_map(Row::steps).for_each(|step| has[step as usize] = true);
    let missing = has.into_iter().zip(0..).filter(|(has, _)| !has);
    let points: Vec<Point> = missing.map(|(_, step)| Point { step, value: 1.0 }).collect();
    vec![Row::new(labels_of(expr), points)]
}

/// The labels that the series would have, as far as the selector tells.
fn labels_of(expr: &Expr) -> Labels {
    let matchers: &[Matcher] = match expr.unmarked() {
        Expr::Selector(selector) => &selector.matchers,
        Expr::Range(range) => &range.selector.matchers,
        _ => &[],
    };
    let told = matchers.iter().filter(|m| {
        let once = matchers.iter().filter(|other| other.name == m.name).count() == 1;
        once && m.op == MatchOp::Equal && m.name != METRIC_NAME
    });
    told.map(|m| (m.name.as_str(), m.value.as_str())).collect()
}
