//! Questions to the query API. A service that is down or not there yet has no answer.

use std::time::Duration;

use serde_json::Value;

use crate::basics::client;

/// A query that takes longer has no answer.
const TIMEOUT: Duration = Duration::from_secs(30);
const LIMIT: &str = "5000";

/// Asks one index.
#[derive(Clone)]
pub struct Answers {
    base: String,
    client: reqwest::Client,
}

/// What a log query found.
pub struct Found {
    /// Oldest first.
    pub lines: Vec<String>,
    /// No notice says that newer data may be missing.
    pub is_whole: bool,
}

impl Answers {
    pub fn from(base: String) -> Answers {
        Answers { base, client: client() }
    }

    /// Lines of a log query from about `since_ns` on.
    pub async fn lines(&self, query: &str, since_ns: i64) -> Option<Found> {
        // Messages of one batch have the time of the first.
        let since = (since_ns - 1_000_000_000).to_string();
        let parameters = [("query", query), ("limit", LIMIT), ("direction", "forward"), ("start", &since)];
        let answer = self.ask("/loki/api/v1/query_range", &parameters).await?;
        let mut all: Vec<(String, String)> = Vec::new();
        for stream in answer["data"]["result"].as_array()? {
            for value in stream["values"].as_array()? {
                all.push((value[0].as_str()?.into(), value[1].as_str()?.into()));
            }
        }
        // Lines of one moment stay in the order of the answer.
        all.sort_by(|a, b| a.0.cmp(&b.0));
        let is_whole = answer["warnings"].as_array().is_none_or(Vec::is_empty);
        Some(Found { lines: all.into_iter().map(|(_, line)| line).collect(), is_whole })
    }

    /// Samples of one series as they are stored, between two times: milliseconds and value.
    pub async fn samples(&self, selector: &str, [after, to]: [i64; 2]) -> Option<Vec<(i64, u64)>> {
        let (query, at) = (format!("{selector}[{}ms]", to - after), format!("{}", to as f64 / 1e3));
        let answer = self.ask("/api/v1/query", &[("query", &query), ("time", &at)]).await?;
        let Some(series) = answer["data"]["result"].get(0) else { return Some(Vec::new()) };
        let sample = |sample: &Value| {
            let (at, value) = (sample[0].as_f64()?, sample[1].as_str()?.parse::<f64>().ok()?);
            Some(((at * 1e3).round() as i64, value as u64))
        };
        series["values"].as_array()?.iter().map(sample).collect()
    }

    async fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Option<Value> {
        let request = self.client.get(format!("{}{path}", self.base)).query(parameters).timeout(TIMEOUT);
        let response = request.send().await.ok()?;
        if response.status().is_server_error() {
            return None;
        }
        let (status, body) = (response.status(), response.text().await.ok()?);
        assert!(status.is_success(), "{path} {parameters:?}: {status} {body}");
        serde_json::from_str(&body).ok()
    }
}
