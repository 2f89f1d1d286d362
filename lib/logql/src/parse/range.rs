//! Functions over windows of entries.

use super::{
    Parser, Tok,
    metric::{grouping, parameter},
};
use crate::{
    ParseError,
    ast::{LogExpr, MetricExpr, RangeAggregation, RangeOp},
    stage::{Stage, unwrap::Unwrap},
};

pub(super) fn range_aggregation(parser: &mut Parser<'_>, op: RangeOp) -> Result<MetricExpr, ParseError> {
    let at = parser.at();
    parser.advance();
    parser.expect("(")?;
    let parameter = parameter(parser)?;
    let window = parser.deeper(window)?;
    let Some(range_ns) = window.range_ns else { return Err(parser.unexpected(&[])) };
    parser.expect(")")?;
    let grouping = grouping(parser)?;
    let aggregation = RangeAggregation {
        op,
        parameter: parameter.as_ref().map(|(value, _)| *value),
        log: LogExpr { matchers: window.matchers, stages: window.stages },
        unwrap: window.unwrap,
        range_ns,
        offset_ns: window.offset_ns,
        grouping,
    };
    check_range(&aggregation, parameter).map_err(|why| parser.error(at, why))?;
    Ok(MetricExpr::Range(Box::new(aggregation)))
}

fn check_range(aggregation: &RangeAggregation, parameter: Option<(f64, String)>) -> Result<(), String> {
    use RangeOp::*;
    let (op, name) = (aggregation.op, aggregation.op.name());
    match (op, parameter) {
        (QuantileOverTime, None) => return Err(format!("parameter required for operation {name}")),
        (QuantileOverTime, _) | (_, None) => {}
        (_, Some((_, text))) => return Err(format!("parameter {text} not supported for operation {name}")),
    }
    let may_group = matches!(
        op,
        AvgOverTime
            | StddevOverTime
            | StdvarOverTime
            | QuantileOverTime
            | MaxOverTime
            | MinOverTime
            | FirstOverTime
            | LastOverTime
    );
    if aggregation.grouping.is_some() && !may_group {
        return Err(format!("grouping not allowed for {name} aggregation"));
    }
    let counts_lines = matches!(op, CountOverTime | BytesRate | BytesOverTime);
    let needs_values = !counts_lines && !matches!(op, Rate | AbsentOverTime);
    match aggregation.unwrap {
        Some(_) if counts_lines => Err(format!("invalid aggregation {name} with unwrap")),
        None if needs_values => Err(format!("invalid aggregation {name} without unwrap")),
        _ => Ok(()),
    }
}

/// What a range aggregation works on; the range may stand in several places.
#[derive(Default)]
struct Window {
    matchers: Vec<event::Matcher>,
    stages: Vec<Stage>,
    unwrap: Option<Unwrap>,
    range_ns: Option<i64>,
    offset_ns: i64,
}

fn window(parser: &mut Parser<'_>) -> Result<Window, ParseError> {
    let mut found = if parser.accept("(") {
        let inner = parser.deeper(window)?;
        parser.expect(")")?;
        inner
    } else {
        Window { matchers: parser.selector()?, ..Window::default() }
    };
    loop {
        match *parser.peek() {
            Tok::Range(range_ns) if found.range_ns.is_none() => {
                parser.advance();
                found.range_ns = Some(range_ns);
                found.offset_ns = offset(parser)?;
            }
            Tok::Word("|") if *parser.peek_second() == Tok::Word("unwrap") && found.unwrap.is_none() => {
                found.unwrap = Some(Unwrap::parse(parser)?);
            }
            _ if found.unwrap.is_some() => return Ok(found),
            _ => match parser.stage()? {
                Some(stage) => found.stages.push(stage),
                None => return Ok(found),
            },
        }
    }
}

fn offset(parser: &mut Parser<'_>) -> Result<i64, ParseError> {
    if !parser.accept("offset") {
        return Ok(0);
    }
    let sign = if parser.accept("-") { -1 } else { 1 };
    let Tok::Duration(ns) = *parser.peek() else { return Err(parser.unexpected(&["DURATION"])) };
    parser.advance();
    Ok(sign * ns)
}
