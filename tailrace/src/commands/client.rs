//! Requests to the HTTP API of a running Tailrace.

use std::{future::Future, time::Duration};

use anyhow::{Context, Result, bail};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use crate::{args::ClientArgs, patience, stderr::errln};

/// A server that answers later than this is waited for, and that is said.
const PROMPT: Duration = Duration::from_secs(3);

/// A GET with a query string; the answer as JSON.
///
/// # Errors
/// When nobody answers there, or the answer is an error: then with the server's own words.
pub async fn get(server: &ClientArgs, path: &str, parameters: &[(&str, String)]) -> Result<Value> {
    let url = url(server, path);
    let body = send(server, reqwest::Client::new().get(&url).query(parameters)).await?;
    serde_json::from_slice(&body).with_context(|| format!("{url} did not answer with JSON"))
}

/// A POST of protobuf in Snappy's block format; the answer as it is.
///
/// # Errors
/// As [`get`].
pub async fn post_protobuf(server: &ClientArgs, path: &str, body: Vec<u8>) -> Result<Vec<u8>> {
    let request = reqwest::Client::new().post(url(server, path)).body(body);
    let request =
        request.header("content-type", "application/x-protobuf").header("content-encoding", "snappy");
    send(server, request.header("x-prometheus-remote-read-version", "0.1.0")).await
}

/// The Kafka brokers that the server uses.
///
/// # Errors
/// When it does not answer, or does not say.
pub async fn brokers(server: &ClientArgs) -> Result<String> {
    let status = get(server, "/api/status", &[]).await?;
    let brokers = status["addresses"]["kafka"].as_str();
    Ok(brokers.context("the server does not say which brokers it uses: give --brokers")?.to_owned())
}

/// Where `path` is at the server.
pub fn url(server: &ClientArgs, path: &str) -> String {
    format!("{}{path}", server.addr.trim_end_matches('/'))
}

/// Sends a request for the tenant that is meant.
///
/// # Errors
/// When nobody answers there, or the tenant cannot stand in a header.
pub async fn answer(server: &ClientArgs, request: RequestBuilder) -> Result<Response> {
    let tenant = server.tenant.org_id.iter();
    let request = tenant.fold(request, |request, tenant| request.header(event::TENANT_HEADER, tenant));
    wait(server, request.send()).await.map_err(reqwest::Error::without_url).with_context(|| {
        let addr = &server.addr;
        format!("no answer from {addr}; is `tailrace up` running there? --addr or TAILRACE_ADDR says where")
    })
}

/// Waits for `answer`, and says so when it takes long.
pub async fn wait<T>(server: &ClientArgs, answer: impl Future<Output = T>) -> T {
    patience::wait(answer, PROMPT, || errln!("waiting for an answer from {}", server.addr)).await
}

async fn send(server: &ClientArgs, request: RequestBuilder) -> Result<Vec<u8>> {
    let (addr, response) = (&server.addr, answer(server, request).await?);
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
        errln!("warning: {}", warning.as_str().unwrap_or_default());
    }
}
