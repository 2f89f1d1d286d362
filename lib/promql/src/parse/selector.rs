//! Selectors: a name, matchers in braces, or both.

use event::{METRIC_NAME, MatchOp, Matcher};

use super::{
    ast::{Node, NodeKind, Selector, TimeModifiers},
    parser::{Parsed, Parser},
    token::Kind,
};

impl Parser<'_> {
    /// `up{job="a"}`, without what stands behind it.
    pub fn selector(&mut self) -> Parsed<Node> {
        let first = self.peek();
        let name = first.names_metric().then(|| self.take().text.to_string());
        let matchers = if self.peek().is("{") { self.matchers()? } else { Vec::new() };
        let selector = Selector { name, matchers, time: TimeModifiers::default() };
        self.node(first.at, NodeKind::Selector(selector))
    }

    fn matchers(&mut self) -> Parsed<Vec<Matcher>> {
        self.take();
        let mut matchers = Vec::new();
        while !self.accept("}") {
            matchers.push(self.matcher()?);
            if !self.accept(",") && !self.peek().is("}") {
                return Err(self.unexpected_in(("label matching", "\",\" or \"}\"")));
            }
        }
        Ok(matchers)
    }

    fn matcher(&mut self) -> Parsed<Matcher> {
        let first = self.peek();
        let name = match first.kind {
            Kind::Text => self.text()?,
            Kind::Identifier => self.take().text.to_string(),
            _ => return Err(self.unexpected_in(("label matching", "identifier or \"}\""))),
        };
        let op = match self.peek().kind {
            Kind::Symbol("=") => MatchOp::Equal,
            Kind::Symbol("!=") => MatchOp::NotEqual,
            Kind::Symbol("=~") => MatchOp::Regex,
            Kind::Symbol("!~") => MatchOp::NotRegex,
            // A text alone is the metric's name.
            _ if first.kind == Kind::Text => return Ok(Matcher::equal(METRIC_NAME, &name)),
            _ => return Err(self.unexpected_in(("label matching", "label matching operator"))),
        };
        self.take();
        if self.peek().kind != Kind::Text {
            return Err(self.unexpected_in(("label matching", "string")));
        }
        let value = self.text()?;
        Matcher::new(&name, op, &value).map_err(|error| {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            self.error(first.at, format!("error parsing regexp: {reason}: `{value}`"))
        })
    }
}
