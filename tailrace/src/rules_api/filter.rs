//! Which groups and rules a request asks for.

use std::collections::HashSet;

use event::{Labels, Matcher};
use stream_processor::engine::{GroupStatus, RuleStatus};

/// Parameters of `/api/v1/rules`; what is not given lets everything through.
#[derive(Debug, Default)]
pub struct Filter {
    alerting: Option<bool>,
    names: HashSet<String>,
    groups: HashSet<String>,
    files: HashSet<String>,
    /// One of these has to fit the labels of a rule.
    matchers: Vec<Vec<Matcher>>,
    without_alerts: bool,
    limit: Option<usize>,
    next: Option<String>,
}

/// What is answered.
#[derive(Debug, Default, PartialEq)]
pub struct Page {
    /// With the rules that are asked for.
    pub groups: Vec<GroupStatus>,
    /// Whether to leave out alerts.
    pub without_alerts: bool,
    /// Names the group with which the next page begins.
    pub next: Option<String>,
}

impl Filter {
    /// From the parameters of the URL.
    ///
    /// # Errors
    /// As Prometheus says what is wrong with a parameter.
    pub fn parse(parameters: Vec<(String, String)>) -> Result<Self, String> {
        let mut filter = Filter::default();
        for (key, value) in parameters {
            match key.as_str() {
                "rule_name[]" => drop(filter.names.insert(value)),
                "rule_group[]" => drop(filter.groups.insert(value)),
                "file[]" => drop(filter.files.insert(value)),
                "match[]" => filter.matchers.push(promql::parse_selector(&value).map_err(|e| e.to_string())?),
                "type" => filter.alerting = alerting(&value)?,
                "exclude_alerts" if !value.is_empty() => filter.without_alerts = flag(&value)?,
                "group_limit" if !value.is_empty() => filter.limit = Some(limit(&value)?),
                "group_next_token" if !value.is_empty() => filter.next = Some(value),
                _ => {}
            }
        }
        match (&filter.next, filter.limit) {
            (Some(_), None) => Err(invalid(
                "group_next_token",
                "group_limit needs to be present in order to paginate over the groups",
            )),
            _ => Ok(filter),
        }
    }

    /// The groups that are asked for, from the one that the token names.
    ///
    /// # Errors
    /// When the token names no group.
    pub fn page(&self, all: &[GroupStatus]) -> Result<Page, String> {
        let from = match &self.next {
            None => 0,
            Some(next) => all.iter().position(|group| token(group) == *next).ok_or_else(|| {
                let message = format!("invalid group_next_token '{next}'. were rule groups changed?");
                invalid("group_next_token", &message)
            })?,
        };
        let mut page = Page { without_alerts: self.without_alerts, ..Page::default() };
        for group in all[from..].iter().filter_map(|group| self.of_group(group)) {
            if self.limit == Some(page.groups.len()) {
                page.next = Some(token(&group));
                break;
            }
            page.groups.push(group);
        }
        Ok(page)
    }

    fn of_group(&self, group: &GroupStatus) -> Option<GroupStatus> {
        let wanted = |set: &HashSet<String>, name: &String| set.is_empty() || set.contains(name);
        if !wanted(&self.groups, &group.name) || !wanted(&self.files, &group.file) {
            return None;
        }
        let rules: Vec<RuleStatus> = group
            .rules
            .iter()
            .filter(|rule| wanted(&self.names, &rule.name) && self.fits(rule))
            .cloned()
            .collect();
        (!rules.is_empty()).then(|| GroupStatus { rules, ..group.clone() })
    }

    fn fits(&self, rule: &RuleStatus) -> bool {
        let label = |name: &str| {
            let found = rule.labels.iter().find(|(n, _)| n == name);
            // A template fits nothing: its value is not known here.
            found.map(|(_, value)| value.as_str()).filter(|value| !value.contains("{{")).unwrap_or_default()
        };
        let all = |matchers: &Vec<Matcher>| matchers.iter().all(|m| m.matches(label(&m.name)));
        self.alerting.is_none_or(|alerting| alerting == rule.alert.is_some())
            && (self.matchers.is_empty() || self.matchers.iter().any(all))
    }
}

fn alerting(text: &str) -> Result<Option<bool>, String> {
    match text.to_lowercase().as_str() {
        "" => Ok(None),
        "alert" => Ok(Some(true)),
        "record" => Ok(Some(false)),
        other => Err(invalid("type", &format!("not supported value {other:?}"))),
    }
}

/// As Go reads it.
fn flag(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "1" | "t" | "true" => Ok(true),
        "0" | "f" | "false" => Ok(false),
        _ => Err(invalid(
            "exclude_alerts",
            &format!("error converting exclude_alerts: {text:?} is no boolean"),
        )),
    }
}

fn limit(text: &str) -> Result<usize, String> {
    match text.parse::<i32>() {
        Err(error) => {
            Err(invalid("group_limit", &format!("group_limit needs to be a valid number: {error}")))
        }
        Ok(limit) if limit <= 0 => Err(invalid("group_limit", "group_limit needs to be greater than 0")),
        Ok(limit) => Ok(limit.unsigned_abs() as usize),
    }
}

pub(super) fn invalid(parameter: &str, message: &str) -> String {
    format!("invalid parameter {parameter:?}: {message}")
}

fn token(group: &GroupStatus) -> String {
    let names = Labels::from([("file", group.file.as_str()), ("group", group.name.as_str())]);
    format!("{:016x}", names.fingerprint())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups() -> Vec<GroupStatus> {
        let rule = |name: &str, labels: &[(&str, &str)], alert: bool| RuleStatus {
            name: name.into(),
            expr: "up".into(),
            labels: labels.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect(),
            health: Default::default(),
            alert: alert.then(Default::default),
        };
        let group = |name: &str, rules| GroupStatus {
            name: name.into(),
            file: "a.yml".into(),
            interval_ms: 15_000,
            limit: 0,
            rules,
        };
        vec![
            group("one", vec![rule("A", &[("team", "x")], true), rule("r", &[], false)]),
            group("two", vec![rule("B", &[("team", "{{ $labels.team }}")], true)]),
            group("three", vec![rule("A", &[], true)]),
        ]
    }

    fn filter(query: &str) -> Result<Filter, String> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Filter::parse(pairs.map(|(key, value)| (key.into(), value.into())).collect())
    }

    fn shown(query: &str) -> String {
        let page = filter(query).and_then(|filter| filter.page(&groups()));
        let page = page.unwrap_or_else(|e| panic!("{query}: {e}"));
        let group = |g: &GroupStatus| {
            format!("{}:{}", g.name, g.rules.iter().map(|r| r.name.as_str()).collect::<Vec<_>>().join(","))
        };
        page.groups.iter().map(group).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_asked_for_is_answered() {
        assert_eq!(shown(""), "one:A,r two:B three:A");
        assert_eq!(shown("type=alert"), "one:A two:B three:A");
        assert_eq!(shown("type=record"), "one:r");
        assert_eq!(shown("rule_name[]=A"), "one:A three:A");
        assert_eq!(shown("rule_group[]=two&rule_group[]=three"), "two:B three:A");
        assert_eq!(shown("file[]=b.yml"), "");
        assert_eq!(shown("match[]={team=\"x\"}"), "one:A");
    }

    #[test]
    fn pages_follow_each_other() {
        let first = filter("group_limit=2").unwrap().page(&groups()).unwrap();
        assert_eq!(first.groups.len(), 2);
        let next = format!("group_limit=2&group_next_token={}", first.next.unwrap());
        assert_eq!(shown(&next), "three:A");
        assert_eq!(filter(&next).unwrap().page(&groups()).unwrap().next, None);
    }

    #[test]
    fn wrong_parameters_are_named() {
        for (query, named) in [
            ("type=x", "type"),
            ("exclude_alerts=maybe", "exclude_alerts"),
            ("group_limit=0", "group_limit"),
            ("group_next_token=a", "group_next_token"),
        ] {
            let error = filter(query).unwrap_err();
            assert!(error.contains(&format!("invalid parameter {named:?}")), "{error}");
        }
        let unknown = filter("group_limit=1&group_next_token=a").unwrap();
        assert!(unknown.page(&groups()).unwrap_err().contains("were rule groups changed?"));
    }
}
