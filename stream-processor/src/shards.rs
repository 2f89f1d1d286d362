//! Puts rule groups into shards. Groups that read each other's series or alerts stay together, and so do groups of one
//! name; windows, and who reads what they give, are in the first shard.

use std::collections::{BTreeMap, BTreeSet};

use event::{Labels, METRIC_NAME, Matcher};
use promql::Query;

use crate::engine::{
    ActiveAlerts,
    program::{Action, Elsewhere, Group, Program, Window},
};

/// One program for each shard. In which one a group is depends on nothing but the groups it is tied to.
pub fn split(program: Program, shards: usize) -> Vec<Program> {
    if shards == 1 {
        return vec![program];
    }
    let numbers = assign(&program, shards);
    let reads_logs = program.reads_logs();
    let Program { windows, groups, warnings, .. } = program;
    let names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
    let mut programs: Vec<Program> = (0..shards).map(|_| Program::default()).collect();
    for (group, number) in groups.into_iter().zip(&numbers) {
        programs[*number].groups.push(group);
    }
    for (number, program) in programs.iter_mut().enumerate() {
        let others = names.iter().zip(&numbers).filter(|(_, shard)| **shard != number);
        let groups = others.map(|(name, _)| name.clone()).collect();
        // A shard without groups has no steps in which alerts could end.
        let ends_orphans = numbers.iter().min().is_some_and(|first| *first != number);
        program.elsewhere = Elsewhere { groups, ends_orphans, reads_logs: reads_logs && number == 0 };
    }
    (programs[0].windows, programs[0].warnings) = (windows, warnings);
    programs
}

/// The shard of each group.
fn assign(program: &Program, shards: usize) -> Vec<usize> {
    let windows: Vec<usize> = tied_to_windows(program);
    let roots = components(&program.groups);
    let first: BTreeSet<usize> = windows.into_iter().map(|at| roots[at]).collect();
    let mut names: BTreeMap<usize, &str> = BTreeMap::new();
    for (group, root) in program.groups.iter().zip(&roots) {
        let name = names.entry(*root).or_insert(&group.name);
        *name = (*name).min(&group.name);
    }
    let shard = |root: &usize| if first.contains(root) { 0 } else { hashed(names[root], shards) };
    roots.iter().map(shard).collect()
}

fn hashed(name: &str, shards: usize) -> usize {
    (Labels::from([("group", name)]).fingerprint() % shards as u64) as usize
}

/// Groups that read series of windows, or give series to them.
fn tied_to_windows(program: &Program) -> Vec<usize> {
    let made: Vec<Labels> = program.windows.iter().flat_map(given_by_window).collect();
    let read: Vec<&[Matcher]> = program.windows.iter().map(|window| window.matchers.as_slice()).collect();
    let tied = |group: &Group| {
        reads(group).iter().any(|matchers| made.iter().any(|series| may_fit(matchers, series)))
            || gives(group).iter().any(|series| read.iter().any(|matchers| may_fit(matchers, series)))
    };
    (0..program.groups.len()).filter(|at| tied(&program.groups[*at])).collect()
}

/// For each group the first one that it is tied to, directly or through others.
fn components(groups: &[Group]) -> Vec<usize> {
    let (read, given): (Vec<_>, Vec<_>) = groups.iter().map(|group| (reads(group), gives(group))).unzip();
    let feeds = |from: usize, to: usize| {
        given[from].iter().any(|series| read[to].iter().any(|matchers| may_fit(matchers, series)))
    };
    let mut roots: Vec<usize> = (0..groups.len()).collect();
    for a in 0..groups.len() {
        for b in 0..a {
            if roots[a] != roots[b] && (groups[a].name == groups[b].name || feeds(a, b) || feeds(b, a)) {
                let (kept, gone) = (roots[a].min(roots[b]), roots[a].max(roots[b]));
                roots.iter_mut().filter(|root| **root == gone).for_each(|root| *root = kept);
            }
        }
    }
    roots
}

/// What the queries of a group select.
fn reads(group: &Group) -> Vec<Vec<Matcher>> {
    let queries =
        group.rules.iter().flat_map(|rule| rule.template_queries.iter().chain(rule.query.metrics()));
    queries.flat_map(Query::selectors).map(|selector| selector.matchers).collect()
}

/// What is known of the series that a group gives.
fn gives(group: &Group) -> Vec<Labels> {
    let series = group.rules.iter().flat_map(|rule| match &rule.action {
        Action::Record { .. } => vec![Labels::from([(METRIC_NAME, rule.name.as_str())])],
        Action::Alert(_) => ActiveAlerts::SERIES
            .map(|series| Labels::from([(METRIC_NAME, series), ("alertname", &rule.name)]))
            .into(),
    });
    series.collect()
}

fn given_by_window(window: &Window) -> impl Iterator<Item = Labels> {
    window.functions.iter().map(|function| {
        let name = window.series_name(*function);
        Labels::from([(METRIC_NAME, name.as_str())])
    })
}

/// Only labels that are known can tell that a series does not fit.
fn may_fit(matchers: &[Matcher], series: &Labels) -> bool {
    matchers.iter().all(|matcher| series.get(&matcher.name).is_none_or(|value| matcher.matches(value)))
}

#[cfg(test)]
mod tests {
    use config::Source;

    use super::*;
    use crate::rules::check;

    const WINDOWS: &str = "windows: [{name: load, select: node_load1, window: 1m, functions: [avg]}]";

    fn program(groups: &[(&str, &str)]) -> Program {
        let groups = groups.iter().map(|(name, rules)| format!("{{name: {name}, rules: [{rules}]}}"));
        let text = format!("groups: [{}]", groups.collect::<Vec<_>>().join(", "));
        check(&[Source::new("r.yml", text)], Some(&Source::new("w.yaml", WINDOWS))).unwrap()
    }

    fn names(program: &Program) -> Vec<&str> {
        program.groups.iter().map(|group| group.name.as_str()).collect()
    }

    #[test]
    fn groups_that_read_each_other_stay_together_in_their_order() {
        let groups = [
            ("z", "{record: a, expr: up}"),
            ("y", "{alert: B, expr: sum(a) > 1}"),
            ("x", "{record: c, expr: 'count(ALERTS{alertname=\"B\"})'}"),
            ("other", "{alert: D, expr: 'ALERTS{alertname=\"E\"}'}"),
        ];
        let program = program(&groups);
        assert_eq!(components(&program.groups), [0, 0, 0, 3]);
        let numbers = assign(&program, 7);
        assert_eq!(numbers[..3], [hashed("x", 7); 3]);
        assert_eq!(names(&split(program, 7)[hashed("x", 7)])[..3], ["z", "y", "x"]);
    }

    #[test]
    fn a_selector_without_a_name_may_read_everything() {
        let all =
            program(&[("a", "{record: r, expr: up}"), ("b", "{alert: B, expr: 'count({job=\"x\"}) > 1'}")]);
        assert_eq!(components(&all.groups), [0, 0]);
    }

    #[test]
    fn windows_and_their_readers_are_in_the_first_shard() {
        let groups: Vec<(String, String)> = (0..20)
            .map(|n| (format!("g{n}"), format!("{{alert: A{n}, expr: 'load:avg_1m > {n}'}}")))
            .collect();
        let groups: Vec<(&str, &str)> = groups.iter().map(|(n, r)| (n.as_str(), r.as_str())).collect();
        let programs = split(program(&groups), 3);
        let counts = |of: fn(&Program) -> usize| programs.iter().map(of).collect::<Vec<_>>();
        assert_eq!(counts(|program| program.windows.len()), [1, 0, 0]);
        assert_eq!(counts(|program| program.groups.len()), [20, 0, 0]);
    }

    #[test]
    fn each_group_is_in_one_shard_wherever_it_stands_and_the_others_know_of_it() {
        let names_of = |order: &[usize]| {
            let groups: Vec<(String, String)> =
                order.iter().map(|n| (format!("g{n}"), format!("{{alert: A{n}, expr: up}}"))).collect();
            let groups: Vec<(&str, &str)> = groups.iter().map(|(n, r)| (n.as_str(), r.as_str())).collect();
            split(program(&groups), 4)
        };
        let (forth, back) =
            (names_of(&(0..40).collect::<Vec<_>>()), names_of(&(0..40).rev().collect::<Vec<_>>()));
        for (forth, back) in forth.iter().zip(&back) {
            let own: BTreeSet<&str> = names(forth).into_iter().collect();
            assert!(own.len() > 3, "{own:?}");
            assert_eq!(own, names(back).into_iter().collect());
            assert!(own.len() + forth.elsewhere.groups.len() == 40);
            assert!(own.iter().all(|name| !forth.elsewhere.groups.contains(*name)));
        }
    }

    #[test]
    fn the_shard_of_a_group_never_changes() {
        assert_eq!(["a", "b", "c", "d"].map(|name| hashed(name, 4)), [1, 1, 2, 3]);
    }
}
