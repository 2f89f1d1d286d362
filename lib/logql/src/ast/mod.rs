//! A query that was understood.

mod operators;
mod print;

use event::Matcher;
use regex::Regex;

pub use operators::{BinaryOp, RangeOp, VectorOp};
pub(crate) use print::matcher_text;

use crate::stage::{Stage, line_filter::LineFilter, unwrap::Unwrap};

/// A query that was understood and checked.
#[derive(Clone, Debug)]
pub enum Expr {
    /// Answers entries.
    Log(LogExpr),
    /// Answers numbers.
    Metric(MetricExpr),
}

/// A selector and its stages.
#[derive(Clone, Debug)]
pub struct LogExpr {
    /// The selector.
    pub matchers: Vec<Matcher>,
    /// What happens to each entry, in order.
    pub stages: Vec<Stage>,
}

/// A query for numbers.
#[derive(Clone, Debug)]
pub enum MetricExpr {
    /// `1`
    Literal(f64),
    /// `vector(1)`
    Vector(f64),
    /// `rate({job="a"}[5m])`
    Range(Box<RangeAggregation>),
    /// `sum by (host) (…)`
    Aggregation(Box<VectorAggregation>),
    /// `… / …`
    Binary(Box<BinaryOperation>),
    /// `label_replace(…)`
    LabelReplace(Box<LabelReplace>),
}

/// A function over the entries of a window.
#[derive(Clone, Debug)]
pub struct RangeAggregation {
    /// The function.
    pub op: RangeOp,
    /// Of `quantile_over_time`.
    pub parameter: Option<f64>,
    /// The entries.
    pub log: LogExpr,
    /// Where their values are, if not the entries themselves are counted.
    pub unwrap: Option<Unwrap>,
    /// Length of the window.
    pub range_ns: i64,
    /// How far back the window lies.
    pub offset_ns: i64,
    /// Which labels name the series.
    pub grouping: Option<Grouping>,
}

/// `by (a, b)`, `without (a, b)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// All but these rather than only these.
    pub without: bool,
    /// Names of labels.
    pub labels: Vec<String>,
}

/// A function over the series of one step.
#[derive(Clone, Debug)]
pub struct VectorAggregation {
    /// The function.
    pub op: VectorOp,
    /// How many series `topk` and its relatives keep.
    pub parameter: Option<usize>,
    /// Which labels make a group; `None`: all series are one.
    pub grouping: Option<Grouping>,
    /// The series.
    pub inner: MetricExpr,
}

/// `left op right`
#[derive(Clone, Debug)]
pub struct BinaryOperation {
    /// What is done.
    pub op: BinaryOp,
    /// `bool`: a comparison answers 0 or 1 rather than filters.
    pub returns_bool: bool,
    /// Which series belong together.
    pub matching: Matching,
    /// Before the operator.
    pub left: MetricExpr,
    /// Behind it.
    pub right: MetricExpr,
}

/// Which series of both sides belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// `on (…)` rather than `ignoring (…)`.
    pub on: bool,
    /// The names in the parentheses.
    pub labels: Vec<String>,
    /// Which side may have many series for one of the other.
    pub group: Option<Side>,
    /// Labels that the many take over from the one.
    pub include: Vec<String>,
}

/// A side of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `group_left`
    Left,
    /// `group_right`
    Right,
}

/// `label_replace(inner, "target", "replacement", "source", "regex")`
#[derive(Clone, Debug)]
pub struct LabelReplace {
    /// The series.
    pub inner: MetricExpr,
    /// Name of the label that is set.
    pub target: String,
    /// Its value, with `$1` for groups.
    pub replacement: String,
    /// Name of the label that is looked at.
    pub source: String,
    /// As written.
    pub pattern: String,
    /// Anchored at both ends.
    pub regex: Regex,
}

impl Expr {
    /// The selectors in the query, from left to right.
    pub fn selectors(&self) -> Vec<&[Matcher]> {
        match self {
            Expr::Log(log) => vec![log.matchers.as_slice()],
            Expr::Metric(metric) => {
                metric.ranges().into_iter().map(|range| range.log.matchers.as_slice()).collect()
            }
        }
    }
}

impl MetricExpr {
    /// The functions over windows in it, from left to right.
    pub fn ranges(&self) -> Vec<&RangeAggregation> {
        match self {
            MetricExpr::Literal(_) | MetricExpr::Vector(_) => Vec::new(),
            MetricExpr::Range(range) => vec![range.as_ref()],
            MetricExpr::Aggregation(aggregation) => aggregation.inner.ranges(),
            MetricExpr::LabelReplace(replace) => replace.inner.ranges(),
            MetricExpr::Binary(binary) => [binary.left.ranges(), binary.right.ranges()].concat(),
        }
    }
}

impl LogExpr {
    /// The lines of the streams that fit `matchers`, as far as all of `filters` let them through.
    pub fn new(matchers: Vec<Matcher>, filters: Vec<LineFilter>) -> Self {
        LogExpr { matchers, stages: filters.into_iter().map(Stage::LineFilter).collect() }
    }

    /// The line filters before any other stage.
    pub fn leading_filters(&self) -> Vec<LineFilter> {
        let filter = |stage: &Stage| match stage {
            Stage::LineFilter(filter) => Some(filter.clone()),
            _ => None,
        };
        self.stages.iter().map_while(filter).collect()
    }

    /// Whether a stage takes labels out of lines.
    pub fn has_parser(&self) -> bool {
        self.stages.iter().any(|stage| stage.is_parser() || matches!(stage, Stage::Unpack(_)))
    }
}
