//! What the engine runs: checked rule groups and windows. Made by [`crate::rules`].

use std::{collections::BTreeSet, fmt};

use event::Labels;
use logql::MetricExpr;
use promql::Query;

use super::{interest::Interest, line_store::LineInterest, template::Template};

/// Everything that is evaluated, in order: windows, then the groups.
#[derive(Debug, Default)]
pub struct Program {
    /// Windowed aggregates.
    pub windows: Vec<Window>,
    /// Rule groups.
    pub groups: Vec<Group>,
    /// What people may not have meant.
    pub warnings: Vec<String>,
    /// What other shards evaluate.
    pub elsewhere: Elsewhere,
}

/// What a shard needs to know of the others.
#[derive(Debug, Default)]
pub struct Elsewhere {
    /// Names of their groups.
    pub groups: BTreeSet<String>,
    /// Whether one of them ends the alerts of groups that are no more.
    pub ends_orphans: bool,
    /// Whether this shard reads log entries for them too, because it writes the ticks.
    pub reads_logs: bool,
}

/// Aggregates over the samples of a span of time, for each set of labels.
#[derive(Debug)]
pub struct Window {
    /// Begins the name of every series that it gives.
    pub name: String,
    /// The file it is from.
    pub file: String,
    /// The selector as it was written.
    pub select: String,
    /// All must match.
    pub matchers: Vec<event::Matcher>,
    /// Length.
    pub window_ms: i64,
    /// How often it is evaluated: its length if it tumbles, less if it slides.
    pub every_ms: i64,
    /// Only so many of the newest samples of each series.
    pub last: Option<usize>,
    /// What is computed.
    pub functions: Vec<Function>,
    /// The labels that remain; `None`: each series by itself.
    pub by: Option<Vec<String>>,
}

/// What a window computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// Of all values.
    Sum,
    /// Arithmetic mean.
    Avg,
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// How many samples.
    Count,
    /// φ-quantile, linear between neighbours.
    Quantile(f64),
}

/// Rules that are evaluated one after the other at the same steps.
#[derive(Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The file it is from.
    pub file: String,
    /// Steps are multiples of it.
    pub interval_ms: i64,
    /// How many series or alerts one rule may give; 0: any number.
    pub limit: usize,
    /// Queries are evaluated at the step minus this.
    pub query_offset_ms: i64,
    /// In the order of the file.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Name of the series or of the alert.
    pub name: String,
    /// The expression as it was written.
    pub expr: String,
    /// The same, formatted.
    pub formatted: String,
    /// The same, checked.
    pub query: Expression,
    /// Queries that its templates may ask, as far as they can be told.
    pub template_queries: Vec<Query>,
    /// Series or alert.
    pub action: Action,
}

/// What a rule asks.
#[derive(Clone, Debug)]
pub enum Expression {
    /// PromQL, over series.
    Metrics(Query),
    /// LogQL, over log lines.
    Logs(MetricExpr),
}

impl Expression {
    /// The query, if it is about series.
    pub fn metrics(&self) -> Option<&Query> {
        match self {
            Expression::Metrics(query) => Some(query),
            Expression::Logs(_) => None,
        }
    }

    /// The query, if it is about log lines.
    pub fn logs(&self) -> Option<&MetricExpr> {
        match self {
            Expression::Metrics(_) => None,
            Expression::Logs(query) => Some(query),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expression::Metrics(query) => query.fmt(f),
            Expression::Logs(query) => query.fmt(f),
        }
    }
}

/// What a rule does with the result.
#[derive(Debug)]
pub enum Action {
    /// Publishes it as series.
    Record {
        /// Set on every series; an empty value removes the label.
        labels: Vec<(String, String)>,
    },
    /// Every series of the result is an alert.
    Alert(AlertSpec),
}

/// The rest of an alerting rule.
#[derive(Debug, Default)]
pub struct AlertSpec {
    /// `for`: how long it holds before it fires.
    pub hold_ms: i64,
    /// How long it goes on to fire after it holds no more.
    pub keep_firing_ms: i64,
    /// Set on every alert.
    pub labels: Vec<(String, Template)>,
    /// Texts.
    pub annotations: Vec<(String, Template)>,
}

impl Program {
    /// All steps are multiples of one of these.
    pub fn intervals(&self) -> impl Iterator<Item = i64> {
        let windows = self.windows.iter().map(|w| w.every_ms);
        windows.chain(self.groups.iter().map(|g| g.interval_ms))
    }

    /// The recording rules alone.
    pub fn recording(mut self) -> Self {
        self.groups.iter_mut().for_each(|group| group.rules.retain(|rule| rule.alert().is_none()));
        self
    }

    /// All rules with their groups.
    pub fn rules(&self) -> impl Iterator<Item = (&Group, &Rule)> {
        self.groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)))
    }

    /// The series that are looked at, and for how long.
    pub fn interests(&self) -> Vec<Interest> {
        let windows = self.windows.iter();
        let windows = windows.map(|w| Interest { matchers: w.matchers.clone(), reach_ms: w.window_ms });
        let rules = self.rules().flat_map(|(group, rule)| {
            let queries = rule.template_queries.iter().chain(rule.query.metrics());
            queries.flat_map(Query::selectors).map(|selector| Interest {
                matchers: selector.matchers,
                reach_ms: selector.reach_ms.max(0).saturating_add(group.query_offset_ms),
            })
        });
        windows.chain(rules).collect()
    }

    /// The log entries that are looked at, and for how long.
    pub fn line_interests(&self) -> Vec<LineInterest> {
        let logs = self.rules().filter_map(|(group, rule)| Some((group, rule.query.logs()?)));
        let ranges =
            logs.flat_map(|(group, query)| query.ranges().into_iter().map(move |range| (group, range)));
        let interest = ranges.map(|(group, range)| {
            let reach_ns = range.range_ns.saturating_add(range.offset_ns.max(0));
            LineInterest {
                matchers: range.log.matchers.clone(),
                filters: range.log.leading_filters(),
                reach_ms: (reach_ns / 1_000_000).saturating_add(1).saturating_add(group.query_offset_ms),
            }
        });
        interest.collect()
    }

    /// Whether any rule looks at log entries.
    pub fn reads_logs(&self) -> bool {
        self.elsewhere.reads_logs || self.rules().any(|(_, rule)| rule.query.logs().is_some())
    }

    /// How far before a step anything is looked at, in milliseconds.
    pub fn look_back_ms(&self) -> i64 {
        let series = self.interests().into_iter().map(|interest| interest.reach_ms);
        series.chain(self.line_interests().into_iter().map(|interest| interest.reach_ms)).max().unwrap_or(0)
    }

    /// The longest `for` and `keep_firing_for`, one after the other.
    pub fn settle_ms(&self) -> i64 {
        let alerts = self.rules().filter_map(|(_, rule)| rule.alert());
        alerts.map(|a| a.hold_ms.saturating_add(a.keep_firing_ms)).max().unwrap_or(0)
    }
}

impl Rule {
    /// The labels of an alert that it has from its series, as far as can be told: without those that the rule sets.
    pub fn without_own(&self, labels: &Labels) -> Labels {
        let set = |name: &str| self.alert().is_some_and(|alert| alert.labels.iter().any(|(n, _)| n == name));
        labels.filtered(|name| name != "alertname" && !set(name))
    }

    /// The alerting part, if it is an alerting rule.
    pub fn alert(&self) -> Option<&AlertSpec> {
        match &self.action {
            Action::Alert(spec) => Some(spec),
            Action::Record { .. } => None,
        }
    }
}
