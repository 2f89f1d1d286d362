//! Types: what every operator, aggregation and function takes, and what it gives.

use event::METRIC_NAME;

use super::{
    Signature, Variadic,
    ast::{Aggregate, Binary, Node, NodeKind, Selector},
};
use crate::{ParseError, ValueType};

/// Checks a whole tree.
pub struct Checker<'q>(pub &'q str);

type Checked = Result<(), ParseError>;

impl Node {
    /// The type of the expression's value.
    pub fn value_type(&self) -> ValueType {
        match &self.kind {
            NodeKind::Number(_) => ValueType::Scalar,
            NodeKind::Text(_) => ValueType::String,
            NodeKind::Selector(_) | NodeKind::Aggregate(_) => ValueType::Vector,
            NodeKind::Range(..) | NodeKind::Subquery(_) => ValueType::Matrix,
            NodeKind::Paren(inner) | NodeKind::Unary(_, inner) => inner.value_type(),
            NodeKind::Binary(binary) => {
                let scalars =
                    [&binary.left, &binary.right].map(|side| side.value_type() == ValueType::Scalar);
                if scalars == [true, true] { ValueType::Scalar } else { ValueType::Vector }
            }
            NodeKind::Call(signature, _) => signature.returns,
        }
    }
}

impl Checker<'_> {
    fn error(&self, at: usize, message: impl Into<String>) -> ParseError {
        ParseError::at(message, self.0, at)
    }

    fn refuse(&self, at: usize, message: impl Into<String>) -> Checked {
        Err(self.error(at, message))
    }

    /// Checks `node` and all below it.
    pub fn node(&self, node: &Node) -> Checked {
        match &node.kind {
            NodeKind::Number(_) | NodeKind::Text(_) => Ok(()),
            NodeKind::Selector(selector) | NodeKind::Range(selector, _) => {
                self.selector(node.at, selector, false)
            }
            NodeKind::Subquery(subquery) => {
                self.node(&subquery.expr)?;
                match subquery.expr.value_type() {
                    ValueType::Vector => Ok(()),
                    found => {
                        let name = found.api_name();
                        self.refuse(
                            node.at,
                            format!("subquery is only allowed on instant vector, got {name} instead"),
                        )
                    }
                }
            }
            NodeKind::Paren(inner) => self.node(inner),
            NodeKind::Unary(_, inner) => self.unary(node.at, inner),
            NodeKind::Binary(binary) => self.binary(node.at, binary),
            NodeKind::Aggregate(aggregate) => self.aggregate(aggregate),
            NodeKind::Call(signature, args) => self.call(node.at, signature, args),
        }
    }

    fn expect(&self, node: &Node, wanted: ValueType, place: &str) -> Checked {
        self.node(node)?;
        match node.value_type() {
            found if found == wanted => Ok(()),
            found => self.refuse(node.at, format!("expected type {wanted} in {place}, got {found}")),
        }
    }

    /// `of_info`: selectors that only choose among info metrics may match everything.
    fn selector(&self, at: usize, selector: &Selector, of_info: bool) -> Checked {
        let Some(name) = &selector.name else {
            let chooses = selector.matchers.iter().any(|matcher| !matcher.matches_empty());
            return match chooses || of_info {
                true => Ok(()),
                false => self.refuse(at, "vector selector must contain at least one non-empty matcher"),
            };
        };
        match selector.matchers.iter().find(|matcher| matcher.name == METRIC_NAME) {
            Some(other) => {
                let message = format!("metric name must not be set twice: {name:?} or {:?}", other.value);
                self.refuse(at, message)
            }
            None => Ok(()),
        }
    }

    fn unary(&self, at: usize, inner: &Node) -> Checked {
        self.node(inner)?;
        match inner.value_type() {
            ValueType::Scalar | ValueType::Vector => Ok(()),
            found => self.refuse(
                at,
                format!(
                    "unary expression only allowed on expressions of type scalar or instant vector, got \"{found}\""
                ),
            ),
        }
    }

    fn binary(&self, at: usize, binary: &Binary) -> Checked {
        self.node(&binary.left)?;
        self.node(&binary.right)?;
        let sides = [&binary.left, &binary.right];
        let scalars = sides.map(|side| side.value_type() == ValueType::Scalar);
        if binary.returns_bool && !binary.op.is_comparison() {
            return self.refuse(binary.op_at, "bool modifier can only be used on comparison operators");
        }
        if binary.op.is_comparison() && !binary.returns_bool && scalars == [true, true] {
            return self.refuse(binary.op_at, "comparisons between scalars must use BOOL modifier");
        }
        self.labels_once(binary)?;
        for side in sides {
            if !matches!(side.value_type(), ValueType::Scalar | ValueType::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                return self.refuse(side.at, message);
            }
        }
        self.matching(at, binary, scalars != [false, false])
    }

    fn labels_once(&self, binary: &Binary) -> Checked {
        let matching = &binary.matching;
        let Some(on) = matching.labels.as_ref().filter(|labels| labels.only) else { return Ok(()) };
        match on.names.iter().find(|name| matching.include.contains(name)) {
            Some(name) => {
                let message = format!("label {name:?} must not occur in ON and GROUP clause at once");
                self.refuse(binary.op_at, message)
            }
            None => Ok(()),
        }
    }

    fn matching(&self, at: usize, binary: &Binary, with_scalar: bool) -> Checked {
        let matching = &binary.matching;
        let (is_set, name) = (binary.op.is_set(), binary.op.name());
        let fills = matching.fill != (None, None);
        let reason = if with_scalar && matching.labels.as_ref().is_some_and(|labels| !labels.names.is_empty())
        {
            "vector matching only allowed between instant vectors".into()
        } else if with_scalar && fills {
            "filling in missing series only allowed between instant vectors".into()
        } else if !with_scalar && is_set && matching.cardinality != Default::default() {
            format!("no grouping allowed for {name:?} operation")
        } else if !with_scalar && is_set && fills {
            "filling in missing series not allowed for set operators".into()
        } else if with_scalar && is_set {
            format!("set operator {name:?} not allowed in binary scalar expression")
        } else {
            return Ok(());
        };
        self.refuse(at, reason)
    }

    fn aggregate(&self, aggregate: &Aggregate) -> Checked {
        self.expect(&aggregate.expr, ValueType::Vector, "aggregation expression")?;
        let Some(param) = &aggregate.param else { return Ok(()) };
        let wanted = if aggregate.op == "count_values" { ValueType::String } else { ValueType::Scalar };
        self.expect(param, wanted, "aggregation parameter")
    }

    fn call(&self, at: usize, signature: &Signature, args: &[Node]) -> Checked {
        let (name, types, found) = (signature.name, signature.args, args.len());
        let (least, most) = match signature.variadic {
            Variadic::No => (types.len(), types.len()),
            Variadic::UpTo(more) => (types.len() - 1, types.len() - 1 + more),
            Variadic::Any => (types.len() - 1, usize::MAX),
        };
        if found < least || found > most {
            let (bound, count) = match () {
                () if least == most => ("", least),
                () if found < least => ("at least ", least),
                () => ("at most ", most),
            };
            let message = format!("expected {bound}{count} argument(s) in call to {name:?}, got {found}");
            return self.refuse(at, message);
        }
        if let ("info", Some(selector)) = (name, args.get(1)) {
            self.info_selector(selector)?;
        }
        for (at, arg) in args.iter().enumerate().filter(|(at, _)| name != "info" || *at == 0) {
            self.expect(arg, types[at.min(types.len() - 1)], &format!("call to function {name:?}"))?;
        }
        Ok(())
    }

    fn info_selector(&self, arg: &Node) -> Checked {
        match &arg.kind {
            NodeKind::Selector(selector) if selector.name.is_some() => {
                self.refuse(arg.at, "expected label selectors only, got vector selector instead")
            }
            NodeKind::Selector(selector) => self.selector(arg.at, selector, true),
            _ => self.refuse(arg.at, "expected label selectors only"),
        }
    }
}
