//! `index/volume` and `index/volume_range`: which streams have the most bytes.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use axum::{extract::State, http::HeaderMap, response::Response};
use event::{Labels, MatchOp, Matcher, Sample};
use logql::{Answer, LabelSet, Range, SampleAnswer, SeriesAnswer, Stats, Value};

use super::{
    Error,
    request::{QUERY_SINCE_NS, Span, Wishes, selector},
    response,
};
use crate::{
    Scope,
    http::{
        Service,
        error::Failure,
        params::{Params, wrong},
        run::View,
    },
};

/// Bytes over the whole span, at its end.
pub(super) async fn instant(
    State(service): State<Service>,
    scope: Scope,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Error> {
    let Span { start, end } = Span::of(&params, service.now_ns(), QUERY_SINCE_NS)?;
    let range = Range { start_ns: start, end_ns: end, step_ns: end.saturating_sub(start).max(1) };
    answer(&service, scope, &headers, &params, range, |volumes, range| {
        let element = |(labels, bytes): (LabelSet, Vec<u64>)| SampleAnswer {
            labels,
            sample: sample(range.end_ns, bytes[0]),
        };
        Value::Vector(volumes.into_iter().map(element).collect())
    })
    .await
}

/// Bytes of each step, at its end.
pub(super) async fn range(
    State(service): State<Service>,
    scope: Scope,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Error> {
    let range = Span::of(&params, service.now_ns(), QUERY_SINCE_NS)?.in_steps(&params)?;
    answer(&service, scope, &headers, &params, range, |volumes, range| {
        let ends: Vec<i64> = steps(&range).map(|(_, end)| end).collect();
        let series = |(labels, bytes): (LabelSet, Vec<u64>)| {
            let samples = ends.iter().zip(bytes).filter(|(_, bytes)| *bytes > 0);
            SeriesAnswer { labels, samples: samples.map(|(end, bytes)| sample(*end, bytes)).collect() }
        };
        Value::Matrix(volumes.into_iter().map(series).collect())
    })
    .await
}

async fn answer(
    service: &Service,
    scope: Scope,
    headers: &HeaderMap,
    params: &Params,
    range: Range,
    form: impl FnOnce(Vec<(LabelSet, Vec<u64>)>, Range) -> Value + Send + 'static,
) -> Result<Response, Error> {
    let begin = Instant::now();
    let wishes = Wishes::of(params, headers, service.limits())?;
    wishes.check_steps(&range)?;
    let question = Question::of(params, service)?;
    let body = service.ask_in(scope.with_derived(), None, move |view, _| {
        let mut volumes = question.volumes(view, &range)?;
        volumes.truncate(wishes.limit);
        let stats = Stats { returned: volumes.len() as u64, ..Stats::default() };
        let answer = Answer { value: form(volumes, range), stats, notices: Vec::new() };
        Ok(response::query(answer, view.snapshot.block_stats(), &view.warnings(), &wishes, begin.elapsed()))
    });
    Ok(response::json(body.await?))
}

fn sample(time_ns: i64, bytes: u64) -> Sample {
    Sample { timestamp_ms: time_ns / 1_000_000, value: bytes as f64 }
}

/// Beginning and end of each step; the last one may be shorter.
fn steps(range: &Range) -> impl Iterator<Item = (i64, i64)> {
    let Range { start_ns, end_ns, step_ns } = *range;
    let begin = std::iter::successors(Some(start_ns), move |begin| begin.checked_add(step_ns));
    begin
        .take_while(move |begin| *begin < end_ns)
        .map(move |begin| (begin, begin.saturating_add(step_ns).min(end_ns)))
}

/// What volumes are wanted of.
struct Question {
    matchers: Vec<Matcher>,
    /// The labels that name a volume; `None`: all of them.
    names: Option<BTreeSet<String>>,
    /// A volume for each name rather than for each set of labels.
    by_name: bool,
}

impl Question {
    fn of(params: &Params, service: &Service) -> Result<Self, Failure> {
        let mut matchers = selector(params, service.limits())?;
        let targets: BTreeSet<String> = match params.get("targetLabels") {
            Some(names) => names.split(',').map(|name| name.trim().to_owned()).collect(),
            None => matchers.iter().map(|matcher| matcher.name.clone()).collect(),
        };
        for name in &targets {
            if !matchers.iter().any(|matcher| matcher.name == *name) {
                let any = Matcher::new(name, MatchOp::Regex, ".+");
                matchers.push(any.map_err(|e| Failure::Internal(e.to_string()))?);
            }
        }
        let by_name = match params.get("aggregateBy") {
            None | Some("series") => false,
            Some("labels") => true,
            Some(_) => return Err(wrong("aggregateBy", "it is neither series nor labels")),
        };
        Ok(Question { matchers, names: (!targets.is_empty()).then_some(targets), by_name })
    }

    /// For each volume the bytes of each step; the largest first.
    fn volumes(&self, view: &View, range: &Range) -> Result<Vec<(LabelSet, Vec<u64>)>, Failure> {
        let spans: Vec<(i64, i64)> = steps(range).collect();
        let mut found: BTreeMap<LabelSet, Vec<u64>> = BTreeMap::new();
        for (labels, extents) in view.snapshot.extents(&self.matchers, range.start_ns, range.end_ns)? {
            let bytes = |(start, end): &(i64, i64)| extents.iter().map(|e| e.within(*start, *end)).sum();
            let bytes: Vec<u64> = spans.iter().map(bytes).collect();
            for name in self.volume_names(&labels) {
                let sums = found.entry(name).or_insert_with(|| vec![0; bytes.len()]);
                sums.iter_mut().zip(&bytes).for_each(|(sum, bytes)| *sum += bytes);
            }
        }
        let mut volumes: Vec<_> =
            found.into_iter().filter(|(_, bytes)| bytes.iter().any(|bytes| *bytes > 0)).collect();
        volumes.sort_by_key(|(_, bytes)| std::cmp::Reverse(bytes.iter().sum::<u64>()));
        Ok(volumes)
    }

    fn volume_names(&self, labels: &Labels) -> Vec<LabelSet> {
        let wanted = |name: &str| self.names.as_ref().is_none_or(|names| names.contains(name));
        let set = LabelSet::from(labels).filtered(wanted);
        match self.by_name {
            false => vec![set],
            true => set.iter().map(|(name, _)| LabelSet::from_iter([(name.into(), String::new())])).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_cover_the_range_and_no_more() {
        let of = |start_ns, end_ns, step_ns| steps(&Range { start_ns, end_ns, step_ns }).collect::<Vec<_>>();
        assert_eq!(of(0, 10, 4), [(0, 4), (4, 8), (8, 10)]);
        assert_eq!(of(0, 10, 10), [(0, 10)]);
        assert_eq!(of(5, 5, 1), []);
        assert_eq!(of(i64::MAX - 1, i64::MAX, 5), [(i64::MAX - 1, i64::MAX)]);
    }
}
