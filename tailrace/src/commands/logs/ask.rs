//! `tailrace logs labels`, `series`, `stats`.

use anyhow::Result;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    args::{ClientArgs, LogsCommand, SpanArgs},
    commands::{client, print},
    stdout::outln,
};

/// Prints one thing a line.
pub async fn run(command: &LogsCommand) -> Result<()> {
    match command {
        LogsCommand::Labels { name, client, span } => {
            let path = name.as_ref().map_or("labels".to_owned(), |name| format!("label/{name}/values"));
            for label in list(&get(client, span, &path, None).await?["data"]) {
                outln!("{}", label.as_str().unwrap_or_default());
            }
        }
        LogsCommand::Series { selector, client, span } => {
            let answer = get(client, span, "series", Some(("match[]", selector.clone()))).await?;
            list(&answer["data"]).for_each(|labels| outln!("{}", print::labels(labels)));
        }
        LogsCommand::Stats { selector, client, span } => {
            let answer = get(client, span, "index/stats", Some(("query", selector.clone()))).await?;
            for name in ["streams", "chunks", "entries", "bytes"] {
                outln!("{name}: {}", answer[name]);
            }
        }
    }
    Ok(())
}

async fn get(
    client: &ClientArgs,
    span: &SpanArgs,
    path: &str,
    more: Option<(&'static str, String)>,
) -> Result<Value> {
    let (start, end) = span.resolve(Timestamp::now(), "6h")?;
    let mut parameters =
        vec![("start", start.as_nanosecond().to_string()), ("end", end.as_nanosecond().to_string())];
    parameters.extend(more);
    let answer = client::get(client, &format!("/loki/api/v1/{path}"), &parameters).await?;
    client::print_warnings(&answer);
    Ok(answer)
}

fn list(data: &Value) -> impl Iterator<Item = &Value> {
    data.as_array().into_iter().flatten()
}
