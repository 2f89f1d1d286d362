//! `/api/v1/alerts/history`: the transitions of a span of event time, as JSON or CSV.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use event::{Alert, Matcher};
use jiff::Timestamp;
use log_index::http::prometheus_time;
use tokio::sync::Semaphore;

use super::{bad_data, error, filter::invalid, sight::Sight};
use crate::alert_topic::{Reader, Span, csv};

/// Transitions that are answered at most.
const MOST: usize = 10_000;
/// Bytes of these, as they are answered.
const MOST_BYTES: usize = 32 << 20;
/// Requests that are answered at once: each reads the topic.
const AT_ONCE: usize = 2;
const TIMEOUT: Duration = Duration::from_secs(30);
/// As Prometheus says it.
const TRUNCATED: &str = "results truncated due to limit";
/// The same as a header.
const TRUNCATED_CSV: &str = "199 - \"results truncated due to limit\"";
const JSON: &str = "application/json";
const CSV: &str = "text/csv; charset=utf-8";

#[derive(Clone)]
struct History {
    bus: Arc<bus::Config>,
    places: Arc<Semaphore>,
    /// Whether who names no tenant sees no log lines.
    tenants: bool,
}

/// The route.
pub fn router(bus: bus::Config, tenants: bool) -> Router {
    let history = History { bus: Arc::new(bus), places: Arc::new(Semaphore::new(AT_ONCE)), tenants };
    Router::new().route("/api/v1/alerts/history", get(answer)).with_state(history)
}

async fn answer(
    State(history): State<History>,
    headers: HeaderMap,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Response {
    let wish = Wish::parse(parameters).and_then(|wish| Ok((wish, Sight::of(&headers, history.tenants)?)));
    let (wish, sight) = match wish {
        Ok(wish) => wish,
        Err(error) => return bad_data(&error),
    };
    let Ok(place) = history.places.clone().try_acquire_owned() else {
        return unavailable("the history is being read by others: ask again");
    };
    let read = tokio::task::spawn_blocking(move || {
        let _place = place;
        read(&history.bus, &wish, &sight).map(|found| found.shown())
    });
    match read.await {
        Ok(Ok(response)) => response,
        Ok(Err(response)) => *response,
        Err(error) => unavailable(&error.to_string()),
    }
}

/// What a request asks for.
#[derive(Debug)]
struct Wish {
    span: Span,
    /// One of these has to fit the labels of an alert.
    matchers: Vec<Vec<Matcher>>,
    limit: usize,
    csv: bool,
}

impl Wish {
    fn parse(parameters: Vec<(String, String)>) -> Result<Self, String> {
        let span = (Timestamp::MIN, Timestamp::MAX);
        let mut wish = Wish { span, matchers: Vec::new(), limit: MOST, csv: false };
        for (key, value) in parameters.into_iter().filter(|(_, value)| !value.is_empty()) {
            match key.as_str() {
                "start" => wish.span.0 = time("start", &value)?,
                "end" => wish.span.1 = time("end", &value)?,
                "match[]" => wish.matchers.push(promql::parse_selector(&value).map_err(|e| e.to_string())?),
                "limit" => wish.limit = limit(&value)?,
                "format" => wish.csv = is_csv(&value)?,
                _ => {}
            }
        }
        if wish.span.1 < wish.span.0 {
            return Err(invalid("end", "end timestamp must not be before start time"));
        }
        Ok(wish)
    }

    fn fits(&self, alert: &Alert) -> bool {
        let all = |matchers: &Vec<Matcher>| matchers.iter().all(|m| m.matches_labels(&alert.labels));
        self.matchers.is_empty() || self.matchers.iter().any(all)
    }
}

fn time(name: &str, text: &str) -> Result<Timestamp, String> {
    let parsed = prometheus_time(text).and_then(|ms| Timestamp::from_millisecond(ms).ok());
    parsed.ok_or_else(|| invalid(name, &format!("cannot parse {text:?} to a valid timestamp")))
}

/// 0: no limit of the caller's.
fn limit(text: &str) -> Result<usize, String> {
    let limit: usize =
        text.parse().map_err(|_| invalid("limit", &format!("{text:?} is not a whole number")))?;
    Ok(if limit == 0 { MOST } else { limit.min(MOST) })
}

fn is_csv(text: &str) -> Result<bool, String> {
    match text {
        "json" => Ok(false),
        "csv" => Ok(true),
        other => Err(invalid("format", &format!("{other:?} is neither json nor csv"))),
    }
}

/// The newest transitions as they are answered, in the order of event time; those of one alert as they came.
struct Found {
    newest: BTreeMap<(Timestamp, String, usize), String>,
    bytes: usize,
    count: usize,
    limit: usize,
    csv: bool,
}

fn read(bus: &bus::Config, wish: &Wish, sight: &Sight) -> Result<Found, Box<Response>> {
    let away = |error: bus::Error| Box::new(unavailable(&error.to_string()));
    let (begin, mut found) = (Instant::now(), Found::new(wish.limit, wish.csv));
    let reader = Reader::open(bus, Some(wish.span)).map_err(away)?;
    while !reader.is_done().map_err(away)? {
        if begin.elapsed() > TIMEOUT {
            let message = format!("reading the history timed out after {TIMEOUT:?}: ask for a later start");
            return Err(Box::new(error(StatusCode::SERVICE_UNAVAILABLE, "timeout", &message)));
        }
        let read = reader.poll().map_err(away)?.into_iter().filter_map(|(_, alert)| alert.ok());
        for mut alert in read.filter(|alert| wish.fits(alert)) {
            alert.evidence.iter_mut().for_each(|evidence| sight.narrow(evidence));
            found.add(&alert);
        }
        found.check_size(MOST_BYTES)?;
    }
    Ok(found)
}

impl Found {
    fn new(limit: usize, csv: bool) -> Self {
        Found { newest: BTreeMap::new(), bytes: 0, count: 0, limit, csv }
    }

    fn add(&mut self, alert: &Alert) {
        let row = if self.csv { csv::line(alert) + "\n" } else { record(alert) };
        self.count += 1;
        self.bytes += row.len();
        self.newest.insert((alert.evaluated_at, alert.fingerprint.clone(), self.count), row);
        if self.newest.len() > self.limit {
            self.bytes -= self.newest.pop_first().map_or(0, |(_, row)| row.len());
        }
    }

    fn check_size(&self, most: usize) -> Result<(), Box<Response>> {
        if self.bytes <= most {
            return Ok(());
        }
        let message =
            format!("the history is larger than {} MiB: ask for a shorter span or a lower limit", most >> 20);
        Err(Box::new(error(StatusCode::UNPROCESSABLE_ENTITY, "execution", &message)))
    }

    fn shown(&self) -> Response {
        let truncated = self.count > self.newest.len();
        if self.csv {
            self.as_csv(truncated).into_response()
        } else {
            self.as_json(truncated).into_response()
        }
    }

    fn rows(&self) -> Vec<&str> {
        self.newest.values().map(String::as_str).collect()
    }

    fn as_json(&self, truncated: bool) -> impl IntoResponse {
        let warnings = if truncated { format!(",\"warnings\":[{TRUNCATED:?}]") } else { String::new() };
        let alerts = self.rows().join(",");
        let body = format!("{{\"status\":\"success\",\"data\":{{\"alerts\":[{alerts}]}}{warnings}}}");
        ([(header::CONTENT_TYPE, JSON)], body)
    }

    fn as_csv(&self, truncated: bool) -> impl IntoResponse {
        let body = format!("{}\n{}", csv::NAMES, self.rows().concat());
        let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(CSV))]);
        if truncated {
            headers.insert(header::WARNING, HeaderValue::from_static(TRUNCATED_CSV));
        }
        (headers, body)
    }
}

fn record(alert: &Alert) -> String {
    String::from_utf8_lossy(&alert.to_json()).into_owned()
}

fn unavailable(message: &str) -> Response {
    error(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::{Value, json};

    use super::*;

    fn wish(query: &str) -> Result<Wish, String> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Wish::parse(pairs.map(|(key, value)| (key.into(), value.into())).collect())
    }

    fn alert(second: i64) -> Alert {
        let at = Timestamp::from_second(second).unwrap();
        let record = json!({"version": 2, "state": "firing", "fingerprint": "172d260f357833e7",
            "labels": {"alertname": "Full", "host": "a"}, "annotations": {}, "value": 1.0, "activeAt": at,
            "startsAt": at, "evaluatedAt": at, "group": "g", "generatorURL": "/graph?"});
        Alert::from_json(record.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn wrong_parameters_are_named() {
        let wrong = [
            ("start=soon", "start"),
            ("limit=-1", "limit"),
            ("format=xml", "format"),
            ("start=2&end=1", "end"),
        ];
        for (query, named) in wrong {
            let error = wish(query).unwrap_err();
            assert!(error.contains(&format!("invalid parameter {named:?}")), "{error}");
        }
        assert!(wish("match[]={host=").is_err());
    }

    #[test]
    fn alerts_fit_if_one_selector_does() {
        let fits = |query: &str| wish(query).unwrap().fits(&alert(1));
        assert!(fits("") && fits("match[]={host=\"b\"}&match[]={alertname=~\"F.*\"}"));
        assert!(!fits("match[]={host=\"b\"}"));
    }

    #[tokio::test]
    async fn of_too_many_the_newest_are_shown_and_that_is_said() {
        let found = |csv| {
            let mut found = Found::new(2, csv);
            [3, 1, 2].into_iter().for_each(|second| found.add(&alert(second)));
            found
        };
        let text = to_bytes(found(false).shown().into_body(), 10_000).await.unwrap();
        let body: Value = serde_json::from_slice(&text).unwrap();
        let alerts = body["data"]["alerts"].as_array().unwrap().iter();
        let times: Vec<&str> = alerts.filter_map(|alert| alert["evaluatedAt"].as_str()).collect();
        assert_eq!(times, ["1970-01-01T00:00:02Z", "1970-01-01T00:00:03Z"]);
        assert_eq!(body["warnings"], json!([TRUNCATED]));
        let response = found(true).shown();
        assert_eq!(response.headers()[header::WARNING], TRUNCATED_CSV);
        let text = to_bytes(response.into_body(), 10_000).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&text).lines().count(), 3);
    }

    #[test]
    fn only_the_bytes_that_are_answered_count() {
        let mut found = Found::new(2, false);
        let bytes = alert(1).to_json().len();
        for second in 1..=3 {
            found.add(&alert(second));
        }
        assert!(found.check_size(2 * bytes).is_ok());
        let refused = found.check_size(2 * bytes - 1).unwrap_err();
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
}
