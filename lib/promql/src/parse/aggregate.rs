//! Aggregations.

use super::{
    ast::{Aggregate, Node, NodeKind},
    parser::{Parsed, Parser},
    text::unquote,
    token::{AGGREGATORS, Kind, Token},
};

const WITH_PARAMETER: [&str; 6] = ["bottomk", "count_values", "limit_ratio", "limitk", "quantile", "topk"];
const EXPERIMENTAL: [&str; 2] = ["limit_ratio", "limitk"];

impl Parser<'_> {
    /// Whether what follows makes the word before it an aggregation.
    pub fn is_aggregation(&self) -> bool {
        let next = self.peek_second();
        next.is("(") || next.is("by") || next.is("without")
    }

    /// `sum by (x) (…)` or `sum(…) by (x)`
    pub fn aggregate(&mut self) -> Parsed<Node> {
        let name = self.take();
        let (before, args) = self.within(("aggregation", ""), |parser| {
            let grouping = parser.label_list("by", "without")?;
            if name.is("count_values") {
                parser.check_label()?;
            }
            Ok((grouping, parser.arguments()?))
        })?;
        let grouping = match before {
            None => self.label_list("by", "without")?,
            before => before,
        };
        let op = AGGREGATORS.iter().copied().find(|op| name.is(op)).unwrap_or_default();
        let (param, expr) = self.operands(name, op, args)?;
        self.node(name.at, NodeKind::Aggregate(Box::new(Aggregate { op, grouping, param, expr })))
    }

    /// What is no text cannot be the name of a label either.
    fn check_label(&self) -> Parsed<()> {
        let label = self.peek_second();
        match label.kind == Kind::Text && unquote(label.text).is_err() {
            true => Err(self.error(label.at, format!("invalid label name {}", label.text))),
            false => Ok(()),
        }
    }

    fn operands(&self, name: Token<'_>, op: &str, args: Vec<Node>) -> Parsed<(Option<Node>, Node)> {
        let refused = |message: String| Err(self.error(name.at, message));
        let expected = if WITH_PARAMETER.contains(&op) { 2 } else { 1 };
        if args.is_empty() {
            return refused("no arguments for aggregate expression provided".into());
        }
        if EXPERIMENTAL.contains(&op) && !self.features.experimental_functions {
            return refused(format!(
                "{op}() is experimental and must be enabled with --enable-feature=promql-experimental-functions"
            ));
        }
        let found = args.len();
        let mut args = args.into_iter();
        match (found == expected, args.next(), args.next()) {
            (true, Some(param), Some(expr)) => Ok((Some(param), expr)),
            (true, Some(expr), None) => Ok((None, expr)),
            _ => refused(format!(
                "wrong number of arguments for aggregate expression provided, expected {expected}, got {found}"
            )),
        }
    }
}
