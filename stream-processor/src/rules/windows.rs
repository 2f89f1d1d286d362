//! The windows file: aggregates over spans of time. `configs/windows.yaml` explains each key.

use std::{collections::HashSet, str::FromStr};

use config::{
    Diagnostics, Duration, Source,
    yaml::{Fields, Node},
};
use event::Matcher;
use promql::Features;

use super::check::{Checker, is_label_name};
use crate::engine::program::{Function, Window};

const KEYS: [&str; 7] = ["name", "select", "window", "every", "last", "functions", "by"];

/// The windows of a file; notes every error.
pub fn parse(source: &Source, problems: &mut Diagnostics) -> Vec<Window> {
    let Some(root) = super::root(source, problems) else { return Vec::new() };
    let nodes = Fields::new(&root, source, &["windows"], problems).list("windows");
    let mut names = HashSet::new();
    nodes.iter().filter_map(|node| window(node, source, &mut names, problems)).collect()
}

fn window(
    node: &Node,
    source: &Source,
    names: &mut HashSet<String>,
    problems: &mut Diagnostics,
) -> Option<Window> {
    let mut fields = Fields::new(node, source, &KEYS, problems);
    let (name_node, select) =
        (fields.require("name", "name: node_load1"), fields.require("select", "select: node_load1"));
    fields.require("window", "window: 1m");
    fields.require("functions", "functions: [avg, max]");
    let name = fields.text("name").unwrap_or_default().to_owned();
    let window_ms = span(&mut fields, "window");
    let every_ms = span(&mut fields, "every").or(window_ms);
    if let (Some(window), Some(every), Some(place)) = (window_ms, every_ms, fields.key("every"))
        && every > window
    {
        let remedy = "samples between the windows would be left out: make it at most the window";
        fields.problem(place.span.start, "`every` is longer than `window`", remedy);
    }
    let last = fields.parse::<std::num::NonZeroUsize>("last", "3").map(usize::from);
    let functions = functions(&mut fields);
    let by = fields.get("by").is_some().then(|| labels(&mut fields));
    let matchers = selector(select?, source, problems)?;
    let window = Window {
        name,
        file: source.name.clone(),
        select: select?.text()?.trim().to_owned(),
        matchers,
        window_ms: window_ms?,
        every_ms: every_ms?,
        last,
        functions,
        by,
    };
    check_unique(&window, name_node?, source, names, problems);
    Some(window)
}

fn span(fields: &mut Fields<'_, '_>, key: &str) -> Option<i64> {
    let millis = fields.parse::<Duration>(key, "1m")?.millis();
    if millis < 1_000 {
        let offset = fields.get(key).map_or(0, |n| n.span.start);
        fields.problem(offset, format!("`{key}` is shorter than a second"), "write 1s or more");
        return None;
    }
    Some(millis)
}

fn functions(fields: &mut Fields<'_, '_>) -> Vec<Function> {
    let nodes = fields.list("functions");
    let mut all = Vec::new();
    for node in nodes {
        match node.text().unwrap_or_default().parse() {
            Ok(function) => all.push(function),
            Err(message) => {
                let remedy = "known: sum, avg, min, max, count, quantile(0.95)";
                fields.problem(node.span.start, message, remedy);
            }
        }
    }
    if let (true, Some(key)) = (nodes.is_empty(), fields.key("functions")) {
        fields.problem(key.span.start, "`functions` is empty", "write for example `functions: [avg]`");
    }
    all
}

fn labels(fields: &mut Fields<'_, '_>) -> Vec<String> {
    let mut all = Vec::new();
    for node in fields.list("by") {
        match node.text().filter(|name| is_label_name(name)) {
            Some(name) => all.push(name.to_owned()),
            None => {
                fields.problem(node.span.start, "this is no name of a label", "use letters, digits and `_`")
            }
        }
    }
    all
}

fn selector(node: &Node, source: &Source, problems: &mut Diagnostics) -> Option<Vec<Matcher>> {
    let mut checker = Checker { source, problems, features: Features::STABLE, template_queries: Vec::new() };
    let query = checker.metrics(node)?;
    let text = node.text()?.trim();
    let (name, braces) = text.split_at(text.find('{').unwrap_or(text.len()));
    let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':');
    let closed = braces.is_empty() || braces.ends_with('}');
    match query.selectors().as_slice() {
        [one] if plain && closed => Some(one.matchers.clone()),
        _ => {
            let found = source.diagnostic(node.span.start, "`select` is more than a selector");
            let remedy = "write for example `node_load1{job=\"host\"}`; expressions go into recording rules";
            problems.0.push(found.with_remedy(remedy));
            None
        }
    }
}

fn check_unique(
    window: &Window,
    node: &Node,
    source: &Source,
    names: &mut HashSet<String>,
    problems: &mut Diagnostics,
) {
    for function in &window.functions {
        let name = window.series_name(*function);
        if !names.insert(name.clone()) {
            let found = source.diagnostic(node.span.start, format!("two windows give the series `{name}`"));
            problems.0.push(found.with_remedy("give one of them another `name`"));
        }
    }
}

impl FromStr for Function {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let quantile = text.strip_prefix("quantile(").and_then(|rest| rest.strip_suffix(')'));
        if let Some(phi) = quantile.and_then(|phi| phi.trim().parse().ok()) {
            let inside = (0.0..=1.0).contains(&phi);
            return inside
                .then_some(Function::Quantile(phi))
                .ok_or(format!("quantile {phi} is not between 0 and 1"));
        }
        match text {
            "sum" => Ok(Function::Sum),
            "avg" => Ok(Function::Avg),
            "min" => Ok(Function::Min),
            "max" => Ok(Function::Max),
            "count" => Ok(Function::Count),
            other => Err(format!("unknown function `{other}`")),
        }
    }
}
