//! What a request to Loki's API asks for.

use axum::http::HeaderMap;
use event::Matcher;
use logql::{Direction, Options, Range};

use crate::{
    Scope,
    http::{
        error::Failure,
        limits::Limits,
        params::{Params, wrong},
        run::Cancelled,
        time::loki_time,
    },
};

const SECOND_NS: i64 = 1_000_000_000;
/// How far back a query looks that does not say so.
pub(super) const QUERY_SINCE_NS: i64 = 3_600 * SECOND_NS;
/// The same for labels, series and sizes.
pub(super) const LABELS_SINCE_NS: i64 = 6 * QUERY_SINCE_NS;
const DEFAULT_LIMIT: usize = 100;
/// The flag by which a client asks for labels by their origin, and by which the answer says that it has them so.
const CATEGORIZE_LABELS: &str = "categorize-labels";

/// A span of time, nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub start: i64,
    pub end: i64,
}

impl Span {
    /// `start` and `end`; or `since` before the end; or `default_since` before it, where no end means `now`.
    pub fn of(params: &Params, now: i64, default_since: i64) -> Result<Self, Failure> {
        let end = time(params, "end")?.unwrap_or(now);
        let since = params.duration_ns("since")?.unwrap_or(default_since);
        let start = time(params, "start")?.unwrap_or_else(|| end.min(now).saturating_sub(since));
        if end < start {
            return Err(wrong("end", "end timestamp must not be before start time"));
        }
        Ok(Span { start, end })
    }

    /// With `step`, or one that gives about 250 values.
    pub fn in_steps(self, params: &Params) -> Result<Range, Failure> {
        let length = self.end.saturating_sub(self.start);
        let default = (length / 250 / SECOND_NS).max(1) * SECOND_NS;
        let step_ns = params.duration_ns("step")?.unwrap_or(default);
        if step_ns <= 0 {
            let reason = "zero or negative query resolution step widths are not accepted";
            return Err(wrong("step", &format!("{reason}; try a positive one")));
        }
        Ok(Range { start_ns: self.start, end_ns: self.end, step_ns })
    }
}

/// The time of a parameter in nanoseconds since 1970.
pub(super) fn time(params: &Params, name: &str) -> Result<Option<i64>, Failure> {
    let parse = |text: &str| {
        let parsed = loki_time(text);
        parsed.ok_or_else(|| wrong(name, &format!("cannot parse {text:?} to a valid timestamp")))
    };
    params.get(name).map(parse).transpose()
}

/// The matchers of the optional parameter `query`.
pub(super) fn matchers(params: &Params, limits: &Limits) -> Result<Vec<Matcher>, Failure> {
    match params.query(limits.max_query_bytes)?.trim() {
        "" => Ok(Vec::new()),
        selector => Ok(logql::parse_selector(selector)?),
    }
}

/// The matchers of the parameter `query`, which must be there.
pub(super) fn selector(params: &Params, limits: &Limits) -> Result<Vec<Matcher>, Failure> {
    Ok(logql::parse_selector(params.query(limits.max_query_bytes)?)?)
}

/// How the lines or values of a query are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wishes {
    /// Most lines.
    pub limit: usize,
    /// Order of the lines.
    pub direction: Direction,
    /// Least time between two lines; 0: all of them.
    pub interval_ns: i64,
    /// The time of an answer that is a single number.
    pub time_ns: i64,
    /// Labels of streams, metadata and parsers apart.
    pub categorize: bool,
    max_series: usize,
    max_answer_series: usize,
    max_steps: usize,
    max_bytes: usize,
    max_entries: usize,
}

impl Wishes {
    /// From parameters and headers, within the limits.
    pub fn of(params: &Params, headers: &HeaderMap, limits: &Limits) -> Result<Self, Failure> {
        let limit = params.number::<i64>("limit")?;
        Ok(Wishes {
            limit: match limit.map(usize::try_from) {
                None => DEFAULT_LIMIT.min(limits.max_entries),
                Some(Ok(limit)) if limit > 0 => limit,
                Some(_) => return Err(wrong("limit", "limit must be a positive value")),
            },
            direction: direction(params)?,
            interval_ns: params.duration_ns("interval")?.unwrap_or(0),
            time_ns: 0,
            categorize: wants_categories(headers),
            max_series: limits.max_series,
            max_answer_series: limits.max_answer_series,
            max_steps: limits.max_steps,
            max_bytes: limits.max_bytes,
            max_entries: limits.max_entries,
        })
    }

    /// The limit on the limit, which log queries have.
    pub fn check_entries(&self) -> Result<(), Failure> {
        let (limit, max) = (self.limit, self.max_entries);
        if limit <= max {
            return Ok(());
        }
        Err(Failure::BadData(format!(
            "max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {max}): ask \
             for fewer lines, or for one part of the time range after the other"
        )))
    }

    /// The limit on the steps behind the first, which metric queries have. `range` has a positive step.
    pub fn check_steps(&self, range: &Range) -> Result<(), Failure> {
        let (steps, max) = (range.end_ns.saturating_sub(range.start_ns) / range.step_ns, self.max_steps);
        if usize::try_from(steps).is_ok_and(|steps| steps <= max) {
            return Ok(());
        }
        Err(Failure::BadData(format!(
            "exceeded maximum resolution of {max} points per time series. Try increasing the value of the step \
             parameter, or a shorter time range"
        )))
    }

    /// Clients that tell labels by their origin see derived ones.
    pub fn scope(&self, scope: Scope) -> Scope {
        if self.categorize { scope.with_derived() } else { scope }
    }

    /// How the answer's form differs from the usual one.
    pub fn encoding_flags(&self) -> &'static [&'static str] {
        if self.categorize { &[CATEGORIZE_LABELS] } else { &[] }
    }

    /// For the evaluator. What `interval` leaves out must not count towards the limit.
    pub fn options<'a>(&self, cancelled: Cancelled<'a>) -> Options<'a> {
        Options {
            limit: if self.interval_ns > 0 { self.max_entries } else { self.limit },
            direction: self.direction,
            max_series: self.max_series,
            max_answer_series: self.max_answer_series,
            max_steps: self.max_steps.saturating_add(1),
            max_bytes: self.max_bytes,
            cancelled: Some(cancelled),
        }
    }
}

fn direction(params: &Params) -> Result<Direction, Failure> {
    match params.get("direction").map(str::to_ascii_lowercase).as_deref() {
        None | Some("backward") => Ok(Direction::Backward),
        Some("forward") => Ok(Direction::Forward),
        Some(other) => Err(wrong("direction", &format!("{other:?} is neither forward nor backward"))),
    }
}

/// Whether the client sent the flag by which Grafana asks for the labels' origins.
fn wants_categories(headers: &HeaderMap) -> bool {
    let flags = headers.get_all("X-Loki-Response-Encoding-Flags").into_iter();
    let mut names = flags.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    names.any(|name| name.trim() == CATEGORIZE_LABELS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_700_000_000 * SECOND_NS;

    fn span(query: &str) -> Result<Span, Failure> {
        Span::of(&Params::of(query), NOW, QUERY_SINCE_NS)
    }

    #[test]
    fn a_span_defaults_to_the_hour_before_now() {
        assert_eq!(span(""), Ok(Span { start: NOW - QUERY_SINCE_NS, end: NOW }));
        assert_eq!(span("since=5m"), Ok(Span { start: NOW - 300 * SECOND_NS, end: NOW }));
        assert_eq!(span("end=1600000000&since=60").unwrap().start, 1_599_999_940 * SECOND_NS);
        assert_eq!(span("start=1600000000").unwrap(), Span { start: 1_600_000_000 * SECOND_NS, end: NOW });
        let future = span("end=1800000000").unwrap();
        assert_eq!(future.start, NOW - QUERY_SINCE_NS, "since counts from now if the end is ahead");
    }

    #[test]
    fn a_span_that_ends_before_it_starts_is_refused() {
        let error = span("start=1600000001&end=1600000000").unwrap_err().to_string();
        assert_eq!(error, "invalid parameter \"end\": end timestamp must not be before start time");
        assert!(span("start=soon").unwrap_err().to_string().contains("cannot parse \"soon\""));
    }

    #[test]
    fn the_default_step_gives_about_250_values() {
        let step = |query: &str| {
            let params = Params::of(query);
            Span::of(&params, NOW, QUERY_SINCE_NS)?.in_steps(&params).map(|range| range.step_ns)
        };
        assert_eq!(step(""), Ok(14 * SECOND_NS));
        assert_eq!(step("since=10s"), Ok(SECOND_NS));
        assert_eq!(step("step=2000ms"), Ok(2 * SECOND_NS));
        assert!(step("step=0").is_err());
        assert!(step("step=-1").is_err());
    }

    #[test]
    fn wishes_have_lokis_defaults_and_limits() {
        let wishes = |query: &str| Wishes::of(&Params::of(query), &HeaderMap::new(), &Limits::default());
        let plain = wishes("").unwrap();
        assert_eq!((plain.limit, plain.direction, plain.categorize), (100, Direction::Backward, false));
        assert_eq!(wishes("direction=FORWARD").unwrap().direction, Direction::Forward);
        for wrong in ["limit=0", "limit=-1", "limit=many", "direction=up", "interval=x"] {
            assert!(wishes(wrong).is_err(), "{wrong}");
        }
        assert!(wishes("limit=5000").unwrap().check_entries().is_ok());
        let error = wishes("limit=5001").unwrap().check_entries().unwrap_err().to_string();
        assert!(error.contains("limit > max_entries_limit_per_query (5001 > 5000)"), "{error}");
    }

    #[test]
    fn a_metric_query_has_the_first_value_and_as_many_as_the_limit_behind_it() {
        let wishes = Wishes::of(&Params::of(""), &HeaderMap::new(), &Limits::default()).unwrap();
        let range = |end_s: i64| Range { start_ns: 0, end_ns: end_s * SECOND_NS, step_ns: SECOND_NS };
        assert!(wishes.check_steps(&range(11_000)).is_ok());
        let error = wishes.check_steps(&range(11_001)).unwrap_err().to_string();
        assert!(error.starts_with("exceeded maximum resolution of 11000 points"), "{error}");
    }

    proptest! {
        #[test]
        fn no_parameters_break_a_request(
            name in "start|end|since|step|interval|limit|direction|time",
            value in "[-+0-9.eExinfNaTZmshd%]{0,24}",
            other in -10_i64..i64::MAX,
        ) {
            let params = Params::of(&format!("{name}={}&end={other}", value.replace('%', "%25")));
            let span = Span::of(&params, NOW, LABELS_SINCE_NS);
            if let Ok(span) = span {
                prop_assert!(span.start <= span.end);
                let range = span.in_steps(&params);
                let wishes = Wishes::of(&params, &HeaderMap::new(), &Limits::default());
                if let (Ok(range), Ok(wishes)) = (range, wishes) {
                    let _ = (wishes.check_steps(&range), wishes.check_entries());
                }
            }
            let _ = time(&params, &name);
        }
    }
}
