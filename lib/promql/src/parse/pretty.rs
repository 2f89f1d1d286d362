//! Queries in their canonical form, over several lines if they are long.

use super::{
    ast::{Node, NodeKind},
    print::{Head, Operator},
};

/// Longer expressions are broken.
const WIDTH: usize = 100;

impl Node {
    /// The expression as `format_query` answers.
    pub fn pretty(&self) -> String {
        self.pretty_at(0)
    }

    /// Indented by `level`; what fits on a line stays on one.
    fn pretty_at(&self, level: usize) -> String {
        let (text, indent) = (self.to_string(), "  ".repeat(level));
        if text.len() <= WIDTH {
            return format!("{indent}{text}");
        }
        let inner = |node: &Node| node.pretty_at(level + 1);
        match &self.kind {
            NodeKind::Aggregate(aggregate) => {
                let param = aggregate.param.as_ref().map(|param| format!("{},\n", inner(param)));
                let (head, expr) = (Head(aggregate), inner(&aggregate.expr));
                format!("{indent}{head}(\n{}{expr}\n{indent})", param.unwrap_or_default())
            }
            NodeKind::Binary(binary) => {
                let (left, right) = (inner(&binary.left), inner(&binary.right));
                format!("{left}\n{indent}{}\n{right}", Operator(binary))
            }
            NodeKind::Call(signature, args) => {
                let args: Vec<String> = args.iter().map(inner).collect();
                format!("{indent}{}(\n{}\n{indent})", signature.name, args.join(",\n"))
            }
            NodeKind::Paren(within) => format!("{indent}(\n{}\n{indent})", inner(within)),
            NodeKind::Subquery(subquery) => format!("{}{}", subquery.expr.pretty_at(level), self.suffix()),
            NodeKind::Unary(minus, operand) => {
                let sign = if *minus { '-' } else { '+' };
                format!("{indent}{sign}{}", operand.pretty_at(level).trim())
            }
            _ => format!("{indent}{text}"),
        }
    }
}
