//! Requests to the HTTP API of a running Tailrace.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A GET with a query string; the answer as JSON.
///
/// # Errors
/// When nobody answers there, or the answer is an error: then with the server's own words.
pub async fn get(addr: &str, path: &str, parameters: &[(&str, String)]) -> Result<Value> {
    let url = format!("{}{path}", addr.trim_end_matches('/'));
    let request = reqwest::Client::new().get(&url).query(parameters);
    let response = request.send().await.map_err(reqwest::Error::without_url).with_context(|| {
        format!("no answer from {addr}; is `tailrace up` running there? --addr or TAILRACE_ADDR says where")
    })?;
    let (status, body) = (response.status(), response.text().await?);
    if status.is_success() {
        return serde_json::from_str(&body).with_context(|| format!("{url} did not answer with JSON"));
    }
    let parsed: Option<Value> = serde_json::from_str(&body).ok();
    let message = parsed.as_ref().and_then(|v| v["error"].as_str()).unwrap_or(body.trim());
    bail!("{message}")
}

/// Prints what the server has to say about its answer, on standard error.
pub fn print_warnings(answer: &Value) {
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        eprintln!("warning: {}", warning.as_str().unwrap_or_default());
    }
}
