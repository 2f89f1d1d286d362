//! `--follow`: what arrives, over a web socket.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::StreamExt;
use jiff::Timestamp;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, Message, client::IntoClientRequest},
};

use super::printer::{Line, Printer, lines};
use crate::{args::LogsArgs, commands::client, stderr::errln};

/// Before a connection that broke is made again.
const PAUSE: Duration = Duration::from_secs(1);

/// A server that has given no sign of life for so long is gone: ours pings every 30 s, Loki every second.
const SILENCE: Duration = Duration::from_secs(75);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Prints what is newer than `after`, until Ctrl-C. A connection that breaks is made again, behind the last line.
///
/// # Errors
/// When the server cannot be reached at the beginning, or refuses the query.
pub async fn follow(args: &LogsArgs, query: &str, after: Timestamp, printer: &mut Printer) -> Result<()> {
    let mut tail =
        Tail { args, query, from_ns: i64::try_from(after.as_nanosecond())? + 1, shown: Vec::new() };
    let mut socket = tail.connect().await?;
    loop {
        tail.print(&mut socket, printer).await?;
        errln!("warning: the connection to {} broke, trying again", args.client.addr);
        socket = tail.reconnect().await?;
    }
}

struct Tail<'a> {
    args: &'a LogsArgs,
    query: &'a str,
    /// Where to go on: the time of the newest line that was shown, nanoseconds since 1970.
    from_ns: i64,
    /// The lines of that time.
    shown: Vec<Line>,
}

impl Tail<'_> {
    async fn connect(&self) -> Result<Socket> {
        let server = &self.args.client;
        let address = client::url(server, "/loki/api/v1/tail").replacen("http", "ws", 1);
        let parameters = [("query", self.query), ("start", &self.from_ns.to_string())];
        let url = reqwest::Url::parse_with_params(&address, parameters)?;
        let mut request = url.as_str().into_client_request()?;
        if let Some(tenant) = &server.tenant.org_id {
            request.headers_mut().insert(event::TENANT_HEADER, tenant.parse()?);
        }
        let connected = client::wait(server, tokio_tungstenite::connect_async(request)).await;
        let (socket, _) =
            connected.with_context(|| format!("{} does not let us follow this query", server.addr))?;
        Ok(socket)
    }

    async fn reconnect(&self) -> Result<Socket> {
        loop {
            tokio::time::sleep(PAUSE).await;
            match self.connect().await {
                Err(error) if !is_refusal(&error) => {}
                done => return done,
            }
        }
    }

    /// Until the connection ends, however it does.
    async fn print(&mut self, socket: &mut Socket, printer: &mut Printer) -> Result<()> {
        let mut again = self.shown.clone();
        while let Some(message) = heard(socket, SILENCE).await {
            if message.is_text() {
                let body: Value = serde_json::from_str(message.to_text()?)?;
                let mut new = lines(&body["streams"]);
                new.retain(|line| !take(&mut again, line));
                self.note(&new);
                printer.print(&new)?;
            }
        }
        Ok(())
    }

    fn note(&mut self, lines: &[Line]) {
        for line in lines {
            if line.timestamp_ns > self.from_ns {
                self.from_ns = line.timestamp_ns;
                self.shown.clear();
            }
            if line.timestamp_ns == self.from_ns {
                self.shown.push(line.clone());
            }
        }
    }
}

/// The next message, pings too; nothing when the connection has ended, or was silent for `at_most`.
async fn heard(socket: &mut Socket, at_most: Duration) -> Option<Message> {
    timeout(at_most, socket.next()).await.ok()??.ok()
}

/// Whether the line was among them.
fn take(lines: &mut Vec<Line>, line: &Line) -> bool {
    let found = lines.iter().position(|one| one == line);
    found.map(|at| lines.swap_remove(at)).is_some()
}

/// Trying again would be of no use.
fn is_refusal(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(tungstenite::Error::Http(answer)) if answer.status().is_client_error())
}

#[cfg(test)]
mod tests {
    use futures::SinkExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_server_that_pings_is_there_and_one_that_is_silent_is_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let serve = async {
            let mut socket =
                tokio_tungstenite::accept_async(listener.accept().await.unwrap().0).await.unwrap();
            socket.send(Message::Ping("a".into())).await.unwrap();
            socket
        };
        let (_silent, connected) = tokio::join!(serve, tokio_tungstenite::connect_async(url));
        let mut socket = connected.unwrap().0;
        assert!(heard(&mut socket, SILENCE).await.is_some_and(|message| message.is_ping()));
        assert_eq!(heard(&mut socket, Duration::from_millis(10)).await, None);
    }
}
