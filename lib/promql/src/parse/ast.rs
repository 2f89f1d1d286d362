//! The tree of a query as it was written, each node with the byte at which it begins.

use event::Matcher;

use super::Signature;
pub use super::operator::BinaryOp;

/// An expression.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it begins in the query.
    pub at: usize,
    /// How many levels of expressions are below it.
    pub(super) height: usize,
    /// What it is.
    pub kind: NodeKind,
}

/// The kinds of expressions.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// A number.
    Number(Literal),
    /// A text without its quotes.
    Text(String),
    /// An instant vector.
    Selector(Selector),
    /// `x[5m]`
    Range(Selector, Span),
    /// `(…)[1h:5m]`
    Subquery(Box<Subquery>),
    /// `(…)`
    Paren(Box<Node>),
    /// With the sign: whether it is a minus.
    Unary(bool, Box<Node>),
    /// Two operands and what stands between them.
    Binary(Box<Binary>),
    /// `sum by (x) (…)`
    Aggregate(Box<Aggregate>),
    /// `rate(…)`
    Call(&'static Signature, Vec<Node>),
}

/// A number, perhaps written as a duration: then its value is in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Literal {
    /// The number.
    pub value: f64,
    /// Whether it was written with units.
    pub is_duration: bool,
}

/// Which series.
#[derive(Clone, Debug)]
pub struct Selector {
    /// The name before the braces.
    pub name: Option<String>,
    /// What stands in braces.
    pub matchers: Vec<Matcher>,
    /// Which time.
    pub time: TimeModifiers,
}

/// What stands behind a selector or subquery.
#[derive(Clone, Debug, Default)]
pub struct TimeModifiers {
    /// `@`
    pub at: Option<At>,
    /// `offset`
    pub offset: Option<Span>,
    /// How the ends of a range are treated.
    pub boundary: Option<Boundary>,
}

/// `@`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// `@ start()`
    Start,
    /// `@ end()`
    End,
    /// Milliseconds since 1970.
    Time(i64),
}

/// What stands for the samples that a range lacks at its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// `anchored`: the last sample before.
    Anchored,
    /// `smoothed`: a value between the samples around.
    Smoothed,
}

/// A length of time that may depend on the query's step and range.
#[derive(Clone, Debug)]
pub enum Span {
    /// In seconds.
    Literal(Literal),
    /// `step()`
    Step,
    /// `range()`
    Range,
    /// `-…`
    Negative(Box<Span>),
    /// `(…)`
    Paren(Box<Span>),
    /// `min_of(…, …)`
    MinOf(Box<(Span, Span)>),
    /// `max_of(…, …)`
    MaxOf(Box<(Span, Span)>),
    /// Arithmetic of two spans.
    Binary(BinaryOp, Box<(Span, Span)>),
}

/// An expression evaluated on a grid of its own.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// What is evaluated.
    pub expr: Node,
    /// How far back.
    pub range: Span,
    /// The grid's step, if it has one of its own.
    pub step: Option<Span>,
    /// Which time.
    pub time: TimeModifiers,
}

/// Two operands and what stands between them.
#[derive(Clone, Debug)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// Where the operator stands.
    pub op_at: usize,
    /// `bool`
    pub returns_bool: bool,
    /// Which series belong together.
    pub matching: Matching,
    /// The operand before the operator.
    pub left: Node,
    /// The operand behind it.
    pub right: Node,
}

/// How the series of two vectors find each other.
#[derive(Clone, Debug, Default)]
pub struct Matching {
    /// `on` or `ignoring`
    pub labels: Option<Labels>,
    /// Whether one side may have several series for one of the other.
    pub cardinality: Cardinality,
    /// Labels that the result takes from the "one" side.
    pub include: Vec<String>,
    /// What stands in for a missing partner on the left and on the right.
    pub fill: (Option<f64>, Option<f64>),
}

/// Whether one side may have several series for one of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cardinality {
    /// Neither.
    #[default]
    OneToOne,
    /// `group_left`
    ManyToOne,
    /// `group_right`
    OneToMany,
}

/// Names of labels that count, or all others: `on`, `by` or `ignoring`, `without`.
#[derive(Clone, Debug)]
pub struct Labels {
    /// Whether these count; else all others do.
    pub only: bool,
    /// In the order in which they were written.
    pub names: Vec<String>,
}

/// An aggregation.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// Its name.
    pub op: &'static str,
    /// `by` or `without`
    pub grouping: Option<Labels>,
    /// The first of two arguments.
    pub param: Option<Node>,
    /// What is aggregated.
    pub expr: Node,
}

impl Node {
    pub(super) fn new(at: usize, kind: NodeKind) -> Self {
        let mut node = Node { at, height: 0, kind };
        node.height = node.children().map(|child| child.height + 1).max().unwrap_or(0);
        node
    }

    /// The expressions right below this one.
    pub fn children(&self) -> impl Iterator<Item = &Node> {
        let (fixed, args): ([Option<&Node>; 2], &[Node]) = match &self.kind {
            NodeKind::Number(_) | NodeKind::Text(_) | NodeKind::Selector(_) | NodeKind::Range(..) => {
                ([None, None], &[])
            }
            NodeKind::Subquery(subquery) => ([Some(&subquery.expr), None], &[]),
            NodeKind::Paren(inner) | NodeKind::Unary(_, inner) => ([Some(inner), None], &[]),
            NodeKind::Binary(binary) => ([Some(&binary.left), Some(&binary.right)], &[]),
            NodeKind::Aggregate(aggregate) => ([aggregate.param.as_ref(), Some(&aggregate.expr)], &[]),
            NodeKind::Call(_, args) => ([None, None], args),
        };
        fixed.into_iter().flatten().chain(args)
    }

    /// The expression without parentheses around it.
    pub fn bare(&self) -> &Node {
        match &self.kind {
            NodeKind::Paren(inner) => inner.bare(),
            _ => self,
        }
    }
}
