//! A query that was understood: expressions and how they print.

use std::fmt;

use event::{MatchOp, Matcher};
use regex::Regex;

use crate::{
    parse::text::quote,
    stage::{Stage, label_filter::Compare, line_filter::LineFilter, unwrap::Unwrap},
    units::{format_duration, format_float},
};

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

/// The functions over windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it all
pub enum RangeOp {
    Rate,
    RateCounter,
    CountOverTime,
    BytesRate,
    BytesOverTime,
    SumOverTime,
    AvgOverTime,
    MaxOverTime,
    MinOverTime,
    StdvarOverTime,
    StddevOverTime,
    QuantileOverTime,
    FirstOverTime,
    LastOverTime,
    AbsentOverTime,
}

impl RangeOp {
    const NAMES: [(&'static str, RangeOp); 15] = [
        ("rate", RangeOp::Rate),
        ("rate_counter", RangeOp::RateCounter),
        ("count_over_time", RangeOp::CountOverTime),
        ("bytes_rate", RangeOp::BytesRate),
        ("bytes_over_time", RangeOp::BytesOverTime),
        ("sum_over_time", RangeOp::SumOverTime),
        ("avg_over_time", RangeOp::AvgOverTime),
        ("max_over_time", RangeOp::MaxOverTime),
        ("min_over_time", RangeOp::MinOverTime),
        ("stdvar_over_time", RangeOp::StdvarOverTime),
        ("stddev_over_time", RangeOp::StddevOverTime),
        ("quantile_over_time", RangeOp::QuantileOverTime),
        ("first_over_time", RangeOp::FirstOverTime),
        ("last_over_time", RangeOp::LastOverTime),
        ("absent_over_time", RangeOp::AbsentOverTime),
    ];

    /// The function of this (lower-case) name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(n, _)| *n == name).map(|(_, op)| *op)
    }

    /// As a query writes it.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, op)| *op == self).map_or("", |(name, _)| name)
    }
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

/// The functions over series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it all
pub enum VectorOp {
    Sum,
    Avg,
    Max,
    Min,
    Count,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    ApproxTopk,
    Sort,
    SortDesc,
}

impl VectorOp {
    const NAMES: [(&'static str, VectorOp); 12] = [
        ("sum", VectorOp::Sum),
        ("avg", VectorOp::Avg),
        ("max", VectorOp::Max),
        ("min", VectorOp::Min),
        ("count", VectorOp::Count),
        ("stddev", VectorOp::Stddev),
        ("stdvar", VectorOp::Stdvar),
        ("topk", VectorOp::Topk),
        ("bottomk", VectorOp::Bottomk),
        ("approx_topk", VectorOp::ApproxTopk),
        ("sort", VectorOp::Sort),
        ("sort_desc", VectorOp::SortDesc),
    ];

    /// The function of this (lower-case) name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(n, _)| *n == name).map(|(_, op)| *op)
    }

    /// As a query writes it.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, op)| *op == self).map_or("", |(name, _)| name)
    }
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

/// The operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it all
pub enum BinaryOp {
    Or,
    And,
    Unless,
    Compare(Compare),
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
}

impl BinaryOp {
    /// As a query writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            BinaryOp::Or => "or",
            BinaryOp::And => "and",
            BinaryOp::Unless => "unless",
            BinaryOp::Compare(compare) => compare.as_str(),
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Mod => "%",
            BinaryOp::Pow => "^",
        }
    }

    /// Whether it works on sets of series rather than on values.
    pub fn is_set(self) -> bool {
        matches!(self, BinaryOp::Or | BinaryOp::And | BinaryOp::Unless)
    }
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
        let mut found = Vec::new();
        match self {
            Expr::Log(log) => found.push(log.matchers.as_slice()),
            Expr::Metric(metric) => metric.collect_selectors(&mut found),
        }
        found
    }
}

impl MetricExpr {
    fn collect_selectors<'a>(&'a self, found: &mut Vec<&'a [Matcher]>) {
        match self {
            MetricExpr::Literal(_) | MetricExpr::Vector(_) => {}
            MetricExpr::Range(range) => found.push(&range.log.matchers),
            MetricExpr::Aggregation(aggregation) => aggregation.inner.collect_selectors(found),
            MetricExpr::LabelReplace(replace) => replace.inner.collect_selectors(found),
            MetricExpr::Binary(binary) => {
                binary.left.collect_selectors(found);
                binary.right.collect_selectors(found);
            }
        }
    }
}

impl LogExpr {
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

/// A matcher with its value quoted as LogQL has it.
pub(crate) fn matcher_text(matcher: &Matcher) -> String {
    let op = match matcher.op {
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Regex => "=~",
        MatchOp::NotRegex => "!~",
    };
    format!("{}{op}{}", matcher.name, quote(&matcher.value))
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Log(log) => log.fmt(f),
            Expr::Metric(metric) => metric.fmt(f),
        }
    }
}

impl fmt::Display for LogExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matchers: Vec<String> = self.matchers.iter().map(matcher_text).collect();
        write!(f, "{{{}}}", matchers.join(", "))?;
        self.stages.iter().try_for_each(|stage| write!(f, " {stage}"))
    }
}

impl fmt::Display for MetricExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MetricExpr::Literal(value) => f.write_str(&format_float(*value)),
            MetricExpr::Vector(value) => write!(f, "vector({})", format_float(*value)),
            MetricExpr::Range(range) => range.fmt(f),
            MetricExpr::Aggregation(aggregation) => aggregation.fmt(f),
            MetricExpr::Binary(binary) => binary.fmt(f),
            MetricExpr::LabelReplace(replace) => {
                let texts = [&replace.target, &replace.replacement, &replace.source, &replace.pattern];
                let texts: Vec<String> = texts.iter().map(|text| quote(text)).collect();
                write!(f, "label_replace({},{})", replace.inner, texts.join(","))
            }
        }
    }
}

impl fmt::Display for RangeAggregation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.op.name())?;
        self.parameter.iter().try_for_each(|parameter| write!(f, "{},", format_float(*parameter)))?;
        write!(f, "{}", self.log)?;
        self.unwrap.iter().try_for_each(|unwrap| write!(f, " {unwrap}"))?;
        write!(f, "[{}]", format_duration(self.range_ns))?;
        if self.offset_ns != 0 {
            write!(f, " offset {}", format_duration(self.offset_ns))?;
        }
        f.write_str(")")?;
        self.grouping.iter().try_for_each(|grouping| write!(f, " {grouping}"))
    }
}

impl fmt::Display for Grouping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.without { "without" } else { "by" };
        write!(f, "{word} ({})", self.labels.join(","))
    }
}

impl fmt::Display for VectorAggregation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.op.name())?;
        self.grouping.iter().try_for_each(|grouping| write!(f, " {grouping} "))?;
        f.write_str("(")?;
        self.parameter.iter().try_for_each(|parameter| write!(f, "{parameter},"))?;
        write!(f, "{})", self.inner)
    }
}

impl fmt::Display for BinaryOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} {}", self.left, self.op.as_str())?;
        if self.returns_bool {
            f.write_str(" bool")?;
        }
        write!(f, "{} {})", self.matching, self.right)
    }
}

impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.on || !self.labels.is_empty() || self.group.is_some() {
            write!(f, " {} ({})", if self.on { "on" } else { "ignoring" }, self.labels.join(","))?;
        }
        match self.group {
            None => Ok(()),
            Some(Side::Left) => write!(f, " group_left ({})", self.include.join(",")),
            Some(Side::Right) => write!(f, " group_right ({})", self.include.join(",")),
        }
    }
}
