//! What Prometheus takes too, but people may not mean.

use std::collections::{BTreeMap, BTreeSet};

use config::{Source, nearest, yaml};
use event::{METRIC_NAME, MatchOp};
use promql::Query;

use crate::engine::{
    ActiveAlerts,
    program::{Action, Group, Program, Rule},
};

/// What can be told from the files alone.
pub fn warnings(sources: &[Source], groups: &[Group]) -> Vec<String> {
    let documents = sources.iter().filter(|source| yaml::has_more_documents(source)).map(|source| {
        format!(
            "{}: only the first YAML document is read; put the others into files of their own",
            source.name
        )
    });
    documents.chain(fixed(groups)).collect()
}

fn fixed(groups: &[Group]) -> impl Iterator<Item = String> {
    let rules = groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)));
    rules.filter(|(_, rule)| rule.query.metrics().is_some_and(|q| q.selectors().iter().any(|s| s.fixed))).map(
        |(group, rule)| {
            let (file, name) = (&group.file, &rule.name);
            format!(
                "{file}: `@` in `{name}` ties it to one time, which is soon further back than rules can see"
            )
        },
    )
}

/// Rules of a file with the same name and labels: one of them may be a copy that was forgotten.
pub fn duplicates(program: &Program) -> Vec<String> {
    let mut counts: BTreeMap<(&str, &str, BTreeMap<&str, &str>), usize> = BTreeMap::new();
    for (group, rule) in program.rules() {
        *counts.entry((&group.file, &rule.name, labels(rule))).or_default() += 1;
    }
    let said = counts.into_iter().filter(|(_, count)| *count > 1).map(|((file, name, _), count)| {
        format!(
            "{file}: {count} rules give `{name}` with the same labels: remove all but one, or give them labels that differ"
        )
    });
    said.collect()
}

fn labels(rule: &Rule) -> BTreeMap<&str, &str> {
    match &rule.action {
        Action::Record { labels } => labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect(),
        Action::Alert(spec) => spec.labels.iter().map(|(n, t)| (n.as_str(), t.text())).collect(),
    }
}

/// Metrics that the rules of `program` name, and that neither are among `known` nor come from one of the rules; each
/// with the known name that is nearest to it.
pub fn unknown_metrics(program: &Program, known: &BTreeSet<String>) -> Vec<String> {
    let recorded = program.rules().filter(|(_, rule)| rule.alert().is_none()).map(|(_, rule)| &*rule.name);
    let known: BTreeSet<&str> =
        known.iter().map(String::as_str).chain(recorded).chain(ActiveAlerts::SERIES).collect();
    let known: Vec<&str> = known.into_iter().collect();
    let mut found = BTreeSet::new();
    for (group, rule) in program.rules() {
        let queries = rule.query.metrics().into_iter().chain(&rule.template_queries);
        for name in queries.flat_map(names).filter(|name| known.binary_search(&name.as_str()).is_err()) {
            let near = nearest(&name, &known).map(|near| format!("; did you mean `{near}`?"));
            let (file, near) = (&group.file, near.unwrap_or_default());
            found
                .insert(format!("{file}: no series is named `{name}`, which `{}` asks for{near}", rule.name));
        }
    }
    found.into_iter().collect()
}

/// The metrics that a query names.
fn names(query: &Query) -> Vec<String> {
    let matchers = query.selectors().into_iter().flat_map(|selector| selector.matchers);
    let named = matchers.filter(|m| m.name == METRIC_NAME && m.op == MatchOp::Equal);
    named.map(|matcher| matcher.value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::check;

    fn program(rules: &str) -> Program {
        check(&[Source::new("r.yml", format!("groups: [{{name: g, rules: [{rules}]}}]"))], None).unwrap()
    }

    #[test]
    fn rules_of_one_name_are_duplicates_where_their_labels_are_the_same() {
        let alert = |severity: &str| format!("{{alert: A, expr: up, labels: {{severity: {severity}}}}}");
        let twice = |a: &str, b: &str| duplicates(&program(&[alert(a), alert(b)].join(", ")));
        assert_eq!(twice("page", "info"), Vec::<String>::new());
        let said = twice("page", "page");
        assert!(
            said.len() == 1 && said[0].starts_with("r.yml: 2 rules give `A` with the same labels"),
            "{said:?}"
        );
    }

    #[test]
    fn metrics_that_nobody_has_are_told_with_the_nearest_name() {
        let program = program(
            "{record: a, expr: sum(node_lood1)}, {record: b, expr: a + up + ALERTS}, {alert: C, expr: absent(quite_else)}",
        );
        let known = ["node_load1", "node_load5", "up"].map(str::to_owned).into();
        let said = unknown_metrics(&program, &known);
        assert_eq!(
            said,
            [
                "r.yml: no series is named `node_lood1`, which `a` asks for; did you mean `node_load1`?",
                "r.yml: no series is named `quite_else`, which `C` asks for",
            ]
        );
    }
}
