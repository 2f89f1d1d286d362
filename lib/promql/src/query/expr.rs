//! The expression as the evaluator walks it: names resolved, times in milliseconds, parentheses gone.

use std::fmt;

use event::{Labels, Matcher};

use crate::{
    functions::Function,
    parse::ast::{At, BinaryOp, Boundary, Cardinality},
};

/// PromQL's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// One number.
    Scalar,
    /// One sample of each series.
    Vector,
    /// A range of samples of each series.
    Matrix,
    /// A text.
    String,
}

impl ValueType {
    /// As Prometheus' API calls it.
    pub fn api_name(self) -> &'static str {
        match self {
            ValueType::Scalar => "scalar",
            ValueType::Vector => "vector",
            ValueType::Matrix => "matrix",
            ValueType::String => "string",
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValueType::Scalar => "scalar",
            ValueType::Vector => "instant vector",
            ValueType::Matrix => "range vector",
            ValueType::String => "string",
        })
    }
}

#[derive(Clone, Debug)]
pub enum Expr {
    Number(f64),
    String(String),
    Selector(VectorSelector),
    Range(Box<RangeSelector>),
    Subquery(Box<Subquery>),
    Negate(Box<Expr>),
    Binary(Box<Binary>),
    Aggregate(Box<Aggregate>),
    Call(Call),
    /// Gives the same at every step, so one step is enough.
    Invariant(Box<Expr>),
}

/// `@` and `offset`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeShift {
    pub at: Option<At>,
    pub offset_ms: i64,
}

impl TimeShift {
    /// Whether it does nothing.
    pub fn is_now(&self) -> bool {
        self.at.is_none() && self.offset_ms == 0
    }

    /// Whether the time is the same for every query.
    pub fn is_fixed(&self) -> bool {
        matches!(self.at, Some(At::Time(_)))
    }
}

#[derive(Clone, Debug, Default)]
pub struct VectorSelector {
    pub matchers: Vec<Matcher>,
    pub time: TimeShift,
    pub boundary: Option<Boundary>,
    /// Whether only counts and sums are read of histograms.
    pub counts_only: bool,
    /// Where it begins in the query.
    pub at: usize,
}

#[derive(Clone, Debug)]
pub struct RangeSelector {
    pub selector: VectorSelector,
    pub range_ms: i64,
}

#[derive(Clone, Debug)]
pub struct Subquery {
    pub expr: Expr,
    pub range_ms: i64,
    /// `None`: the default of the options.
    pub step_ms: Option<i64>,
    pub time: TimeShift,
}

#[derive(Clone, Debug)]
pub struct Binary {
    pub op: BinaryOp,
    pub left: Expr,
    pub right: Expr,
    pub returns_bool: bool,
    pub matching: Matching,
    /// Where it begins in the query.
    pub at: usize,
}

/// How the series of two vectors find each other.
#[derive(Clone, Debug)]
pub struct Matching {
    pub labels: Grouping,
    pub cardinality: Cardinality,
    /// Labels that the result takes from the "one" side.
    pub include: Vec<String>,
    /// What stands in for a missing partner on the left and on the right.
    pub fill: (Option<f64>, Option<f64>),
}

/// Which labels identify a group: `by`, `on`, or `without`, `ignoring`.
#[derive(Clone, Debug)]
pub enum Grouping {
    Only(Vec<String>),
    /// All but these and the metric's name.
    Except(Vec<String>),
}

impl Grouping {
    /// The labels of the group to which a series belongs.
    pub fn key(&self, labels: &Labels) -> Labels {
        match self {
            Grouping::Only(names) => labels.filtered(|n| names.iter().any(|k| k == n)),
            Grouping::Except(names) => {
                labels.filtered(|n| n != event::METRIC_NAME && !names.iter().any(|k| k == n))
            }
        }
    }
}

/// Where a call and its arguments begin: bytes of the query.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub at: usize,
    pub args: Vec<usize>,
}

impl Place {
    /// Where an argument begins.
    pub fn arg(&self, index: usize) -> usize {
        self.args.get(index).copied().unwrap_or(self.at)
    }
}

#[derive(Clone, Debug)]
pub struct Aggregate {
    pub op: AggregateOp,
    pub expr: Expr,
    pub param: Option<Expr>,
    pub grouping: Grouping,
    pub place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateOp {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    Stddev,
    Stdvar,
    Quantile,
    TopK,
    BottomK,
    CountValues,
    LimitK,
    LimitRatio,
}

impl AggregateOp {
    const ALL: [(&'static str, AggregateOp); 14] = [
        ("avg", AggregateOp::Avg),
        ("bottomk", AggregateOp::BottomK),
        ("count", AggregateOp::Count),
        ("count_values", AggregateOp::CountValues),
        ("group", AggregateOp::Group),
        ("limit_ratio", AggregateOp::LimitRatio),
        ("limitk", AggregateOp::LimitK),
        ("max", AggregateOp::Max),
        ("min", AggregateOp::Min),
        ("quantile", AggregateOp::Quantile),
        ("stddev", AggregateOp::Stddev),
        ("stdvar", AggregateOp::Stdvar),
        ("sum", AggregateOp::Sum),
        ("topk", AggregateOp::TopK),
    ];

    /// The aggregation of this name; the parser lets no other through.
    pub fn named(name: &str) -> Self {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map_or(AggregateOp::Group, |(_, op)| *op)
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, op)| *op == self).map_or("", |(name, _)| name)
    }
}

#[derive(Clone, Debug)]
pub struct Call {
    pub name: &'static str,
    pub function: Function,
    pub args: Vec<Expr>,
    pub returns: ValueType,
    pub place: Place,
}

impl Expr {
    pub fn value_type(&self) -> ValueType {
        match self {
            Expr::Number(_) => ValueType::Scalar,
            Expr::String(_) => ValueType::String,
            Expr::Selector(_) | Expr::Aggregate(_) => ValueType::Vector,
            Expr::Range(_) | Expr::Subquery(_) => ValueType::Matrix,
            Expr::Negate(inner) | Expr::Invariant(inner) => inner.value_type(),
            Expr::Binary(binary) => match binary.left.value_type() {
                ValueType::Scalar => binary.right.value_type(),
                other => other,
            },
            Expr::Call(call) => call.returns,
        }
    }

    /// The expressions right below this one.
    pub fn children(&self) -> impl Iterator<Item = &Expr> {
        let (fixed, args): ([Option<&Expr>; 2], &[Expr]) = match self {
            Expr::Number(_) | Expr::String(_) | Expr::Selector(_) | Expr::Range(_) => ([None, None], &[]),
            Expr::Subquery(subquery) => ([Some(&subquery.expr), None], &[]),
            Expr::Negate(inner) | Expr::Invariant(inner) => ([Some(inner), None], &[]),
            Expr::Binary(binary) => ([Some(&binary.left), Some(&binary.right)], &[]),
            Expr::Aggregate(aggregate) => ([aggregate.param.as_ref(), Some(&aggregate.expr)], &[]),
            Expr::Call(call) => ([None, None], &call.args),
        };
        fixed.into_iter().flatten().chain(args)
    }

    /// As [`unmarked`](Self::unmarked).
    pub fn unmarked_mut(&mut self) -> &mut Expr {
        match self {
            Expr::Invariant(inner) => inner.unmarked_mut(),
            other => other,
        }
    }

    /// The expression without the mark that it is the same at every step.
    pub fn unmarked(&self) -> &Expr {
        match self {
            Expr::Invariant(inner) => inner.unmarked(),
            other => other,
        }
    }
}
