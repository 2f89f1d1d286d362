//! Requests to the HTTP API of a running Tailrace.

use anyhow::{Context, Result, bail};
use reqwest::RequestBuilder;
use serde_json::Value;

/// A GET with a query string; the answer as JSON.
///
/// # Errors
/// When nobody answers there, or the answer is an error: then with the server's own words.
pub async fn get(addr: &str, path: &str, parameters: &[(&str, String)]) -> Result<Value> {
    let url = url(addr, path);
    let body = send(addr, reqwest::Client::new().get(&url).query(parameters)).await?;
    serde_json::from_slice(&body).with_context(|| format!("{url} did not answer with JSON"))
}

/// A POST of protobuf in Snappy's block format; the answer as it is.
///
/// # Errors
/// As [`get`].
pub async fn post_protobuf(addr: &str, path: &str, body: Vec<u8>) -> Result<Vec<u8>> {
    let request = reqwest::Client::new().post(url(addr, path)).body(body);
    let request =
        request.header("content-type", "application/x-protobuf").header("content-encoding", "snappy");
    send(addr, request.header("x-prometheus-remote-read-version", "0.1.0")).await
}

/// The Kafka brokers that the server uses.
///
/// # Errors
/// When it does not answer, or does not say.
pub async fn brokers(addr: &str) -> Result<String> {
    let status = get(addr, "/api/status", &[]).await?;
    let brokers = status["addresses"]["kafka"].as_str();
    Ok(brokers.context("the server does not say which brokers it uses: give --brokers")?.to_owned())
}

fn url(addr: &str, path: &str) -> String {
    format!("{}{path}", addr.trim_end_matches('/'))
}

async fn send(addr: &str, request: RequestBuilder) -> Result<Vec<u8>> {
    let response = request.send().await.map_err(reqwest::Error::without_url).with_context(|| {
        format!("no answer from {addr}; is `tailrace up` running there? --addr or TAILRACE_ADDR says where")
    })?;
    let (status, body) = (response.status(), response.bytes().await?);
    if status.is_success() {
        return Ok(body.into());
    }
    let parsed: Option<Value> = serde_json::from_slice(&body).ok();
    let text = String::from_utf8_lossy(&body);
    match parsed.as_ref().and_then(|v| v["error"].as_str()).unwrap_or(text.trim()) {
        "" => bail!("{addr} answers {status}"),
        message => bail!("{message}"),
    }
}

/// Prints what the server has to say about its answer, on standard error.
pub fn print_warnings(answer: &Value) {
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        eprintln!("warning: {}", warning.as_str().unwrap_or_default());
    }
}
