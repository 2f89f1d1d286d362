//! Queries: checked text, and what of it is known before it is evaluated.

pub(crate) mod expr;
mod lower;
mod timing;

use std::fmt;

use event::Matcher;

use crate::{
    EvalError, ParseError,
    eval::Options,
    parse::{self, Features, ast::Node},
};
use expr::{AggregateOp, Expr, VectorSelector};

/// Functions that give labels other values.
const RELABELLING: [&str; 3] = ["label_replace", "label_join", "info"];

pub use expr::ValueType;
pub(crate) use timing::Timing;

/// A query that is known to be well formed and of matching types. Displays as formatted PromQL.
#[derive(Clone, Debug)]
pub struct Query {
    text: String,
    tree: Node,
    features: Features,
}

/// One selector of a query, and how much of the past it needs.
#[derive(Clone, Debug)]
pub struct Selector {
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// How far before an evaluation step the selector reads, in milliseconds: range, offset and enclosing
    /// subqueries. Negative if it reads only what comes after the step.
    pub reach_ms: i64,
    /// How far before a step the newest that it reads may be: its offset and those around it. Negative if it reads
    /// what comes after the step.
    pub offset_ms: i64,
    /// Whether it reads more than the newest sample of each series: a range, or something in a subquery.
    pub is_range: bool,
    /// Whether an `@` modifier ties it to a time of its own, whatever the step; `reach_ms` then counts from that
    /// time. `@ start()` and `@ end()` do not: they are steps.
    pub fixed: bool,
}

/// Parses and checks a query, with the features of [`Features::default`].
///
/// # Errors
/// When `query` is not PromQL, its types do not fit, or it is longer than
/// [`MAX_QUERY_BYTES`](crate::MAX_QUERY_BYTES) or nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
pub fn parse(query: &str) -> Result<Query, ParseError> {
    parse_with(query, Features::default())
}

/// As [`parse`], with these experimental features only.
///
/// # Errors
/// As [`parse`]; also when the query uses a feature that is not among `features`.
pub fn parse_with(query: &str, features: Features) -> Result<Query, ParseError> {
    Ok(Query { text: query.to_string(), tree: parse::tree(query, features)?, features })
}

/// Parses one selector and nothing else, as `match[]` has it: `up{job="a"}`.
///
/// # Errors
/// As [`parse`]; also when the query is more than a selector.
pub fn parse_selector(text: &str) -> Result<Vec<Matcher>, ParseError> {
    let query = parse(text)?;
    match query.lowered(Timing::default()) {
        Ok(Expr::Selector(VectorSelector { matchers, time, boundary: None, .. })) if time.is_now() => {
            Ok(matchers)
        }
        _ => Err(ParseError::new("expected a selector and nothing else, like up{job=\"a\"}")),
    }
}

impl Query {
    /// The type of the query's value.
    pub fn value_type(&self) -> ValueType {
        self.tree.value_type()
    }

    /// The query as it was written, as a tree.
    pub fn tree(&self) -> &Node {
        &self.tree
    }

    /// What it was parsed with.
    pub(crate) fn features(&self) -> Features {
        self.features
    }

    /// The query as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn lowered(&self, timing: Timing) -> Result<Expr, EvalError> {
        lower::lower(&self.tree, timing)
    }

    /// Formatted over several lines if it is long.
    pub fn pretty(&self) -> String {
        self.tree.pretty()
    }

    /// All selectors, in the order in which they stand in the query, with the default look-back.
    pub fn selectors(&self) -> Vec<Selector> {
        self.selectors_with(&Options::default())
    }

    /// How far before an evaluation step the query reads at most, in milliseconds; selectors that `@` ties to
    /// a time of their own do not count. Zero if it reads nothing from before the step.
    pub fn lookback_ms(&self, options: &Options) -> i64 {
        let moving = self.selectors_with(options).into_iter().filter(|s| !s.fixed);
        moving.map(|s| s.reach_ms).max().unwrap_or(0).max(0)
    }

    /// Whether a label of the result may have another value than in the series that are read.
    pub fn relabels(&self) -> bool {
        self.lowered(Timing::default()).is_ok_and(|expr| relabels(&expr))
    }

    fn selectors_with(&self, options: &Options) -> Vec<Selector> {
        let mut found = Vec::new();
        // What cannot be evaluated at an instant reads nothing.
        if let Ok(expr) = self.lowered(Timing::default()) {
            collect(&expr, options.lookback_ms, Reach::default(), &mut found);
        }
        found
    }
}

/// What the subqueries around a selector add to its reach and offset.
#[derive(Clone, Copy, Default)]
struct Reach {
    ms: i64,
    offset_ms: i64,
    is_range: bool,
    fixed: bool,
}

fn collect(expr: &Expr, lookback_ms: i64, around: Reach, found: &mut Vec<Selector>) {
    let mut add = |selector: &VectorSelector, range_ms: i64, is_range: bool| {
        found.push(Selector {
            matchers: selector.matchers.clone(),
            reach_ms: range_ms.saturating_add(selector.time.offset_ms).saturating_add(around.ms),
            offset_ms: selector.time.offset_ms.saturating_add(around.offset_ms),
            is_range: is_range || around.is_range,
            fixed: around.fixed || selector.time.is_fixed(),
        });
    };
    match expr {
        Expr::Selector(selector) => add(selector, lookback_ms, false),
        Expr::Range(range) => add(&range.selector, range.range_ms, true),
        Expr::Subquery(subquery) => {
            let ms = subquery.range_ms.saturating_add(subquery.time.offset_ms).saturating_add(around.ms);
            let offset_ms = subquery.time.offset_ms.saturating_add(around.offset_ms);
            let fixed = around.fixed || subquery.time.is_fixed();
            collect(&subquery.expr, lookback_ms, Reach { ms, offset_ms, is_range: true, fixed }, found);
        }
        other => other.children().for_each(|child| collect(child, lookback_ms, around, found)),
    }
}

fn relabels(expr: &Expr) -> bool {
    let itself = match expr {
        Expr::Call(call) => RELABELLING.contains(&call.name),
        Expr::Aggregate(aggregate) => aggregate.op == AggregateOp::CountValues,
        _ => false,
    };
    itself || expr.children().any(relabels)
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}
