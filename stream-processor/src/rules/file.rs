//! Prometheus' rule files.

use std::collections::HashSet;

use config::{
    Diagnostics, Duration, Source,
    yaml::{Fields, Node},
};

use promql::Features;

use super::check::{Checker, is_label_name};
use crate::engine::program::{Action, AlertSpec, Group, Rule};

/// What Prometheus' global `evaluation_interval` is for it.
const DEFAULT_INTERVAL_MS: i64 = 15_000;
/// Shorter intervals cost much and show nothing: hosts are sampled every few seconds.
const SHORTEST_INTERVAL_MS: i64 = 1_000;

const FILE_KEYS: [&str; 1] = ["groups"];
const GROUP_KEYS: [&str; 6] = ["name", "interval", "limit", "query_offset", "labels", "rules"];
const RULE_KEYS: [&str; 7] = ["record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"];

/// The groups of a file; notes every error.
pub fn parse(source: &Source, features: Features, problems: &mut Diagnostics) -> Vec<Group> {
    let Some(root) = super::root(source, problems) else { return Vec::new() };
    let groups = Fields::new(&root, source, &FILE_KEYS, problems).list("groups");
    let mut names = HashSet::new();
    groups.iter().map(|node| group(node, source, features, &mut names, problems)).collect()
}

fn group<'a>(
    node: &'a Node,
    source: &'a Source,
    features: Features,
    names: &mut HashSet<&'a str>,
    problems: &mut Diagnostics,
) -> Group {
    let mut fields = Fields::new(node, source, &GROUP_KEYS, problems);
    fields.require("name", "name: host");
    let name = fields.text("name").unwrap_or_default();
    if !name.is_empty() && !names.insert(name) {
        let offset = fields.get("name").map_or(0, |n| n.span.start);
        fields.problem(
            offset,
            format!("a second group named `{name}`"),
            "give each group of a file its own name",
        );
    }
    let interval_ms = interval(&mut fields);
    let limit = fields.parse("limit", "100").unwrap_or(0);
    let query_offset_ms = fields.parse::<Duration>("query_offset", "30s").unwrap_or_default().millis();
    let shared = fields.texts("labels");
    let nodes = fields.list("rules");
    let rules = nodes.iter().filter_map(|node| rule(node, source, features, &shared, problems)).collect();
    Group { name: name.into(), file: source.name.clone(), interval_ms, limit, query_offset_ms, rules }
}

fn interval(fields: &mut Fields<'_, '_>) -> i64 {
    match fields.parse::<Duration>("interval", "15s").map(Duration::millis) {
        None | Some(0) => DEFAULT_INTERVAL_MS,
        Some(ms) if ms < SHORTEST_INTERVAL_MS => {
            let offset = fields.get("interval").map_or(0, |n| n.span.start);
            fields.problem(offset, "`interval` is shorter than a second", "write 1s or more");
            SHORTEST_INTERVAL_MS
        }
        Some(ms) => ms,
    }
}

type Texts<'a> = [(&'a Node, &'a str, &'a Node)];

fn rule(
    node: &Node,
    source: &Source,
    features: Features,
    shared: &Texts<'_>,
    problems: &mut Diagnostics,
) -> Option<Rule> {
    let mut fields = Fields::new(node, source, &RULE_KEYS, problems);
    let name = name(&mut fields, node);
    let is_alert = fields.key("alert").is_some();
    let hold = fields.parse::<Duration>("for", "5m").unwrap_or_default();
    let keep = fields.parse::<Duration>("keep_firing_for", "10m").unwrap_or_default();
    if !is_alert && fields.key("record").is_some() {
        reject_alert_keys(&mut fields);
    }
    let expr = fields.require("expr", "expr: up == 0");
    fields.text("expr");
    let (own, annotations) = (fields.texts("labels"), fields.texts("annotations"));
    let labels = joined(shared, &own);
    check_names(&labels, &mut fields);
    check_names(&annotations, &mut fields);

    let mut checker = Checker { source, problems, features, template_queries: Vec::new() };
    let query = expr.and_then(|expr| checker.expression(expr));
    let action = if is_alert {
        let mut templates = |texts: &Texts<'_>| -> Vec<_> {
            texts
                .iter()
                .filter_map(|(k, t, v)| Some((k.text()?.to_owned(), checker.template(t, v)?)))
                .collect()
        };
        let (labels, annotations) = (templates(&labels), templates(&annotations));
        let (hold_ms, keep_firing_ms) = (hold.millis(), keep.millis());
        Action::Alert(AlertSpec { hold_ms, keep_firing_ms, labels, annotations })
    } else {
        let texts = labels.iter().filter_map(|(k, text, _)| Some((k.text()?.to_owned(), (*text).to_owned())));
        Action::Record { labels: texts.collect() }
    };
    let template_queries = checker.template_queries;
    let expr = expr?.text()?.trim().to_owned();
    let (name, query) = (name?.to_owned(), query?);
    let formatted = query.to_string();
    Some(Rule { name, expr, formatted, query, template_queries, action })
}

/// The name of an alert or of what is recorded.
fn name<'a>(fields: &mut Fields<'a, '_>, node: &Node) -> Option<&'a str> {
    match (fields.key("record"), fields.key("alert")) {
        (Some(_), Some(alert)) => {
            let remedy = "make two rules of it";
            fields.problem(alert.span.start, "a rule has either `record` or `alert`, not both", remedy);
            None
        }
        (None, None) => {
            let remedy = "add `alert: Name` or `record: name:of:series`";
            fields.problem(node.span.start, "a rule needs `record` or `alert`", remedy);
            None
        }
        (Some(_), None) => name_of(fields, "record"),
        (None, Some(_)) => name_of(fields, "alert"),
    }
}

fn name_of<'a>(fields: &mut Fields<'a, '_>, key: &str) -> Option<&'a str> {
    let node = fields.require(key, &format!("{key}: name"))?;
    let name = fields.text(key)?;
    let bad = |c: char| c.is_whitespace() || "{}()[]\"'".contains(c);
    if name.is_empty()
        || (key == "record" && (name.contains(bad) || name.starts_with(|c: char| c.is_ascii_digit())))
    {
        let message = format!("`{name}` is no name of a series");
        fields.problem(
            node.span.start,
            message,
            "use letters, digits, `_` and `:`, for example `host:cpu:rate5m`",
        );
        return None;
    }
    Some(name)
}

fn reject_alert_keys(fields: &mut Fields<'_, '_>) {
    for key in ["for", "keep_firing_for", "annotations"] {
        if let Some(found) = fields.key(key) {
            let message = format!("a recording rule has no `{key}`");
            fields.problem(found.span.start, message, "remove it, or write `alert` in place of `record`");
        }
    }
}

/// The group's labels and the rule's; the rule's win.
fn joined<'a>(shared: &Texts<'a>, own: &Texts<'a>) -> Vec<(&'a Node, &'a str, &'a Node)> {
    let is_own = |key: &Node| own.iter().any(|(k, _, _)| k.text() == key.text());
    shared.iter().filter(|(key, _, _)| !is_own(key)).chain(own).copied().collect()
}

fn check_names(texts: &Texts<'_>, fields: &mut Fields<'_, '_>) {
    for (key, _, _) in texts {
        if !key.text().is_some_and(is_label_name) {
            let message = format!("`{}` is no name of a label", key.text().unwrap_or_default());
            fields.problem(key.span.start, message, "use letters, digits and `_`; not `__name__`");
        }
    }
}
