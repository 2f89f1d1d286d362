//! What is behind the alerts of one rule at one step: the newest sample of each series that the expression selects and
//! the lines that it counts, as far as their labels do not contradict those of the alert.

use std::{cell::OnceCell, cmp::Reverse, collections::BTreeSet};

use event::{Evidence, EvidenceLine, EvidenceSample, Labels, Sample};
use jiff::Timestamp;
use logql::MetricExpr;
use promql::{Query, Selector};

use super::{
    evaluator::Setup,
    functions::query_link,
    line_store::{LinesUntil, Sourced},
    program::{Expression, Rule},
    related::Related,
    series_store::Until,
};

/// What one rule sees at one step.
pub struct Behind<'a> {
    /// The rule.
    rule: &'a Rule,
    /// Of series.
    series: &'a Until<'a>,
    /// Of log lines.
    lines: &'a LinesUntil<'a>,
    /// Of the evaluation, in milliseconds.
    time_ms: i64,
    /// How many samples, and how many lines, are shown.
    most: usize,
    /// Where the query API is.
    url: &'a str,
    /// Looked up for the first transition of the step.
    found: OnceCell<Found<'a>>,
    /// When each series was heard of last; looked up for the first alert that is to end.
    heard: OnceCell<Related<i64>>,
}

/// All that is behind any alert of the rule.
pub struct Found<'a> {
    samples: Related<(&'a Labels, Sample)>,
    lines: Related<Line<'a>>,
}

/// A stream and an entry of it.
type Line<'a> = (&'a Labels, &'a Sourced);

impl<'a> Behind<'a> {
    /// Nothing is looked up yet.
    pub fn new(
        rule: &'a Rule,
        series: &'a Until<'a>,
        lines: &'a LinesUntil<'a>,
        time_ms: i64,
        setup: &'a Setup,
    ) -> Self {
        let (most, url) = (setup.evidence, setup.external.link_base());
        Behind { rule, series, lines, time_ms, most, url, found: OnceCell::new(), heard: OnceCell::new() }
    }

    /// What is behind the alert of these labels; `None` if nobody wants to know.
    pub fn evidence(&self, labels: &Labels) -> Option<Evidence> {
        if self.most == 0 {
            return None;
        }
        let found = self.found.get_or_init(|| self.find());
        let own = self.rule.without_own(labels);
        Some(Evidence {
            query: query_link(self.url, self.rule, self.time_ms),
            samples: found.samples.to(&own).take(self.most).map(shown_sample).collect(),
            lines: once(found.lines.to(&own)).take(self.most).map(shown_line).collect(),
        })
    }

    /// Whether the series behind the alert have had nothing to say for `after_ms`, not even that they have ended. Nobody
    /// can tell of log lines, of which there are none where all is well, nor when labels are made that no series has.
    pub fn is_silent(&self, labels: &Labels, after_ms: i64) -> bool {
        let Some(query) = self.rule.query.metrics() else { return false };
        if query.relabels() || moving(&query.selectors()).next().is_none() {
            return false;
        }
        let heard = self.heard.get_or_init(|| Related::new(self.hear(query)));
        heard.to(&self.rule.without_own(labels)).all(|ms| *ms <= self.time_ms.saturating_sub(after_ms))
    }

    /// Offsets are added: what a selector cannot see yet is no silence.
    fn hear(&self, query: &Query) -> Vec<(Labels, i64)> {
        let mut all = Vec::new();
        for selector in moving(&query.selectors()) {
            for (labels, ms) in self.series.heard(&selector.matchers, self.span(selector)) {
                all.push((labels.clone(), ms.saturating_add(selector.offset_ms)));
            }
        }
        all
    }

    /// What a selector reads.
    fn span(&self, selector: &Selector) -> (i64, i64) {
        let start_ms = self.time_ms.saturating_sub(selector.reach_ms).saturating_add(1);
        (start_ms, self.time_ms.saturating_sub(selector.offset_ms))
    }

    fn find(&self) -> Found<'a> {
        let (samples, lines) = match &self.rule.query {
            Expression::Metrics(query) => (self.samples(query), Vec::new()),
            Expression::Logs(query) => (Vec::new(), self.lines(query)),
        };
        Found { samples: Related::new(samples), lines: Related::new(lines) }
    }

    /// A sample that two selectors find is there once.
    fn samples(&self, query: &Query) -> Vec<(Labels, (&'a Labels, Sample))> {
        let (mut seen, mut all) = (BTreeSet::new(), Vec::new());
        for selector in moving(&query.selectors()) {
            let span = self.span(selector);
            for (labels, sample) in self.series.newest(&selector.matchers, span, selector.is_range) {
                if !sample.is_stale() && seen.insert((labels, sample.timestamp_ms)) {
                    all.push((labels.clone(), (labels, sample)));
                }
            }
        }
        all
    }

    /// Newest first, each line once for each range that counts it.
    fn lines(&self, query: &MetricExpr) -> Vec<(Labels, Line<'a>)> {
        let mut all = Vec::new();
        for range in query.ranges() {
            let last_ns = self.time_ms.saturating_mul(1_000_000).saturating_sub(range.offset_ns);
            let end_ns = last_ns.saturating_add(1);
            let span = (end_ns.saturating_sub(range.range_ns), end_ns);
            for line in self.lines.between(&range.log.matchers, span.0, span.1) {
                let labels = range.labels_of(line.0, line.1.lent());
                all.extend(labels.map(|labels| (labels.iter().collect::<Labels>(), line)));
            }
        }
        all.sort_by(|(_, a), (_, b)| order(a).cmp(&order(b)));
        all
    }
}

/// Those that `@` does not tie to a time of its own.
fn moving(selectors: &[Selector]) -> impl Iterator<Item = &Selector> {
    selectors.iter().filter(|selector| !selector.fixed)
}

/// A line that two ranges count is shown once.
fn once<'l, 'a: 'l>(lines: impl Iterator<Item = &'l Line<'a>>) -> impl Iterator<Item = &'l Line<'a>> {
    let mut last: Option<&Sourced> = None;
    lines.filter(move |(_, line)| !last.replace(line).is_some_and(|last| std::ptr::eq(last, *line)))
}

/// Of lines of one time it does not matter which came first: that depends on who read them.
fn order<'a>((stream, line): &Line<'a>) -> impl Ord + use<'a> {
    let entry = &line.entry;
    (Reverse(entry.timestamp_ns), *stream, &line.source, Reverse(entry.position), &entry.line)
}

fn shown_sample((labels, sample): &(&Labels, Sample)) -> EvidenceSample {
    let timestamp = Timestamp::from_millisecond(sample.timestamp_ms).unwrap_or(Timestamp::MAX);
    EvidenceSample { labels: (*labels).clone(), timestamp, value: sample.value }
}

fn shown_line((stream, line): &Line<'_>) -> EvidenceLine {
    let Sourced { source, entry } = line;
    EvidenceLine {
        source: source.to_string(),
        position: entry.position,
        timestamp: Timestamp::from_nanosecond(entry.timestamp_ns.into()).unwrap_or(Timestamp::MAX),
        labels: (*stream).clone(),
        line: EvidenceLine::shown(&entry.line),
    }
}
