//! What a request to Prometheus' API asks for.

use event::Matcher;

use crate::http::{
    Service,
    error::Failure,
    limits::Limits,
    params::{Params, wrong},
    run::Cancelled,
    time::prometheus_time,
};

/// Times of the index are nanoseconds at heart: further away is nothing.
const FARTHEST_MS: i64 = i64::MAX / 1_000_000;

/// A span of time, milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub start: i64,
    pub end: i64,
}

impl Span {
    /// `start` and `end`, each of which may be left out.
    pub fn open(params: &Params) -> Result<Self, Failure> {
        let start = time(params, "start")?.unwrap_or(-FARTHEST_MS);
        Self::checked(start, time(params, "end")?.unwrap_or(FARTHEST_MS))
    }

    /// `start` and `end`, both needed.
    pub fn closed(params: &Params) -> Result<Self, Failure> {
        let need = |name| time(params, name)?.ok_or_else(|| no_time(name, ""));
        Self::checked(need("start")?, need("end")?)
    }

    fn checked(start: i64, end: i64) -> Result<Self, Failure> {
        if end < start {
            return Err(wrong("end", "end timestamp must not be before start time"));
        }
        Ok(Span { start, end })
    }
}

/// The time of a parameter in milliseconds since 1970.
pub(super) fn time(params: &Params, name: &str) -> Result<Option<i64>, Failure> {
    params.get(name).map(|text| prometheus_time(text).ok_or_else(|| no_time(name, text))).transpose()
}

fn no_time(name: &str, text: &str) -> Failure {
    wrong(name, &format!("cannot parse {text:?} to a valid timestamp"))
}

/// `step` in milliseconds, and small enough in number over the span.
pub(super) fn step_ms(params: &Params, span: Span, max_steps: usize) -> Result<i64, Failure> {
    let Some(ns) = params.duration_ns("step")? else {
        return Err(wrong("step", "cannot parse \"\" to a valid duration"));
    };
    let step = ns / 1_000_000;
    if step <= 0 {
        let reason = "zero or negative query resolution step widths are not accepted";
        return Err(wrong("step", &format!("{reason}. Try a positive integer")));
    }
    if usize::try_from((span.end - span.start) / step).is_ok_and(|steps| steps <= max_steps) {
        return Ok(step);
    }
    Err(Failure::BadData(format!(
        "exceeded maximum resolution of {max_steps} points per timeseries. Try decreasing the query resolution \
         (?step=XX)"
    )))
}

/// The selectors of `match[]`.
pub(super) fn selectors(params: &Params) -> Result<Vec<Vec<Matcher>>, Failure> {
    let parse = |text| match promql::parse_selector(text) {
        Err(error) => Err(wrong("match[]", &error.to_string())),
        Ok(matchers) if matchers.iter().all(Matcher::matches_empty) => {
            Err(wrong("match[]", "match[] must contain at least one non-empty matcher"))
        }
        Ok(matchers) => Ok(matchers),
    };
    params.all("match[]").map(parse).collect()
}

/// The query.
pub(super) fn query(params: &Params, service: &Service) -> Result<promql::Query, Failure> {
    let text = params.query(service.limits().max_query_bytes)?;
    promql::parse_with(text, service.features()).map_err(|e| wrong("query", &e.to_string()))
}

/// For the evaluator.
pub(super) struct Wishes {
    lookback_ms: Option<i64>,
    max_steps: usize,
    max_samples: usize,
}

impl Wishes {
    /// From the parameters, within the limits.
    pub fn of(params: &Params, limits: &Limits) -> Result<Self, Failure> {
        let lookback_ms = params.duration_ns("lookback_delta")?.map(|ns| ns / 1_000_000);
        if lookback_ms.is_some_and(|ms| ms <= 0) {
            return Err(wrong("lookback_delta", "a look-back must be at least a millisecond"));
        }
        Ok(Wishes { lookback_ms, max_steps: limits.max_steps, max_samples: limits.samples() })
    }

    /// With the rest as it usually is.
    pub fn options<'a>(&self, cancelled: Cancelled<'a>) -> promql::Options<'a> {
        let usual = promql::Options::default();
        promql::Options {
            lookback_ms: self.lookback_ms.unwrap_or(usual.lookback_ms),
            max_steps: self.max_steps.saturating_add(1),
            max_samples: self.max_samples,
            cancelled: Some(cancelled),
            ..usual
        }
    }
}

/// `limit`: how many elements an answer has at most. 0 and none: as many as there are.
pub(super) struct Limit(usize);

/// Shown with an answer that is not whole.
const TRUNCATED: &str = "results truncated due to limit";

impl Limit {
    pub fn of(params: &Params) -> Result<Self, Failure> {
        Ok(Limit(params.number("limit")?.unwrap_or(0)))
    }

    /// Shortens `list`, and says so.
    pub fn apply<T>(&self, list: &mut Vec<T>, warnings: &mut Vec<String>) {
        if self.0 > 0 && list.len() > self.0 {
            list.truncate(self.0);
            warnings.push(TRUNCATED.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn spans_of_queries_need_both_ends_and_those_of_labels_none() {
        let params = Params::of("start=100&end=2001-09-09T01:46:40Z");
        assert_eq!(Span::closed(&params), Ok(Span { start: 100_000, end: 1_000_000_000_000 }));
        let error = message(Span::closed(&Params::of("start=100")));
        assert_eq!(error, "invalid parameter \"end\": cannot parse \"\" to a valid timestamp");
        let error = message(Span::closed(&Params::of("start=2&end=1")));
        assert_eq!(error, "invalid parameter \"end\": end timestamp must not be before start time");
        assert_eq!(Span::open(&Params::of("")).unwrap().end, FARTHEST_MS);
    }

    #[test]
    fn steps_are_positive_and_not_too_many() {
        let step = |text: &str| step_ms(&Params::of(text), Span { start: 0, end: 11_000_000 }, 11_000);
        assert_eq!(step("step=15"), Ok(15_000));
        assert_eq!(step("step=1m"), Ok(60_000));
        assert_eq!(step("step=1"), Ok(1_000));
        assert!(message(step("step=0.9")).starts_with("exceeded maximum resolution of 11000 points"));
        assert!(message(step("step=0")).contains("zero or negative query resolution step widths"));
        assert!(message(step("step=-1")).contains("zero or negative query resolution step widths"));
        assert!(message(step("")).contains("\"step\": cannot parse \"\""));
    }

    #[test]
    fn a_limit_shortens_and_says_so() {
        let (mut list, mut warnings) = (vec![1, 2, 3], Vec::new());
        Limit::of(&Params::of("limit=3")).unwrap().apply(&mut list, &mut warnings);
        Limit::of(&Params::of("limit=0")).unwrap().apply(&mut list, &mut warnings);
        assert_eq!((list.len(), warnings.len()), (3, 0));
        Limit::of(&Params::of("limit=2")).unwrap().apply(&mut list, &mut warnings);
        assert_eq!((list, warnings), (vec![1, 2], vec![TRUNCATED.to_owned()]));
        assert!(Limit::of(&Params::of("limit=-1")).is_err());
    }

    proptest! {
        #[test]
        fn no_parameters_break_a_request(
            name in "start|end|step|limit|timeout|lookback_delta|time|match\\[\\]",
            value in "[-+0-9.eExinfNaTZmshd{}=~\"]{0,24}",
            start in -1e15..1e15,
        ) {
            let encoded = value.replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
            let params = Params::of(&format!("{}={encoded}&start={start}&end=1e9", name.replace("[]", "%5B%5D")));
            for span in [Span::open(&params), Span::closed(&params)].into_iter().flatten() {
                prop_assert!(span.start <= span.end);
                let _ = step_ms(&params, span, 11_000);
            }
            let _ = (Limit::of(&params).is_ok(), params.timeout(), selectors(&params), time(&params, &name));
            let _ = Wishes::of(&params, &Limits::default()).is_ok();
        }
    }
}
