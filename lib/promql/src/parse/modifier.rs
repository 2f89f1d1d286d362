//! What stands behind an expression: ranges, `offset`, `@`, `anchored` and `smoothed`.

use super::{
    ast::{At, Boundary, Node, NodeKind, Span, Subquery, TimeModifiers},
    parser::{Parsed, Parser},
    token::Kind,
};

const MISPLACED: &str =
    "modifier must be preceded by an instant vector selector or range vector selector or a subquery";

impl Parser<'_> {
    /// `node` with all that stands behind it.
    pub fn modified(&mut self, mut node: Node) -> Parsed<Node> {
        loop {
            node = match self.peek().kind {
                Kind::Symbol("[") => self.range_or_subquery(node)?,
                Kind::Symbol("@") => self.at_time(node)?,
                Kind::Keyword("offset") => self.offset(node)?,
                Kind::Keyword(word @ ("anchored" | "smoothed")) => self.boundary(node, word)?,
                _ => return Ok(node),
            }
        }
    }

    fn range_or_subquery(&mut self, node: Node) -> Parsed<Node> {
        let bracket = self.take().at;
        let expected = "number, duration, step(), or range()";
        let range = self.within(("subquery or range selector", expected), Self::positive_span)?;
        if self.accept("]") {
            return self.range(node, range, bracket);
        }
        if !self.accept(":") {
            return Err(self.unexpected_in(("subquery or range", "\":\" or \"]\"")));
        }
        let step = self.subquery_step()?;
        let at = node.at;
        let subquery = Subquery { expr: node, range, step, time: TimeModifiers::default() };
        self.node(at, NodeKind::Subquery(Box::new(subquery)))
    }

    fn subquery_step(&mut self) -> Parsed<Option<Span>> {
        if self.accept("]") {
            return Ok(None);
        }
        let expected = "number, duration, step(), range(), or \"]\"";
        let step = self.within(("subquery selector", expected), Self::positive_span)?;
        match self.accept("]") {
            true => Ok(Some(step)),
            false => Err(self.unexpected_in(("subquery selector", "\"]\""))),
        }
    }

    fn range(&mut self, node: Node, range: Span, bracket: usize) -> Parsed<Node> {
        let reason = match node.kind {
            NodeKind::Selector(selector) if selector.time.at.is_none() && selector.time.offset.is_none() => {
                return self.node(node.at, NodeKind::Range(selector, range));
            }
            NodeKind::Selector(selector) if selector.time.offset.is_some() => {
                "no offset modifiers allowed before range"
            }
            NodeKind::Selector(_) => "no @ modifiers allowed before range",
            _ => "ranges only allowed for vector selectors",
        };
        Err(self.error(bracket, reason))
    }

    fn offset(&mut self, mut node: Node) -> Parsed<Node> {
        self.take();
        let expected = "number, duration, step(), or range()";
        let offset = self.within(("offset", expected), Self::offset_span)?;
        let Some(time) = time_of(&mut node) else {
            return Err(self.error(node.at, format!("offset {MISPLACED}")));
        };
        if time.offset.is_some() {
            return Err(self.error(node.at, "offset may not be set multiple times"));
        }
        let is_zero = matches!(&offset, Span::Literal(literal) if literal.value == 0.0);
        time.offset = (!is_zero).then_some(offset);
        Ok(node)
    }

    fn at_time(&mut self, mut node: Node) -> Parsed<Node> {
        self.take();
        let at = self.within(("@", "timestamp"), |parser| parser.timestamp(node.at))?;
        let Some(time) = time_of(&mut node) else {
            return Err(self.error(node.at, format!("@ {MISPLACED}")));
        };
        if time.at.is_some() {
            return Err(self.error(node.at, "@ <timestamp> may not be set multiple times"));
        }
        time.at = Some(at);
        Ok(node)
    }

    /// `at` is where the expression begins to which it belongs.
    fn timestamp(&mut self, at: usize) -> Parsed<At> {
        for (word, edge) in [("start", At::Start), ("end", At::End)] {
            if self.accept(word) {
                self.expect("(")?;
                self.expect(")")?;
                return Ok(edge);
            }
        }
        let minus = self.peek().is("-");
        if minus || self.peek().is("+") {
            self.take();
        }
        let seconds = self.literal()?.value * if minus { -1.0 } else { 1.0 };
        // Not only what is no number: whoever is a thousandth short of the end overflows too.
        if seconds.is_nan() || seconds.abs() >= i64::MAX as f64 {
            let sign = if seconds == f64::INFINITY { "+" } else { "" };
            let message = format!("timestamp out of bounds for @ modifier: {sign}{seconds:.6}");
            let message = message.replace("inf", "Inf");
            return Err(self.error(at, message));
        }
        Ok(At::Time((seconds * 1000.0).round() as i64))
    }

    fn boundary(&mut self, mut node: Node, word: &str) -> Parsed<Node> {
        self.take();
        let refused =
            |parser: &Self, reason: &str| Err(parser.error(node.at, format!("{word} modifier {reason}")));
        if !self.features.extended_ranges {
            return refused(self, "is experimental and not enabled");
        }
        let boundary = if word == "anchored" { Boundary::Anchored } else { Boundary::Smoothed };
        match &mut node.kind {
            NodeKind::Subquery(_) => return refused(self, "is not supported for subqueries"),
            NodeKind::Selector(selector) | NodeKind::Range(selector, _) => {
                if selector.time.boundary.replace(boundary).is_some_and(|before| before != boundary) {
                    let message = "anchored and smoothed modifiers cannot be used together";
                    return Err(self.error(node.at, message));
                }
            }
            _ => return refused(self, "not implemented"),
        }
        Ok(node)
    }
}

fn time_of(node: &mut Node) -> Option<&mut TimeModifiers> {
    match &mut node.kind {
        NodeKind::Selector(selector) | NodeKind::Range(selector, _) => Some(&mut selector.time),
        NodeKind::Subquery(subquery) => Some(&mut subquery.time),
        _ => None,
    }
}
