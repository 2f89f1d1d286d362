//! `tail`: the entries that fit a query, over a web socket, as they arrive.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{
        State,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code},
    },
    http::{
        HeaderMap, StatusCode,
        header::{HOST, ORIGIN},
    },
    response::{IntoResponse, Response},
};
use event::LogBatch;
use logql::{Answer, Direction, Entries, Expr, Options, Range, StreamAnswer, Value};
use tokio::{
    sync::broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    Error,
    arrivals::Arrivals,
    levels::Leveled,
    request::{QUERY_SINCE_NS, Wishes, time},
    response,
};
use crate::{
    Scope, Snapshot,
    http::{Service, error::Failure, params::Params},
};

/// A client that takes nothing for so long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two signs of life to a quiet client.
const PING_EVERY: Duration = Duration::from_secs(30);
/// What a client has to say is short.
const MAX_MESSAGE_BYTES: usize = 4 << 10;
/// Most entries in one message, roughly.
const MESSAGE_ENTRIES: usize = 1_000;

/// Upgrades the connection; a query that cannot be followed is refused before.
pub(super) async fn tail(
    State(service): State<Service>,
    scope: Scope,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
    params: Params,
) -> Result<Response, Error> {
    if is_foreign(&headers) {
        return Ok((StatusCode::FORBIDDEN, "pages of other sites may not follow logs\n").into_response());
    }
    let expr = logql::parse(params.query(service.limits().max_query_bytes)?)?;
    if !matches!(expr, Expr::Log(_)) {
        return Err(Failure::BadData("only log queries can be followed, not metric queries".into()).into());
    }
    let mut wishes = Wishes::of(&params, &headers, service.limits())?;
    wishes.check_entries()?;
    wishes.direction = Direction::Forward;
    let since = service.now_ns().saturating_sub(QUERY_SINCE_NS);
    let start = time(&params, "start")?.unwrap_or(since);
    let permit = service.tails().try_acquire_owned().map_err(|_| {
        Failure::Busy(format!(
            "too many live tails (limit: {}): close another one",
            service.limits().max_tails
        ))
    })?;
    let levels = service.index().config().detected_level.is_wanted(&expr, &wishes);
    let scope = wishes.scope(scope);
    let tail = Tail { service, scope, expr: Arc::new(expr), wishes, levels };
    let upgrade = upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _permit = permit;
        tail.serve(socket, start).await;
    }))
}

/// Browsers send the site whose page opens a socket, and do not keep it from ours as they do with requests.
fn is_foreign(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let site = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    site.is_none() || site != host
}

/// One client's query.
struct Tail {
    service: Service,
    scope: Scope,
    expr: Arc<Expr>,
    wishes: Wishes,
    /// Whether entries have a `detected_level`.
    levels: bool,
}

impl Tail {
    /// First what there is since `start`, at most as many entries as the client wants; then what arrives.
    async fn serve(self, mut socket: WebSocket, start: i64) {
        let (snapshot, mut arriving) = self.service.index().follow();
        let snapshot = snapshot.scoped(self.scope.clone());
        let ended = match self.send_past(&mut socket, snapshot, start).await {
            Ok(()) => self.send_arriving(&mut socket, &mut arriving).await,
            Err(ended) => Err(ended),
        };
        if let Err(Ended::Failed(failure)) = ended {
            let reason = Utf8Bytes::from(shortened(&failure.to_string()));
            let close = Message::Close(Some(CloseFrame { code: close_code::ERROR, reason }));
            let _ = timeout(SEND_TIMEOUT, socket.send(close)).await;
        }
    }

    async fn send_past(&self, socket: &mut WebSocket, snapshot: Snapshot, start: i64) -> Result<(), Ended> {
        let (expr, limit, levels) = (Arc::clone(&self.expr), self.wishes.limit, self.levels);
        let range = Range { start_ns: start, end_ns: i64::MAX, step_ns: 1_000_000_000 };
        let max_bytes = self.service.limits().max_bytes;
        let answer = self.service.run(None, move |cancelled| {
            let options = Options { limit, max_bytes, cancelled: Some(cancelled), ..Options::default() };
            evaluate(&expr, &snapshot, levels, &range, &options)
        });
        let mut streams = streams(answer.await?);
        streams.iter_mut().for_each(|stream| stream.entries.reverse());
        self.send(socket, streams, 0).await
    }

    async fn send_arriving(
        &self,
        socket: &mut WebSocket,
        arriving: &mut Receiver<Arc<LogBatch>>,
    ) -> Result<(), Ended> {
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                first = arriving.recv() => {
                    let (arrivals, missed) = gather(first, arriving)?;
                    let arrivals = arrivals.scoped(&self.scope);
                    let streams = self.evaluate(arrivals).await?;
                    self.send(socket, streams, missed).await?;
                }
                message = socket.recv() => match message {
                    None | Some(Err(_) | Ok(Message::Close(_))) => return Err(Ended::Gone),
                    Some(Ok(_)) => {}
                },
                _ = pings.tick() => sent(socket, Message::Ping(Bytes::new())).await?,
            }
        }
    }

    async fn evaluate(&self, arrivals: Arrivals) -> Result<Vec<StreamAnswer>, Failure> {
        if arrivals.len() == 0 {
            return Ok(Vec::new());
        }
        let (expr, levels) = (Arc::clone(&self.expr), self.levels);
        let answer = self.service.run(None, move |cancelled| {
            let limit = arrivals.len();
            let options = Options {
                limit,
                direction: Direction::Forward,
                cancelled: Some(cancelled),
                ..Options::default()
            };
            evaluate(&expr, &arrivals, levels, &arrivals.range(), &options)
        });
        Ok(streams(answer.await?))
    }

    async fn send(&self, socket: &mut WebSocket, found: Vec<StreamAnswer>, missed: u64) -> Result<(), Ended> {
        if found.is_empty() && missed == 0 {
            return Ok(());
        }
        let body = response::tailed(found, &self.wishes, missed, self.service.now_ns());
        sent(socket, Message::Text(body.into())).await
    }
}

fn evaluate<E: Entries>(
    expr: &Expr,
    entries: &E,
    levels: bool,
    range: &Range,
    options: &Options<'_>,
) -> Result<Answer, Failure> {
    Ok(match levels {
        true => logql::query_range(expr, &Leveled(entries), range, options)?,
        false => logql::query_range(expr, entries, range, options)?,
    })
}

/// Why nothing more is sent.
enum Ended {
    /// The client, or the index.
    Gone,
    /// The client is told.
    Failed(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Ended::Failed(failure)
    }
}

/// `first` and what has arrived behind it; and how many batches came faster than the client took them.
fn gather(
    first: Result<Arc<LogBatch>, RecvError>,
    arriving: &mut Receiver<Arc<LogBatch>>,
) -> Result<(Arrivals, u64), Ended> {
    let mut missed = 0;
    let mut arrivals = Arrivals(Vec::new());
    match first {
        Ok(batch) => arrivals.0.push(batch),
        Err(RecvError::Lagged(batches)) => missed += batches,
        Err(RecvError::Closed) => return Err(Ended::Gone),
    }
    while arrivals.len() < MESSAGE_ENTRIES {
        match arriving.try_recv() {
            Ok(batch) => arrivals.0.push(batch),
            Err(TryRecvError::Lagged(batches)) => missed += batches,
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    Ok((arrivals, missed))
}

fn streams(answer: Answer) -> Vec<StreamAnswer> {
    match answer.value {
        Value::Streams(streams) => streams,
        Value::Matrix(_) | Value::Vector(_) | Value::Scalar(_) => Vec::new(),
    }
}

async fn sent(socket: &mut WebSocket, message: Message) -> Result<(), Ended> {
    match timeout(SEND_TIMEOUT, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Ended::Gone),
    }
}

/// A close frame holds at most 123 bytes of text.
fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(123)]
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use tokio::sync::broadcast;

    use super::*;
    use crate::http::Limits;

    #[test]
    fn only_pages_of_the_own_site_may_open_a_socket() {
        let foreign = |origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("localhost:3100"));
            headers.extend(origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin))));
            is_foreign(&headers)
        };
        assert!(!foreign(None), "a program, not a page");
        assert!(!foreign(Some("http://localhost:3100")));
        assert!(foreign(Some("https://example.com")));
        assert!(foreign(Some("null")));
    }

    #[test]
    fn a_slow_follower_learns_how_many_batches_it_has_missed() {
        let (sender, mut arriving) = broadcast::channel(2);
        for _ in 0..5 {
            sender.send(Arc::new(LogBatch::default())).unwrap();
        }
        let first = arriving.try_recv().map_err(|e| match e {
            TryRecvError::Lagged(batches) => RecvError::Lagged(batches),
            TryRecvError::Empty | TryRecvError::Closed => RecvError::Closed,
        });
        let Ok((arrivals, missed)) = gather(first, &mut arriving) else { panic!("the sender is there") };
        assert_eq!((arrivals.0.len(), missed), (2, 3));

        let wishes = Wishes::of(&Params::of(""), &HeaderMap::new(), &Limits::default()).unwrap();
        let message: serde_json::Value =
            serde_json::from_str(&response::tailed(Vec::new(), &wishes, missed, 7)).unwrap();
        let expected = serde_json::json!({
            "streams": [],
            "dropped_entries": [{"labels": {}, "timestamp": "7"}],
            "warnings": ["3 batches were left out: the client reads too slowly"],
        });
        assert_eq!(message, expected);
    }

    #[test]
    fn reasons_fit_into_a_close_frame() {
        assert_eq!(shortened("gone"), "gone");
        assert_eq!(shortened(&"ü".repeat(100)).len(), 122);
    }
}
