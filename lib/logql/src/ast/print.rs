//! A query as text again.

use std::fmt;

use event::{MatchOp, Matcher};

use super::{
    BinaryOperation, Expr, Grouping, LogExpr, Matching, MetricExpr, RangeAggregation, Side, VectorAggregation,
};
use crate::{
    parse::text::quote,
    units::{format_duration, format_float},
};

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
