//! From the tree of a query to what the evaluator walks: functions resolved, times in milliseconds, parentheses
//! gone, and what never changes over the steps marked.

use event::{METRIC_NAME, Matcher};

use super::{
    expr::{
        Aggregate, AggregateOp, Binary, Call, Expr, Grouping, Matching, Place, RangeSelector, Subquery,
        TimeShift, ValueType, VectorSelector,
    },
    timing::Timing,
};
use crate::{
    EvalError, functions,
    parse::{Node, Signature, ast},
};

/// The expression of `tree`, for a query of this timing.
pub fn lower(tree: &Node, timing: Timing) -> Result<Expr, EvalError> {
    Ok(Lowering { timing, reads: Reads::default() }.node(tree)?.mark())
}

/// An expression, and whether it gives the same at every step.
struct Lowered {
    expr: Expr,
    invariant: bool,
}

impl Lowered {
    /// Marks the expression if that saves work: not a literal, and not a range, which has no value of its own.
    fn mark(self) -> Expr {
        let literal = matches!(self.expr, Expr::Number(_) | Expr::String(_));
        if self.invariant && !literal && self.expr.value_type() != ValueType::Matrix {
            return Expr::Invariant(Box::new(self.expr));
        }
        self.expr
    }

    /// As part of an expression that is marked as a whole, or else for itself.
    fn within(self, invariant: bool) -> Expr {
        if invariant { self.expr } else { self.mark() }
    }
}

/// What the expressions around one read of its histograms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reads {
    /// Whatever there is.
    #[default]
    All,
    /// Counts and sums.
    Counts,
    /// Buckets, whatever is read of the result.
    Buckets,
}

impl Reads {
    /// Within the arguments of a function.
    fn within(self, name: &str, args: &[Node]) -> Self {
        match name {
            _ if self == Reads::Buckets => self,
            // A histogram that is not put together with others costs nothing as it is.
            "histogram_avg" | "histogram_count" | "histogram_sum" if !is_selector(args) => Reads::Counts,
            "histogram_fraction" | "histogram_quantile" | "histogram_quantiles" => Reads::Buckets,
            "histogram_stddev" | "histogram_stdvar" => Reads::Buckets,
            _ => self,
        }
    }
}

fn is_selector(args: &[Node]) -> bool {
    matches!(args, [Node { kind: ast::NodeKind::Selector(_), .. }])
}

#[derive(Clone, Copy)]
struct Lowering {
    timing: Timing,
    reads: Reads,
}

type Outcome = Result<Lowered, EvalError>;

impl Lowering {
    fn node(&self, node: &Node) -> Outcome {
        let constant = |expr| Ok(Lowered { expr, invariant: true });
        match &node.kind {
            ast::NodeKind::Number(literal) => constant(Expr::Number(literal.value)),
            ast::NodeKind::Text(text) => constant(Expr::String(text.clone())),
            ast::NodeKind::Paren(inner) | ast::NodeKind::Unary(false, inner) => self.node(inner),
            ast::NodeKind::Unary(true, inner) => {
                let Lowered { expr, invariant } = self.node(inner)?;
                Ok(Lowered { expr: Expr::Negate(Box::new(expr)), invariant })
            }
            ast::NodeKind::Selector(selector) => {
                let selector = self.selector(node.at, selector)?;
                Ok(Lowered { invariant: selector.time.at.is_some(), expr: Expr::Selector(selector) })
            }
            ast::NodeKind::Range(selector, range) => {
                let selector = self.selector(node.at, selector)?;
                let invariant = selector.time.at.is_some();
                let range = RangeSelector { selector, range_ms: self.timing.positive_ms(range)? };
                Ok(Lowered { expr: Expr::Range(Box::new(range)), invariant })
            }
            ast::NodeKind::Subquery(subquery) => self.subquery(subquery),
            ast::NodeKind::Binary(binary) => self.binary(binary),
            ast::NodeKind::Aggregate(aggregate) => self.aggregate(node.at, aggregate),
            ast::NodeKind::Call(signature, args) => self.call(node.at, signature, args),
        }
    }

    fn selector(&self, at: usize, selector: &ast::Selector) -> Result<VectorSelector, EvalError> {
        let name = selector.name.as_ref().map(|name| Matcher::equal(METRIC_NAME, name));
        Ok(VectorSelector {
            matchers: name.into_iter().chain(selector.matchers.iter().cloned()).collect(),
            time: self.time_shift(&selector.time)?,
            boundary: selector.time.boundary,
            counts_only: self.reads == Reads::Counts,
            at,
        })
    }

    fn time_shift(&self, time: &ast::TimeModifiers) -> Result<TimeShift, EvalError> {
        let offset_ms = time.offset.as_ref().map(|offset| self.timing.ms(offset)).transpose()?.unwrap_or(0);
        Ok(TimeShift { at: time.at, offset_ms })
    }

    fn subquery(&self, subquery: &ast::Subquery) -> Outcome {
        // Its steps may pass over samples, so whether a counter has started again is seen from its buckets.
        let inner = Lowering { reads: Reads::Buckets, ..*self };
        let lowered = Subquery {
            expr: inner.node(&subquery.expr)?.mark(),
            range_ms: self.timing.positive_ms(&subquery.range)?,
            step_ms: subquery.step.as_ref().map(|step| self.timing.positive_ms(step)).transpose()?,
            time: self.time_shift(&subquery.time)?,
        };
        let invariant = lowered.time.at.is_some();
        Ok(Lowered { expr: Expr::Subquery(Box::new(lowered)), invariant })
    }

    fn binary(&self, binary: &ast::Binary) -> Outcome {
        let reads = if binary.op.trims() { Reads::Buckets } else { self.reads };
        let sides = Lowering { reads, ..*self };
        let (left, right) = (sides.node(&binary.left)?, sides.node(&binary.right)?);
        let invariant = left.invariant && right.invariant;
        let lowered = Binary {
            op: binary.op,
            left: left.within(invariant),
            right: right.within(invariant),
            returns_bool: binary.returns_bool,
            matching: Matching {
                labels: binary.matching.labels.as_ref().map_or(Grouping::Except(Vec::new()), grouping),
                cardinality: binary.matching.cardinality,
                include: binary.matching.include.clone(),
                fill: binary.matching.fill,
            },
            at: binary.left.at,
        };
        Ok(Lowered { expr: Expr::Binary(Box::new(lowered)), invariant })
    }

    fn aggregate(&self, at: usize, aggregate: &ast::Aggregate) -> Outcome {
        let param = aggregate.param.as_ref().map(|param| self.node(param)).transpose()?;
        let inner = self.node(&aggregate.expr)?;
        let invariant = inner.invariant && param.as_ref().is_none_or(|p| p.invariant);
        let args = aggregate.param.iter().chain([&aggregate.expr]);
        let lowered = Aggregate {
            op: AggregateOp::named(aggregate.op),
            expr: inner.within(invariant),
            param: param.map(|param| param.within(invariant)),
            grouping: aggregate.grouping.as_ref().map_or(Grouping::Only(Vec::new()), grouping),
            place: Place { at, args: args.map(|arg| arg.at).collect() },
        };
        Ok(Lowered { expr: Expr::Aggregate(Box::new(lowered)), invariant })
    }

    fn call(&self, at: usize, signature: &Signature, args: &[Node]) -> Outcome {
        let name = signature.name;
        let Some(function) = functions::find(name) else {
            return Err(EvalError::execution(format!("function {name:?} is not known to the evaluator")));
        };
        let place = Place { at, args: args.iter().map(|arg| arg.at).collect() };
        let inner = Lowering { reads: self.reads.within(name, args), ..*self };
        let args = args.iter().map(|arg| inner.node(arg)).collect::<Result<Vec<_>, _>>()?;
        let invariant = !functions::depends_on_step(name) && args.iter().all(|arg| arg.invariant);
        let mut args = args.into_iter().map(|arg| arg.within(invariant)).collect();
        functions::complete(name, &mut args);
        let call = Call { name, function, args, returns: signature.returns, place };
        Ok(Lowered { expr: Expr::Call(call), invariant })
    }
}

fn grouping(labels: &ast::Labels) -> Grouping {
    match labels.only {
        true => Grouping::Only(labels.names.clone()),
        false => Grouping::Except(labels.names.clone()),
    }
}
