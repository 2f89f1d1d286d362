//! Expressions and templates inside of files: checked, with errors at their place in the file.

use config::{Diagnostics, Source, yaml::Node};
use event::METRIC_NAME;
use promql::{Features, ParseError, Query, ValueType};

use crate::engine::{Template, program::Expression};

/// Checks what stands in `source`.
pub struct Checker<'a> {
    pub source: &'a Source,
    pub problems: &'a mut Diagnostics,
    /// What of PromQL expressions may use.
    pub features: Features,
    /// Queries that templates may ask.
    pub template_queries: Vec<Query>,
}

impl Checker<'_> {
    /// The expression of a rule. It is LogQL if it can be and has selectors that name no metric: there is no PromQL
    /// that people write so.
    pub fn expression(&mut self, node: &Node) -> Option<Expression> {
        let text = node.text()?;
        let (metrics, logs) = (promql::parse_with(text, self.features), logql::parse(text));
        let names_metric = |query: &Query| {
            let named = |s: &promql::Selector| s.matchers.iter().any(|m| m.name == METRIC_NAME);
            query.selectors().is_empty() || query.selectors().iter().any(named)
        };
        match logs {
            Ok(logql::Expr::Metric(query))
                if !query.ranges().is_empty() && !metrics.as_ref().is_ok_and(names_metric) =>
            {
                Some(Expression::Logs(query))
            }
            Ok(logql::Expr::Log(_)) if metrics.is_err() => {
                let message = "this selects lines, a rule needs a number";
                self.problem(node, 0, message, "count them, for example `count_over_time({…} [5m]) > 0`");
                None
            }
            Err(error) if metrics.is_err() && has_pipe(text) => {
                let at = offset(text, error.line.max(1), error.column.max(1));
                let remedy = "see the LogQL reference; `tailrace logs` tries expressions out";
                self.problem(node, at, format!("expression: {}", error.message), remedy);
                None
            }
            _ => self.metrics(node).map(Expression::Metrics),
        }
    }

    /// An expression over series.
    pub fn metrics(&mut self, node: &Node) -> Option<Query> {
        let text = node.text()?;
        let query = match promql::parse_with(text, self.features) {
            Ok(query) => query,
            Err(error) => {
                self.parse_error(node, text, &error);
                return None;
            }
        };
        if matches!(query.value_type(), ValueType::Matrix | ValueType::String) {
            let message = format!("a rule needs a vector or a scalar, this is a {}", query.value_type());
            self.problem(node, 0, message, "put a function around it, for example rate(…)");
        }
        Some(query)
    }

    /// A label or annotation of an alert.
    pub fn template(&mut self, text: &str, node: &Node) -> Option<Template> {
        match Template::parse(text) {
            Ok(template) => {
                self.template_queries.extend(queries_in(text));
                Some(template)
            }
            Err(error) => {
                let remedy = "see the template reference of Prometheus; literal braces are `{{ \"{{\" }}`";
                self.problem(node, error.offset, format!("template: {}", error.message), remedy);
                None
            }
        }
    }

    fn parse_error(&mut self, node: &Node, text: &str, error: &ParseError) {
        let offset = error.position.map_or(0, |p| offset(text, p.line, p.column));
        let message = format!("expression: {}", error.message);
        self.problem(
            node,
            offset,
            message,
            "see the PromQL reference; `tailrace query` tries expressions out",
        );
    }

    fn problem(&mut self, node: &Node, offset: usize, message: impl Into<String>, remedy: &str) {
        let place = node.place_inside(self.source, offset);
        self.problems.0.push(self.source.diagnostic(place, message).with_remedy(remedy));
    }
}

/// Letters, digits and underscores; other scripts too, as in Prometheus 3.
pub fn is_label_name(name: &str) -> bool {
    !name.is_empty() && name != "__name__" && !name.starts_with(|c: char| c.is_ascii_digit()) && {
        name.chars().all(|c| c.is_alphanumeric() || "_.-/".contains(c))
    }
}

/// Whether there is one outside of quotes: PromQL has none.
fn has_pipe(text: &str) -> bool {
    text.split(['"', '`']).step_by(2).any(|part| part.contains('|'))
}

fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let within = text[start..].char_indices().nth(column.saturating_sub(1));
    within.map_or(text.len(), |(i, _)| start + i)
}

/// The queries that a template asks, so that their series are kept: each text in quotes that is PromQL, with
/// the verbs of `printf` standing for anything.
fn queries_in(template: &str) -> Vec<Query> {
    if !template.contains("query") {
        return Vec::new();
    }
    let texts = template.split(['"', '`']).skip(1).step_by(2);
    texts
        .filter_map(|text| promql::parse(&loosened(text)).ok())
        .filter(|q| !q.selectors().is_empty())
        .collect()
}

/// `x{host="%s"}` and `x{host=%q}` as `x{host=~".*"}`.
fn loosened(text: &str) -> String {
    let text = text.replace("\\", "").replace("='%s'", "=~'.*'").replace("='%v'", "=~'.*'");
    text.replace("=\"%s\"", "=~\".*\"").replace("=%q", "=~\".*\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_of_templates_are_found_with_any_value_for_what_is_filled_in() {
        let found = queries_in("{{ printf `up{host='%s'}` $labels.host | query | first | value }}");
        assert_eq!(found.len(), 1);
        let matchers = &found[0].selectors()[0].matchers;
        assert!(matchers.iter().all(|m| m.name != "host" || m.matches("anything")));
        assert!(queries_in("{{ $value }} \"up\"").is_empty());
        assert_eq!(queries_in("{{ query \"sum(rate(x[5m]))\" }}").len(), 1);
    }
}
