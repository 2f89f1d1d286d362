//! Queries in their canonical form, on one line.

use std::fmt::{self, Display, Formatter, Write};

use event::{MatchOp, Matcher};

use super::{
    ast::{
        Aggregate, At, Binary, Boundary, Cardinality, Labels, Literal, Node, NodeKind, Selector, Span,
        TimeModifiers,
    },
    number::format_duration,
    text::quote,
};

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            NodeKind::Number(literal) => write!(f, "{literal}"),
            NodeKind::Text(text) => f.write_str(&quote(text)),
            NodeKind::Selector(selector) => write!(f, "{}{}", Series(selector), selector.time),
            NodeKind::Range(selector, range) => {
                // Here the boundary stands before `@`, behind an instant selector it does not.
                let TimeModifiers { at, offset, boundary } = &selector.time;
                write!(f, "{}[{}]", Series(selector), Whole(range))?;
                boundary.iter().try_for_each(|boundary| write!(f, "{boundary}"))?;
                at.iter().try_for_each(|at| write!(f, "{at}"))?;
                offset.iter().try_for_each(|offset| write!(f, " offset {}", Whole(offset)))
            }
            NodeKind::Subquery(subquery) => write!(f, "{}{}", subquery.expr, self.suffix()),
            NodeKind::Paren(inner) => write!(f, "({inner})"),
            NodeKind::Unary(minus, inner) => write!(f, "{}{inner}", if *minus { "-" } else { "+" }),
            NodeKind::Binary(binary) => {
                write!(f, "{} {} {}", binary.left, Operator(binary), binary.right)
            }
            NodeKind::Aggregate(aggregate) => {
                write!(f, "{}(", Head(aggregate))?;
                aggregate.param.iter().try_for_each(|param| write!(f, "{param}, "))?;
                write!(f, "{})", aggregate.expr)
            }
            NodeKind::Call(signature, args) => {
                write!(f, "{}(", signature.name)?;
                separated(f, args.iter(), ", ")?;
                f.write_char(')')
            }
        }
    }
}

impl Node {
    /// What a subquery has behind its expression; nothing for all else.
    pub(super) fn suffix(&self) -> String {
        let NodeKind::Subquery(subquery) = &self.kind else { return String::new() };
        let step = subquery.step.as_ref().map(|step| Whole(step).to_string()).unwrap_or_default();
        format!("[{}:{step}]{}", Whole(&subquery.range), subquery.time)
    }
}

fn separated<T: Display>(f: &mut Formatter<'_>, items: impl Iterator<Item = T>, by: &str) -> fmt::Result {
    for (at, item) in items.enumerate() {
        write!(f, "{}{item}", if at == 0 { "" } else { by })?;
    }
    Ok(())
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sign = if self.value < 0.0 { "-" } else { "" };
        match self.value {
            value if self.is_duration => write!(f, "{sign}{}", format_duration(value.abs())),
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            value => write!(f, "{value}"),
        }
    }
}

/// A selector without what stands behind it.
struct Series<'a>(&'a Selector);

impl Display for Series<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name.as_deref().unwrap_or_default())?;
        let mut matchers: Vec<String> = self.0.matchers.iter().map(matcher).collect();
        matchers.sort();
        if matchers.is_empty() {
            let nameless = self.0.name.is_none();
            return if nameless { f.write_str("{}") } else { Ok(()) };
        }
        write!(f, "{{{}}}", matchers.join(","))
    }
}

fn matcher(matcher: &Matcher) -> String {
    let op = match matcher.op {
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Regex => "=~",
        MatchOp::NotRegex => "!~",
    };
    format!("{}{op}{}", Name(&matcher.name), quote(&matcher.value))
}

/// A label's name, in quotes if it needs them.
struct Name<'a>(&'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let legacy = !self.0.starts_with(|c: char| c.is_ascii_digit()) && self.0.chars().all(plain);
        if legacy { f.write_str(self.0) } else { f.write_str(&quote(self.0)) }
    }
}

impl Display for TimeModifiers {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.at.iter().try_for_each(|at| write!(f, "{at}"))?;
        self.boundary.iter().try_for_each(|boundary| write!(f, "{boundary}"))?;
        self.offset.iter().try_for_each(|offset| write!(f, " offset {}", Whole(offset)))
    }
}

impl Display for At {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            At::Start => f.write_str(" @ start()"),
            At::End => f.write_str(" @ end()"),
            At::Time(ms) => write!(f, " @ {:.3}", *ms as f64 / 1000.0),
        }
    }
}

impl Display for Boundary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Boundary::Anchored => " anchored",
            Boundary::Smoothed => " smoothed",
        })
    }
}

/// A span that is not part of another: a number alone is written as a duration.
struct Whole<'a>(&'a Span);

impl Display for Whole<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Span::Literal(literal) => write!(f, "{}", Literal { is_duration: true, ..*literal }),
            other => write!(f, "{other}"),
        }
    }
}

impl Display for Span {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Span::Literal(literal) => write!(f, "{literal}"),
            Span::Step => f.write_str("step()"),
            Span::Range => f.write_str("range()"),
            Span::Negative(inner) => write!(f, "-{inner}"),
            Span::Paren(inner) => write!(f, "({inner})"),
            Span::MinOf(pair) => write!(f, "min_of({}, {})", pair.0, pair.1),
            Span::MaxOf(pair) => write!(f, "max_of({}, {})", pair.0, pair.1),
            Span::Binary(op, pair) => write!(f, "{} {} {}", pair.0, op.name(), pair.1),
        }
    }
}

/// An operator with all that stands between it and its right side.
pub(super) struct Operator<'a>(pub &'a Binary);

impl Display for Operator<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Binary { op, returns_bool, matching, .. } = self.0;
        f.write_str(op.name())?;
        if *returns_bool {
            f.write_str(" bool")?;
        }
        if let Some(labels) = matching.labels.as_ref().filter(|labels| self.shows(labels)) {
            write!(f, " {} ({})", if labels.only { "on" } else { "ignoring" }, Names(&labels.names))?;
        }
        match matching.cardinality {
            Cardinality::OneToOne => {}
            Cardinality::ManyToOne => write!(f, " group_left ({})", Names(&matching.include))?,
            Cardinality::OneToMany => write!(f, " group_right ({})", Names(&matching.include))?,
        }
        match matching.fill {
            (Some(left), Some(right)) if left == right => write!(f, " fill ({left})"),
            (left, right) => {
                left.iter().try_for_each(|left| write!(f, " fill_left ({left})"))?;
                right.iter().try_for_each(|right| write!(f, " fill_right ({right})"))
            }
        }
    }
}

impl Operator<'_> {
    /// `ignoring ()` says nothing unless a grouping follows.
    fn shows(&self, labels: &Labels) -> bool {
        labels.only || !labels.names.is_empty() || self.0.matching.cardinality != Cardinality::OneToOne
    }
}

struct Names<'a>(&'a [String]);

impl Display for Names<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        separated(f, self.0.iter().map(|name| Name(name)), ", ")
    }
}

/// An aggregation up to its parenthesis.
pub(super) struct Head<'a>(pub &'a Aggregate);

impl Display for Head<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.op)?;
        match &self.0.grouping {
            Some(labels) if !labels.only => write!(f, " without ({}) ", Names(&labels.names)),
            Some(labels) if !labels.names.is_empty() => write!(f, " by ({}) ", Names(&labels.names)),
            _ => Ok(()),
        }
    }
}
