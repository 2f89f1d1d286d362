//! From the parser's tree to ours: functions resolved, times in milliseconds, what never changes over the
//! steps marked, and the checks that the parser leaves out.

use std::time::{Duration, SystemTime};

use event::{METRIC_NAME, MatchOp, Matcher};
use promql_parser::{
    label::{MatchOp as ParsedMatchOp, Matcher as ParsedMatcher},
    parser::{self, AtModifier, BinModifier, LabelModifier, Offset, VectorMatchCardinality, token},
};

use super::{
    MAX_DEPTH,
    expr::{
        Aggregate, AggregateOp, At, Binary, BinaryOp, Call, Cardinality, Expr, Grouping, Matching,
        RangeSelector, Subquery, TimeShift, ValueType, VectorSelector,
    },
    guard,
    locate::locate,
    place::Places,
};
use crate::{ParseError, functions};

/// Our form of `parsed`, which stands in `query`.
pub fn convert(parsed: &parser::Expr, query: &str) -> Result<Expr, ParseError> {
    let converted = Converter { query, places: Places::new(query) }.expr(parsed, 0)?;
    Ok(converted.mark())
}

/// An expression, and whether it gives the same at every step.
struct Converted {
    expr: Expr,
    invariant: bool,
}

impl Converted {
    /// Marks the expression if that saves work: not a literal, and not a range, which has no value of its own.
    fn mark(self) -> Expr {
        let literal = matches!(self.expr, Expr::Number(_) | Expr::String(_));
        if self.invariant && !literal && self.expr.value_type() != ValueType::Matrix {
            return Expr::Invariant(Box::new(self.expr));
        }
        self.expr
    }
}

/// Visits calls in the order of the text, as [`Places`] asks for.
struct Converter<'a> {
    query: &'a str,
    places: Places,
}

impl Converter<'_> {
    fn expr(&mut self, parsed: &parser::Expr, depth: usize) -> Result<Converted, ParseError> {
        if depth > MAX_DEPTH {
            return Err(guard::too_deep());
        }
        let depth = depth + 1;
        match parsed {
            parser::Expr::Paren(paren) => self.expr(&paren.expr, depth),
            parser::Expr::NumberLiteral(number) => {
                Ok(Converted { expr: Expr::Number(number.val), invariant: true })
            }
            parser::Expr::StringLiteral(text) => {
                Ok(Converted { expr: Expr::String(text.val.clone()), invariant: true })
            }
            parser::Expr::VectorSelector(selector) => self.selector(selector),
            parser::Expr::MatrixSelector(range) => self.range(range),
            parser::Expr::Subquery(subquery) => self.subquery(subquery, depth),
            parser::Expr::Unary(unary) => self.negate(unary, depth),
            parser::Expr::Binary(binary) => self.binary(binary, depth),
            parser::Expr::Aggregate(aggregate) => self.aggregate(aggregate, depth),
            parser::Expr::Call(call) => self.call(call, depth),
            parser::Expr::Extension(_) => Err(ParseError::new("unknown kind of expression")),
        }
    }

    fn selector(&mut self, parsed: &parser::VectorSelector) -> Result<Converted, ParseError> {
        let selector = vector_selector(parsed)?;
        let invariant = selector.time.at.is_some();
        Ok(Converted { expr: Expr::Selector(selector), invariant })
    }

    fn range(&mut self, parsed: &parser::MatrixSelector) -> Result<Converted, ParseError> {
        let selector = vector_selector(&parsed.vs)?;
        let invariant = selector.time.at.is_some();
        let range_ms = positive_ms(&parsed.range)?;
        Ok(Converted { expr: Expr::Range(Box::new(RangeSelector { selector, range_ms })), invariant })
    }

    fn subquery(&mut self, parsed: &parser::SubqueryExpr, depth: usize) -> Result<Converted, ParseError> {
        let subquery = Subquery {
            expr: self.expr(&parsed.expr, depth)?.mark(),
            range_ms: positive_ms(&parsed.range)?,
            step_ms: parsed.step.as_ref().map(positive_ms).transpose()?,
            time: time_shift(parsed.at.as_ref(), parsed.offset.as_ref())?,
        };
        let invariant = subquery.time.at.is_some();
        Ok(Converted { expr: Expr::Subquery(Box::new(subquery)), invariant })
    }

    fn negate(&mut self, parsed: &parser::UnaryExpr, depth: usize) -> Result<Converted, ParseError> {
        let Converted { expr, invariant } = self.expr(&parsed.expr, depth)?;
        Ok(Converted { expr: Expr::Negate(Box::new(expr)), invariant })
    }

    fn binary(&mut self, parsed: &parser::BinaryExpr, depth: usize) -> Result<Converted, ParseError> {
        let (left, right) = (self.expr(&parsed.lhs, depth)?, self.expr(&parsed.rhs, depth)?);
        let invariant = left.invariant && right.invariant;
        let mark = |side: Converted| if invariant { side.expr } else { side.mark() };
        let binary = Binary {
            op: binary_op(parsed.op)?,
            left: mark(left),
            right: mark(right),
            returns_bool: parsed.return_bool(),
            matching: matching(parsed.modifier.as_ref()),
        };
        Ok(Converted { expr: Expr::Binary(Box::new(binary)), invariant })
    }

    fn aggregate(&mut self, parsed: &parser::AggregateExpr, depth: usize) -> Result<Converted, ParseError> {
        let op = aggregate_op(parsed.op)?;
        let place = self.places.next(&parsed.op.to_string());
        let param = parsed.param.as_ref().map(|param| self.expr(param, depth)).transpose()?;
        let inner = self.expr(&parsed.expr, depth)?;
        let wanted = if op == AggregateOp::CountValues { ValueType::String } else { ValueType::Scalar };
        if let Some(found) = param.as_ref().map(|p| p.expr.value_type()).filter(|found| *found != wanted) {
            let message = format!("expected type {wanted} in aggregation parameter, got {found}");
            return Err(ParseError::new(message));
        }
        let invariant = inner.invariant && param.as_ref().is_none_or(|p| p.invariant);
        let mark = |part: Converted| if invariant { part.expr } else { part.mark() };
        let aggregate = Aggregate {
            op,
            expr: mark(inner),
            param: param.map(mark),
            grouping: parsed.modifier.as_ref().map_or(Grouping::Only(Vec::new()), grouping),
            place,
        };
        Ok(Converted { expr: Expr::Aggregate(Box::new(aggregate)), invariant })
    }

    fn call(&mut self, parsed: &parser::Call, depth: usize) -> Result<Converted, ParseError> {
        let name = parsed.func.name;
        let Some(function) = functions::find(name) else {
            let message = format!("unknown function with name '{name}'");
            return Err(locate(self.query, message));
        };
        let place = self.places.next(name);
        let args = parsed.args.args.iter().map(|arg| self.expr(arg, depth));
        let args = args.collect::<Result<Vec<_>, _>>()?;
        let invariant = !functions::depends_on_step(name) && args.iter().all(|arg| arg.invariant);
        let mark = |arg: Converted| if invariant { arg.expr } else { arg.mark() };
        let mut args = args.into_iter().map(mark).collect();
        functions::complete(name, &mut args);
        let returns = value_type(parsed.func.return_type);
        let call = Call { name, function, args, returns, place };
        Ok(Converted { expr: Expr::Call(call), invariant })
    }
}

fn vector_selector(parsed: &parser::VectorSelector) -> Result<VectorSelector, ParseError> {
    if !parsed.matchers.or_matchers.is_empty() {
        return Err(ParseError::new("unexpected 'or' in label matching, expected ',' or '}'"));
    }
    let name = parsed.name.as_ref().map(|name| Ok(Matcher::equal(METRIC_NAME, name)));
    let others = parsed.matchers.matchers.iter().map(matcher);
    let matchers = name.into_iter().chain(others).collect::<Result<_, _>>()?;
    Ok(VectorSelector { matchers, time: time_shift(parsed.at.as_ref(), parsed.offset.as_ref())? })
}

fn matcher(parsed: &ParsedMatcher) -> Result<Matcher, ParseError> {
    let new = |op, value: &str| {
        let name = &parsed.name;
        Matcher::new(name, op, value)
            .map_err(|e| ParseError::new(format!("invalid regular expression for label {name:?}: {e}")))
    };
    // The parser has escaped what Go takes for text and this regex engine does not: take its form.
    let pattern = |regex: &regex::Regex| {
        let text = regex.as_str();
        text.strip_prefix("^(?:").and_then(|t| t.strip_suffix(")$")).unwrap_or(text).to_string()
    };
    match &parsed.op {
        ParsedMatchOp::Equal => Ok(Matcher::equal(&parsed.name, &parsed.value)),
        ParsedMatchOp::NotEqual => new(MatchOp::NotEqual, &parsed.value),
        ParsedMatchOp::Re(regex) => new(MatchOp::Regex, &pattern(regex)),
        ParsedMatchOp::NotRe(regex) => new(MatchOp::NotRegex, &pattern(regex)),
    }
}

fn milliseconds(duration: &Duration) -> Result<i64, ParseError> {
    /// A thousand years: far from where sums of times overflow.
    const LONGEST_MS: u128 = 1000 * 366 * 86_400_000;
    let ms = duration.as_millis();
    if ms > LONGEST_MS {
        return Err(ParseError::new("duration out of range"));
    }
    i64::try_from(ms).map_err(|_| ParseError::new("duration out of range"))
}

fn positive_ms(duration: &Duration) -> Result<i64, ParseError> {
    match milliseconds(duration)? {
        0 => Err(ParseError::new("duration must be greater than 0")),
        ms => Ok(ms),
    }
}

fn time_shift(at: Option<&AtModifier>, offset: Option<&Offset>) -> Result<TimeShift, ParseError> {
    let offset_ms = match offset {
        None => 0,
        Some(Offset::Pos(duration)) => milliseconds(duration)?,
        Some(Offset::Neg(duration)) => -milliseconds(duration)?,
    };
    let at = match at {
        None => None,
        Some(AtModifier::Start) => Some(At::Start),
        Some(AtModifier::End) => Some(At::End),
        Some(AtModifier::At(time)) => Some(At::Time(unix_ms(*time)?)),
    };
    Ok(TimeShift { at, offset_ms })
}

fn unix_ms(time: SystemTime) -> Result<i64, ParseError> {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => milliseconds(&after),
        Err(before) => Ok(-milliseconds(&before.duration())?),
    }
}

fn matching(parsed: Option<&BinModifier>) -> Matching {
    let parsed = parsed.cloned().unwrap_or_default();
    let labels = parsed.matching.as_ref().map_or(Grouping::Except(Vec::new()), grouping);
    let (cardinality, include) = match parsed.card {
        VectorMatchCardinality::ManyToOne(labels) => (Cardinality::ManyToOne, labels.labels),
        VectorMatchCardinality::OneToMany(labels) => (Cardinality::OneToMany, labels.labels),
        _ => (Cardinality::OneToOne, Vec::new()),
    };
    Matching { labels, cardinality, include, fill: (parsed.fill_values.lhs, parsed.fill_values.rhs) }
}

fn grouping(modifier: &LabelModifier) -> Grouping {
    match modifier {
        LabelModifier::Include(labels) => Grouping::Only(labels.labels.clone()),
        LabelModifier::Exclude(labels) => Grouping::Except(labels.labels.clone()),
    }
}

fn value_type(parsed: parser::value::ValueType) -> ValueType {
    match parsed {
        parser::value::ValueType::Vector => ValueType::Vector,
        parser::value::ValueType::Scalar => ValueType::Scalar,
        parser::value::ValueType::Matrix => ValueType::Matrix,
        parser::value::ValueType::String => ValueType::String,
    }
}

fn binary_op(op: token::TokenType) -> Result<BinaryOp, ParseError> {
    Ok(match op.id() {
        token::T_ADD => BinaryOp::Add,
        token::T_SUB => BinaryOp::Sub,
        token::T_MUL => BinaryOp::Mul,
        token::T_DIV => BinaryOp::Div,
        token::T_MOD => BinaryOp::Mod,
        token::T_POW => BinaryOp::Pow,
        token::T_ATAN2 => BinaryOp::Atan2,
        token::T_EQLC => BinaryOp::Equal,
        token::T_NEQ => BinaryOp::NotEqual,
        token::T_GTR => BinaryOp::Greater,
        token::T_GTE => BinaryOp::GreaterEqual,
        token::T_LSS => BinaryOp::Less,
        token::T_LTE => BinaryOp::LessEqual,
        token::T_LAND => BinaryOp::And,
        token::T_LOR => BinaryOp::Or,
        token::T_LUNLESS => BinaryOp::Unless,
        _ => return Err(ParseError::new(format!("unknown operator '{op}'"))),
    })
}

fn aggregate_op(op: token::TokenType) -> Result<AggregateOp, ParseError> {
    Ok(match op.id() {
        token::T_SUM => AggregateOp::Sum,
        token::T_AVG => AggregateOp::Avg,
        token::T_MIN => AggregateOp::Min,
        token::T_MAX => AggregateOp::Max,
        token::T_COUNT => AggregateOp::Count,
        token::T_GROUP => AggregateOp::Group,
        token::T_STDDEV => AggregateOp::Stddev,
        token::T_STDVAR => AggregateOp::Stdvar,
        token::T_QUANTILE => AggregateOp::Quantile,
        token::T_TOPK => AggregateOp::TopK,
        token::T_BOTTOMK => AggregateOp::BottomK,
        token::T_COUNT_VALUES => AggregateOp::CountValues,
        token::T_LIMITK => AggregateOp::LimitK,
        token::T_LIMIT_RATIO => AggregateOp::LimitRatio,
        _ => return Err(ParseError::new(format!("unknown aggregation '{op}'"))),
    })
}
