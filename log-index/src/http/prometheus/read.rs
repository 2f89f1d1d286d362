//! `read`: Prometheus' remote read. It gives the samples as they are, the ends of series among them, which no query does.

use axum::{
    body::Bytes,
    extract::State,
    http::header::{CONTENT_ENCODING, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use event::{
    MatchOp, Matcher, Series,
    proto::{
        remote_read::{LabelMatcher, Query, QueryResult, ReadRequest, ReadResponse, label_matcher::Type},
        remote_write::{Label, Sample, TimeSeries},
    },
};
use prost::Message;

use super::{Error, numbers::Room};
use crate::{
    Snapshot,
    http::{Service, error::Failure},
};

/// Each is read for itself, in one place among those of all queries.
const MOST_QUERIES: usize = 16;
/// Samples of one answer, which is put together as a whole: about 40 bytes each.
const MOST_SAMPLES: usize = 10_000_000;

/// Numbers only: what has native histograms is left out.
pub(super) async fn read(State(service): State<Service>, body: Bytes) -> Result<Response, Error> {
    let request = decode(&body, service.limits().max_body_bytes)?;
    let limits = service.limits().clone();
    let body = service.ask(None, move |view, cancelled| {
        let response =
            answer_all(&view.snapshot, &request.queries, &Room::new(MOST_SAMPLES, &limits, cancelled))?;
        view.warnings().iter().for_each(|warning| tracing::warn!("remote read: {warning}"));
        snap::raw::Encoder::new()
            .compress_vec(&response.encode_to_vec())
            .map_err(|e| Failure::Execution(format!("the answer is too large: {e}; read shorter spans")))
    });
    let headers = [(CONTENT_TYPE, "application/x-protobuf"), (CONTENT_ENCODING, "snappy")];
    Ok((headers, body.await?).into_response())
}

fn decode(body: &[u8], max_bytes: usize) -> Result<ReadRequest, Failure> {
    let wrong = |why: String| Failure::BadData(format!("no remote read request in snappy: {why}"));
    let length = snap::raw::decompress_len(body).map_err(|e| wrong(e.to_string()))?;
    if length > max_bytes {
        return Err(wrong(format!("{length} bytes, the limit is {max_bytes}")));
    }
    let plain = snap::raw::Decoder::new().decompress_vec(body).map_err(|e| wrong(e.to_string()))?;
    let request = ReadRequest::decode(plain.as_slice()).map_err(|e| wrong(e.to_string()))?;
    match request.queries.len() {
        0..=MOST_QUERIES => Ok(request),
        more => Err(Failure::BadData(format!(
            "{more} queries in one request, the limit is {MOST_QUERIES}: send several requests"
        ))),
    }
}

fn answer_all(snapshot: &Snapshot, queries: &[Query], room: &Room<'_>) -> Result<ReadResponse, Failure> {
    let results = queries.iter().map(|query| answer(snapshot, query, room)).collect::<Result<_, _>>()?;
    Ok(ReadResponse { results })
}

fn answer(snapshot: &Snapshot, query: &Query, room: &Room<'_>) -> Result<QueryResult, Failure> {
    let matchers = query.matchers.iter().map(matcher).collect::<Result<Vec<_>, _>>()?;
    let series = room.numbers(snapshot, &matchers, query.start_timestamp_ms, query.end_timestamp_ms)?;
    Ok(QueryResult { timeseries: series.iter().map(timeseries).collect() })
}

fn matcher(matcher: &LabelMatcher) -> Result<Matcher, Failure> {
    let unknown = |_| Failure::BadData(format!("a matcher has the unknown type {}", matcher.r#type));
    let op = match Type::try_from(matcher.r#type).map_err(unknown)? {
        Type::Equal => MatchOp::Equal,
        Type::NotEqual => MatchOp::NotEqual,
        Type::Regex => MatchOp::Regex,
        Type::NotRegex => MatchOp::NotRegex,
    };
    Matcher::new(&matcher.name, op, &matcher.value).map_err(|e| Failure::BadData(e.to_string()))
}

fn timeseries(series: &Series) -> TimeSeries {
    let label = |(name, value): (&str, &str)| Label { name: name.into(), value: value.into() };
    let samples = series.samples.iter().map(|s| Sample { value: s.value, timestamp: s.timestamp_ms });
    TimeSeries {
        labels: series.labels.iter().map(label).collect(),
        samples: samples.collect(),
        histograms: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matcher_of_an_unknown_type_is_refused() {
        let wrong = matcher(&LabelMatcher { r#type: 9, ..LabelMatcher::default() });
        assert!(matches!(wrong, Err(Failure::BadData(reason)) if reason.contains("unknown type 9")));
    }
}
