//! `--follow`: what arrives, over a web socket.

use anyhow::{Context, Result};
use futures::StreamExt;
use jiff::Timestamp;
use serde_json::Value;

use super::print::{Printer, lines};
use crate::args::LogsArgs;

/// Prints what is newer than `after` until the connection ends.
pub async fn follow(args: &LogsArgs, query: &str, after: Timestamp, printer: &mut Printer) -> Result<()> {
    let server = args.client.addr.trim_end_matches('/').replacen("http", "ws", 1);
    let mut url = reqwest::Url::parse(&format!("{server}/loki/api/v1/tail"))?;
    let start = (after.as_nanosecond() + 1).to_string();
    url.query_pairs_mut().append_pair("query", query).append_pair("start", &start);
    let (mut socket, _) = tokio_tungstenite::connect_async(url.as_str())
        .await
        .with_context(|| format!("{} does not let us follow this query", args.client.addr))?;
    while let Some(message) = socket.next().await {
        let message = message.context("the connection broke")?;
        if message.is_text() {
            let body: Value = serde_json::from_str(message.to_text()?)?;
            printer.print(&lines(&body["streams"]))?;
        }
    }
    Ok(())
}
