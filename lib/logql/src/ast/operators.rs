//! The functions and operators of metric queries, and their names.

use crate::stage::label_filter::Compare;

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
        named(&Self::NAMES, name)
    }

    /// As a query writes it.
    pub fn name(self) -> &'static str {
        name_of(&Self::NAMES, self)
    }
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
        named(&Self::NAMES, name)
    }

    /// As a query writes it.
    pub fn name(self) -> &'static str {
        name_of(&Self::NAMES, self)
    }
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

fn named<T: Copy>(names: &[(&str, T)], name: &str) -> Option<T> {
    names.iter().find(|(known, _)| *known == name).map(|(_, op)| *op)
}

fn name_of<T: PartialEq>(names: &[(&'static str, T)], op: T) -> &'static str {
    names.iter().find(|(_, known)| *known == op).map_or("", |(name, _)| name)
}
