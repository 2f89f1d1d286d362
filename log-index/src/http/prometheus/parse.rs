//! `parse_query`: a query's tree as Prometheus' page draws it.

use axum::{extract::State, response::Response};
use event::{METRIC_NAME, MatchOp, Matcher};
use promql::{
    Signature, Variadic,
    ast::{
        Aggregate, At, Binary, Boundary, Cardinality, Labels, Node, NodeKind, Selector, Span, Subquery,
        TimeModifiers,
    },
};
use serde_json::{Value, json};

use super::{Error, request::query, response};
use crate::http::{Service, number::Plain, params::Params};

/// The tree of a query.
pub(super) async fn parse(State(service): State<Service>, params: Params) -> Result<Response, Error> {
    let query = query(&params, &service)?;
    Ok(response::json(response::data(&tree(query.tree()), &[], &[])))
}

fn tree(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Number(literal) => json!({"type": "numberLiteral", "val": Plain(literal.value)}),
        NodeKind::Text(text) => json!({"type": "stringLiteral", "val": text}),
        NodeKind::Selector(found) => selector(found, json!({"type": "vectorSelector"})),
        NodeKind::Range(found, range) => {
            let (ms, expr) = span(Some(range));
            selector(found, json!({"type": "matrixSelector", "range": ms, "rangeExpr": expr}))
        }
        NodeKind::Subquery(found) => subquery(found),
        NodeKind::Paren(inner) => json!({"type": "parenExpr", "expr": tree(inner)}),
        NodeKind::Unary(minus, inner) => {
            json!({"type": "unaryExpr", "op": if *minus { "-" } else { "+" }, "expr": tree(inner)})
        }
        NodeKind::Binary(found) => binary(found),
        NodeKind::Aggregate(found) => aggregate(found),
        NodeKind::Call(signature, args) => {
            let args: Vec<Value> = args.iter().map(tree).collect();
            json!({"type": "call", "func": function(signature), "args": args})
        }
    }
}

fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

fn selector(found: &Selector, object: Value) -> Value {
    let name = found.name.as_ref().map(|name| Matcher::equal(METRIC_NAME, name));
    let matchers: Vec<Value> = found.matchers.iter().chain(&name).map(matcher).collect();
    let more = json!({
        "name": found.name.as_deref().unwrap_or_default(),
        "matchers": matchers,
        "anchored": found.time.boundary == Some(Boundary::Anchored),
        "smoothed": found.time.boundary == Some(Boundary::Smoothed),
    });
    with(with(object, more), time(&found.time))
}

fn matcher(matcher: &Matcher) -> Value {
    let op = match matcher.op {
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Regex => "=~",
        MatchOp::NotRegex => "!~",
    };
    json!({"name": matcher.name, "value": matcher.value, "type": op})
}

fn time(time: &TimeModifiers) -> Value {
    let (offset, expr) = span(time.offset.as_ref());
    let (timestamp, edge) = match time.at {
        None => (None, None),
        Some(At::Time(ms)) => (Some(ms), None),
        Some(At::Start) => (None, Some("start")),
        Some(At::End) => (None, Some("end")),
    };
    json!({"offset": offset, "offsetExpr": expr, "timestamp": timestamp, "startOrEnd": edge})
}

/// In milliseconds if that is known, else as an expression.
fn span(span: Option<&Span>) -> (i64, Value) {
    match span {
        None => (0, Value::Null),
        Some(Span::Literal(literal)) => ((literal.value * 1000.0).round() as i64, Value::Null),
        Some(other) => (0, duration(other)),
    }
}

fn duration(span: &Span) -> Value {
    let expr = |op: &str, left: Value, right: Value| json!({"type": "durationExpr", "op": op, "lhs": left, "rhs": right, "wrapped": false});
    match span {
        Span::Literal(literal) => {
            json!({"type": "numberLiteral", "val": Plain(literal.value), "duration": literal.is_duration})
        }
        Span::Step => expr("step", Value::Null, Value::Null),
        Span::Range => expr("range", Value::Null, Value::Null),
        Span::Negative(inner) => expr("-", Value::Null, duration(inner)),
        Span::Paren(inner) => {
            let inner = match &**inner {
                Span::Literal(_) => expr("+", Value::Null, duration(inner)),
                inner => duration(inner),
            };
            with(inner, json!({"wrapped": true}))
        }
        Span::MinOf(pair) => expr("min_of", duration(&pair.0), duration(&pair.1)),
        Span::MaxOf(pair) => expr("max_of", duration(&pair.0), duration(&pair.1)),
        Span::Binary(op, pair) => expr(op.name(), duration(&pair.0), duration(&pair.1)),
    }
}

fn subquery(found: &Subquery) -> Value {
    let ((range, range_expr), (step, step_expr)) = (span(Some(&found.range)), span(found.step.as_ref()));
    let object = json!({
        "type": "subquery", "expr": tree(&found.expr),
        "range": range, "rangeExpr": range_expr, "step": step, "stepExpr": step_expr,
    });
    with(object, time(&found.time))
}

fn binary(found: &Binary) -> Value {
    let vectors =
        [&found.left, &found.right].iter().all(|side| side.value_type() == promql::ValueType::Vector);
    let (on, labels) = names(found.matching.labels.as_ref());
    let card = match found.matching.cardinality {
        _ if found.op.is_set() => "many-to-many",
        Cardinality::OneToOne => "one-to-one",
        Cardinality::ManyToOne => "many-to-one",
        Cardinality::OneToMany => "one-to-many",
    };
    let (left, right) = found.matching.fill;
    let matching = json!({
        "card": card, "labels": labels, "on": on, "include": found.matching.include,
        "fillValues": {"lhs": left, "rhs": right},
    });
    json!({
        "type": "binaryExpr", "op": found.op.name(), "lhs": tree(&found.left), "rhs": tree(&found.right),
        "matching": vectors.then_some(matching), "bool": found.returns_bool,
    })
}

fn names(labels: Option<&Labels>) -> (bool, Vec<&str>) {
    let names = labels.iter().flat_map(|labels| labels.names.iter().map(String::as_str));
    (labels.is_some_and(|labels| labels.only), names.collect())
}

fn aggregate(found: &Aggregate) -> Value {
    let (only, grouping) = names(found.grouping.as_ref());
    json!({
        "type": "aggregation", "op": found.op, "expr": tree(&found.expr),
        "param": found.param.as_ref().map(tree), "grouping": grouping,
        "without": found.grouping.is_some() && !only,
    })
}

fn function(signature: &Signature) -> Value {
    let variadic = match signature.variadic {
        Variadic::No => 0,
        Variadic::UpTo(more) => more as i64,
        Variadic::Any => -1,
    };
    let types: Vec<&str> = signature.args.iter().map(|arg| arg.api_name()).collect();
    json!({
        "name": signature.name, "argTypes": types, "variadic": variadic,
        "returnType": signature.returns.api_name(),
    })
}
