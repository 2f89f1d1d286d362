//! Metric queries: numbers, functions, operators.

use regex::RegexBuilder;

use super::{Parser, Tok, range::range_aggregation, reason};
use crate::{
    Expr, ParseError,
    ast::{
        BinaryOp, BinaryOperation, Grouping, LabelReplace, Matching, MetricExpr, RangeOp, Side,
        VectorAggregation, VectorOp,
    },
    eval::binary::calculate,
    stage::label_filter::Compare,
};

/// A whole query, or what stands in parentheses.
pub(super) fn expr(parser: &mut Parser<'_>) -> Result<Expr, ParseError> {
    parser.deeper(|parser| binary(parser, 1))
}

fn metric(parser: &mut Parser<'_>) -> Result<MetricExpr, ParseError> {
    let at = parser.at();
    match expr(parser)? {
        Expr::Metric(metric) => Ok(metric),
        Expr::Log(_) => Err(if *parser.peek() == Tok::End {
            parser.unexpected(&[])
        } else {
            match parser.peek() {
                Tok::Word(")") => {
                    parser.error(at, "syntax error: a log query stands where a metric query is needed")
                }
                _ => parser.unexpected(&[]),
            }
        }),
    }
}

/// Operators and how strongly they bind.
fn operator(tok: &Tok) -> Option<(BinaryOp, usize)> {
    Some(match tok {
        Tok::Word("or") => (BinaryOp::Or, 1),
        Tok::Word("and") => (BinaryOp::And, 2),
        Tok::Word("unless") => (BinaryOp::Unless, 2),
        Tok::Word("==") => (BinaryOp::Compare(Compare::Equal), 3),
        Tok::Word("!=") => (BinaryOp::Compare(Compare::NotEqual), 3),
        Tok::Word(">") => (BinaryOp::Compare(Compare::Greater), 3),
        Tok::Word(">=") => (BinaryOp::Compare(Compare::GreaterOrEqual), 3),
        Tok::Word("<") => (BinaryOp::Compare(Compare::Less), 3),
        Tok::Word("<=") => (BinaryOp::Compare(Compare::LessOrEqual), 3),
        Tok::Word("+") => (BinaryOp::Add, 4),
        Tok::Word("-") => (BinaryOp::Sub, 4),
        Tok::Word("*") => (BinaryOp::Mul, 5),
        Tok::Word("/") => (BinaryOp::Div, 5),
        Tok::Word("%") => (BinaryOp::Mod, 5),
        Tok::Word("^") => (BinaryOp::Pow, 6),
        _ => return None,
    })
}

/// Operands joined by operators that bind at least as strongly as `weakest`.
fn binary(parser: &mut Parser<'_>, weakest: usize) -> Result<Expr, ParseError> {
    let mut left = operand(parser)?;
    while let Some((op, strength)) = operator(parser.peek()).filter(|(_, s)| *s >= weakest) {
        let at = parser.at();
        parser.advance();
        parser.count_operator()?;
        let returns_bool = parser.accept("bool");
        let matching = matching(parser)?;
        // only `^` goes from right to left
        let next = if op == BinaryOp::Pow { strength } else { strength + 1 };
        let right = parser.deeper(|parser| binary(parser, next))?;
        let left_leg = leg(parser, at, op, "left", left)?;
        let right_leg = leg(parser, at, op, "right", right)?;
        left = Expr::Metric(match (&left_leg, &right_leg) {
            (MetricExpr::Literal(a), MetricExpr::Literal(b)) => MetricExpr::Literal(calculate(op, *a, *b)),
            _ => MetricExpr::Binary(Box::new(BinaryOperation {
                op,
                returns_bool,
                matching,
                left: left_leg,
                right: right_leg,
            })),
        });
    }
    Ok(left)
}

fn leg(
    parser: &Parser<'_>,
    at: usize,
    op: BinaryOp,
    side: &str,
    expr: Expr,
) -> Result<MetricExpr, ParseError> {
    match expr {
        Expr::Log(log) => {
            let kind = if log.stages.is_empty() { "MatchersExpr" } else { "PipelineExpr" };
            let op = op.as_str();
            let message =
                format!("unexpected type for {side} leg of binary operation ({op}): *syntax.{kind}");
            Err(parser.error(at, message))
        }
        Expr::Metric(MetricExpr::Literal(value)) if op.is_set() => {
            let op = op.as_str();
            let message = format!(
                "unexpected literal for {side} leg of logical/set binary operation ({op}): {value:.6}"
            );
            Err(parser.error(at, message))
        }
        Expr::Metric(metric) => Ok(metric),
    }
}

fn matching(parser: &mut Parser<'_>) -> Result<Matching, ParseError> {
    let mut matching = Matching::default();
    if parser.accept("on") {
        matching.on = true;
    } else if !parser.accept("ignoring") {
        return Ok(matching);
    }
    matching.labels = names(parser)?;
    matching.group = match parser.peek() {
        Tok::Word("group_left") => Some(Side::Left),
        Tok::Word("group_right") => Some(Side::Right),
        _ => return Ok(matching),
    };
    parser.advance();
    // `group_left (a)` names labels, `group_left (sum(…))` goes on with the operand
    let named =
        *parser.peek() == Tok::Word("(") && matches!(parser.peek_second(), Tok::Ident(_) | Tok::Word(")"));
    if named {
        matching.include = names(parser)?;
    }
    Ok(matching)
}

/// Names in parentheses, perhaps none.
fn names(parser: &mut Parser<'_>) -> Result<Vec<String>, ParseError> {
    parser.expect("(")?;
    if parser.accept(")") {
        return Ok(Vec::new());
    }
    if !matches!(parser.peek(), Tok::Ident(_)) {
        return Err(parser.unexpected(&["IDENTIFIER", ")"]));
    }
    let names = parser.list(Parser::ident)?;
    parser.expect(")")?;
    Ok(names)
}

fn operand(parser: &mut Parser<'_>) -> Result<Expr, ParseError> {
    match parser.peek().clone() {
        Tok::Word("{") => parser.log_expr().map(Expr::Log),
        Tok::Word("(") => {
            parser.advance();
            let inner = expr(parser)?;
            parser.expect(")")?;
            Ok(inner)
        }
        Tok::Number(_) => number(parser),
        Tok::Word("+" | "-") if matches!(parser.peek_second(), Tok::Number(_)) => number(parser),
        Tok::Function("vector") => vector(parser).map(Expr::Metric),
        Tok::Function("label_replace") => label_replace(parser).map(Expr::Metric),
        Tok::Function(name) => function(parser, name).map(Expr::Metric),
        _ => Err(parser.unexpected(&[])),
    }
}

fn number(parser: &mut Parser<'_>) -> Result<Expr, ParseError> {
    parser.signed_number().map(|value| Expr::Metric(MetricExpr::Literal(value)))
}

fn vector(parser: &mut Parser<'_>) -> Result<MetricExpr, ParseError> {
    parser.advance();
    parser.expect("(")?;
    if !matches!(parser.peek(), Tok::Number(_)) {
        return Err(parser.unexpected(&["NUMBER"]));
    }
    let value = parser.signed_number()?;
    parser.expect(")")?;
    Ok(MetricExpr::Vector(value))
}

fn label_replace(parser: &mut Parser<'_>) -> Result<MetricExpr, ParseError> {
    parser.advance();
    parser.expect("(")?;
    let inner = metric(parser)?;
    let mut texts: [String; 4] = Default::default();
    let mut at = parser.at();
    for text in &mut texts {
        parser.expect(",")?;
        at = parser.at();
        *text = parser.text()?;
    }
    parser.expect(")")?;
    let [target, replacement, source, pattern] = texts;
    let regex = RegexBuilder::new(&format!("^(?s:{pattern})$"))
        .build()
        .map_err(|e| parser.error(at, format!("invalid regex in label_replace: {}", reason(&e))))?;
    Ok(MetricExpr::LabelReplace(Box::new(LabelReplace {
        inner,
        target,
        replacement,
        source,
        pattern,
        regex,
    })))
}

fn function(parser: &mut Parser<'_>, name: &str) -> Result<MetricExpr, ParseError> {
    if let Some(op) = RangeOp::from_name(name) {
        return range_aggregation(parser, op);
    }
    match VectorOp::from_name(name) {
        Some(op) => vector_aggregation(parser, op),
        None => Err(parser.unexpected(&[])),
    }
}

pub(super) fn grouping(parser: &mut Parser<'_>) -> Result<Option<Grouping>, ParseError> {
    let without = match parser.peek() {
        Tok::Word("by") => false,
        Tok::Word("without") => true,
        _ => return Ok(None),
    };
    parser.advance();
    Ok(Some(Grouping { without, labels: names(parser)? }))
}

/// `5,` before the argument.
pub(super) fn parameter(parser: &mut Parser<'_>) -> Result<Option<(f64, String)>, ParseError> {
    let (Tok::Number(text), Tok::Word(",")) = (parser.peek().clone(), parser.peek_second()) else {
        return Ok(None);
    };
    let value = parser.signed_number()?;
    parser.expect(",")?;
    Ok(Some((value, text)))
}

fn vector_aggregation(parser: &mut Parser<'_>, op: VectorOp) -> Result<MetricExpr, ParseError> {
    let at = parser.at();
    parser.advance();
    let before = grouping(parser)?;
    parser.expect("(")?;
    let parameter = parameter(parser)?;
    let inner = metric(parser)?;
    parser.expect(")")?;
    let behind = if before.is_none() { grouping(parser)? } else { None };
    let grouping = before.or(behind);
    let parameter = check_vector(op, parameter, grouping.is_some()).map_err(|why| parser.error(at, why))?;
    Ok(MetricExpr::Aggregation(Box::new(VectorAggregation { op, parameter, grouping, inner })))
}

fn check_vector(
    op: VectorOp,
    parameter: Option<(f64, String)>,
    grouped: bool,
) -> Result<Option<usize>, String> {
    let name = op.name();
    match op {
        VectorOp::Sort | VectorOp::SortDesc if grouped => {
            return Err("sort and sort_desc doesn't allow grouping by".into());
        }
        VectorOp::ApproxTopk if grouped => {
            return Err(format!("grouping not allowed for {name} aggregation"));
        }
        VectorOp::Topk | VectorOp::Bottomk | VectorOp::ApproxTopk => {}
        _ => {
            return match parameter {
                None => Ok(None),
                Some((_, text)) => Err(format!("unsupported parameter for operation {name}({text},")),
            };
        }
    }
    let Some((value, text)) = parameter else {
        return Err(format!("parameter required for operation {name}"));
    };
    match value {
        v if v < 1.0 => Err(format!("invalid parameter (must be greater than 0) {name}({text}")),
        v if v.fract() != 0.0 => Err(format!("invalid parameter {name}({text},")),
        v => Ok(Some(v as usize)),
    }
}
