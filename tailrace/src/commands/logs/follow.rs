//! `--follow`: what arrives, over a web socket.

use anyhow::{Context, Result};
use futures::StreamExt;
use jiff::Timestamp;
use serde_json::Value;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::printer::{Printer, lines};
use crate::{args::LogsArgs, commands::client};

/// Prints what is newer than `after` until the connection ends.
pub async fn follow(args: &LogsArgs, query: &str, after: Timestamp, printer: &mut Printer) -> Result<()> {
    let address = client::url(&args.client, "/loki/api/v1/tail").replacen("http", "ws", 1);
    let mut url = reqwest::Url::parse(&address)?;
    let start = (after.as_nanosecond() + 1).to_string();
    url.query_pairs_mut().append_pair("query", query).append_pair("start", &start);
    let mut request = url.as_str().into_client_request()?;
    if let Some(tenant) = &args.client.tenant.org_id {
        request.headers_mut().insert(event::TENANT_HEADER, tenant.parse()?);
    }
    let (mut socket, _) = tokio_tungstenite::connect_async(request)
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
