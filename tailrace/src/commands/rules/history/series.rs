//! Samples by Prometheus' remote read: as they are, the ends of series among them.

use anyhow::{Context, Result};
use event::{
    MatchOp, Matcher, Sample, Series,
    proto::{
        remote_read::{LabelMatcher, Query, ReadRequest, ReadResponse, label_matcher::Type},
        remote_write::TimeSeries,
    },
};
use prost::Message;

use super::Span;
use crate::{args::ClientArgs, commands::client};

/// As many as the server takes in one request.
const MOST_QUERIES: usize = 16;

/// The samples of the series that fit any of the selectors.
pub async fn fetch(
    server: &ClientArgs,
    selectors: &[Vec<Matcher>],
    (after_ms, until_ms): Span,
) -> Result<Vec<Series>> {
    let query = |matchers: &Vec<Matcher>| Query {
        start_timestamp_ms: after_ms + 1,
        end_timestamp_ms: until_ms,
        matchers: matchers.iter().map(matcher).collect(),
    };
    let mut all = Vec::new();
    for selectors in selectors.chunks(MOST_QUERIES) {
        all.extend(read(server, selectors.iter().map(query).collect()).await?);
    }
    Ok(all)
}

async fn read(server: &ClientArgs, queries: Vec<Query>) -> Result<impl Iterator<Item = Series>> {
    let request = ReadRequest { queries };
    let body = snap::raw::Encoder::new().compress_vec(&request.encode_to_vec())?;
    let answer = client::post_protobuf(server, "/api/v1/read", body).await.context("remote read")?;
    let plain = snap::raw::Decoder::new().decompress_vec(&answer).context("remote read: the answer")?;
    let response = ReadResponse::decode(plain.as_slice()).context("remote read: the answer")?;
    Ok(response.results.into_iter().flat_map(|result| result.timeseries).map(series))
}

fn matcher(matcher: &Matcher) -> LabelMatcher {
    let kind = match matcher.op {
        MatchOp::Equal => Type::Equal,
        MatchOp::NotEqual => Type::NotEqual,
        MatchOp::Regex => Type::Regex,
        MatchOp::NotRegex => Type::NotRegex,
    };
    LabelMatcher { r#type: kind.into(), name: matcher.name.clone(), value: matcher.value.clone() }
}

fn series(series: TimeSeries) -> Series {
    let samples = series.samples.into_iter().map(|s| Sample { timestamp_ms: s.timestamp, value: s.value });
    Series {
        labels: series.labels.into_iter().map(|label| (label.name, label.value)).collect(),
        samples: samples.collect(),
    }
}
