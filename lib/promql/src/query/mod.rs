//! Queries: text to checked expression.

mod convert;
pub(crate) mod expr;
mod guard;
mod locate;
pub(crate) mod place;
mod token;

use std::fmt;

use event::Matcher;

use crate::{ParseError, eval::Options};
use expr::{Expr, VectorSelector};

pub use expr::ValueType;

/// The longest query that [`parse`] takes.
pub const MAX_QUERY_BYTES: usize = 64 * 1024;
/// The deepest nesting of expressions that [`parse`] takes; a chain like `a or b or c` nests too.
pub const MAX_DEPTH: usize = 200;

/// A query that is known to be well formed and of matching types. Displays as formatted PromQL.
#[derive(Clone, Debug)]
pub struct Query {
    text: String,
    pub(crate) expr: Expr,
}

/// One selector of a query, and how much of the past it needs.
#[derive(Clone, Debug)]
pub struct Selector {
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// How far before an evaluation step the selector reads, in milliseconds: range, offset and enclosing
    /// subqueries. Negative if it reads only what comes after the step.
    pub reach_ms: i64,
    /// Whether an `@` modifier ties it to a time of its own, whatever the step; `reach_ms` then counts from that
    /// time. `@ start()` and `@ end()` do not: they are steps.
    pub fixed: bool,
}

/// Parses and checks a query.
///
/// # Errors
/// When `query` is not PromQL, its types do not fit, or it is longer than [`MAX_QUERY_BYTES`] or nested deeper
/// than [`MAX_DEPTH`].
pub fn parse(query: &str) -> Result<Query, ParseError> {
    guard::check(query)?;
    let parsed = promql_parser::parser::parse(query).map_err(|message| locate::locate(query, message))?;
    let expr = convert::convert(&parsed, query)?;
    Ok(Query { text: parsed.to_string(), expr })
}

/// Parses one selector and nothing else, as `match[]` has it: `up{job="a"}`.
///
/// # Errors
/// As [`parse`]; also when the query is more than a selector.
pub fn parse_selector(text: &str) -> Result<Vec<Matcher>, ParseError> {
    match parse(text)?.expr.unmarked() {
        Expr::Selector(VectorSelector { matchers, time }) if time.at.is_none() && time.offset_ms == 0 => {
            Ok(matchers.clone())
        }
        _ => Err(ParseError::new("expected a selector and nothing else, like up{job=\"a\"}")),
    }
}

impl Query {
    /// The type of the query's value.
    pub fn value_type(&self) -> ValueType {
        self.expr.value_type()
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

    fn selectors_with(&self, options: &Options) -> Vec<Selector> {
        let mut found = Vec::new();
        collect(&self.expr, options.lookback_ms, Reach::default(), &mut found);
        found
    }
}

/// What the subqueries around a selector add to its reach.
#[derive(Clone, Copy, Default)]
struct Reach {
    ms: i64,
    fixed: bool,
}

fn collect(expr: &Expr, lookback_ms: i64, around: Reach, found: &mut Vec<Selector>) {
    let mut add = |selector: &VectorSelector, range_ms: i64| {
        found.push(Selector {
            matchers: selector.matchers.clone(),
            reach_ms: range_ms.saturating_add(selector.time.offset_ms).saturating_add(around.ms),
            fixed: around.fixed || selector.time.is_fixed(),
        });
    };
    match expr {
        Expr::Selector(selector) => add(selector, lookback_ms),
        Expr::Range(range) => add(&range.selector, range.range_ms),
        Expr::Subquery(subquery) => {
            let ms = subquery.range_ms.saturating_add(subquery.time.offset_ms).saturating_add(around.ms);
            let fixed = around.fixed || subquery.time.is_fixed();
            collect(&subquery.expr, lookback_ms, Reach { ms, fixed }, found);
        }
        other => other.children().for_each(|child| collect(child, lookback_ms, around, found)),
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
