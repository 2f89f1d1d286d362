//! Live tails over real sockets.

use futures::StreamExt;
use log_index::http::Limits;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, client::IntoClientRequest, http::HeaderValue},
};

use crate::site::{FIRST_S, SECOND, Site, uri};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Serves `site` for as long as the test runs; the address of its tail.
async fn serve(site: &Site) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = site.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("ws://{address}/loki/api/v1/tail")
}

async fn follow(tail: &str, parameters: &[(&str, &str)]) -> Result<Socket, Error> {
    connect_async(uri(tail, parameters)).await.map(|(socket, _)| socket)
}

/// The lines of the next messages, until there are `count` of them.
async fn lines(socket: &mut Socket, count: usize) -> Vec<String> {
    let mut lines = Vec::new();
    while lines.len() < count {
        let message = socket.next().await.expect("the tail goes on").unwrap();
        let Ok(text) = message.to_text() else { continue };
        let Ok(body) = serde_json::from_str::<Value>(text) else { continue };
        for stream in body["streams"].as_array().unwrap() {
            let values = stream["values"].as_array().unwrap();
            lines.extend(values.iter().map(|value| value[1].as_str().unwrap().to_owned()));
        }
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_begins_with_the_past_and_sends_each_new_entry_once() {
    let site = Site::filled();
    let tail = serve(&site).await;
    let mut socket = follow(&tail, &[("query", "{host=\"web1\"} |= \"level=info\"")]).await.unwrap();
    let past = ["level=info msg=start took=5ms", "level=info msg=done took=7ms"];
    let mut found = lines(&mut socket, 2).await;
    found.sort();
    assert_eq!(found, [past[1], past[0]]);

    let web = [("host", "web1"), ("job", "demo")];
    site.log(
        &web,
        &[(5, "level=info one"), (5, "level=debug no"), (1, "level=info late"), (6, "level=info two")],
    );
    site.log(&[("host", "db1"), ("job", "demo")], &[(7, "level=info of another host")]);
    site.post("/flush", &[]).await;
    site.log(&web, &[(8, "level=info three")]);
    let mut found = lines(&mut socket, 4).await;
    found.sort();
    assert_eq!(found, ["level=info late", "level=info one", "level=info three", "level=info two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn start_and_limit_choose_the_past() {
    let site = Site::filled();
    let tail = serve(&site).await;
    let mut socket = follow(&tail, &[("query", "{job=\"demo\"}"), ("limit", "1")]).await.unwrap();
    assert_eq!(lines(&mut socket, 1).await, ["level=info msg=done took=7ms"]);
    let start = (FIRST_S * SECOND + 5 * SECOND).to_string();
    let mut socket = follow(&tail, &[("query", "{job=\"demo\"}"), ("start", &start)]).await.unwrap();
    site.log(&[("job", "demo")], &[(9, "new")]);
    assert_eq!(lines(&mut socket, 1).await, ["new"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_have_the_form_of_lokis() {
    let site = Site::filled();
    let mut request =
        uri(&serve(&site).await, &[("query", "{host=\"web1\"} |= `done`")]).into_client_request().unwrap();
    let flag = HeaderValue::from_static("categorize-labels");
    request.headers_mut().insert("X-Loki-Response-Encoding-Flags", flag);
    request.headers_mut().insert("Accept-Encoding", HeaderValue::from_static("gzip, deflate, br, zstd"));
    let (mut socket, _) = connect_async(request).await.unwrap();
    let message = socket.next().await.unwrap().unwrap();
    let time = ((FIRST_S + 4) * SECOND).to_string();
    let details = json!({"structuredMetadata": {"detected_level": "info", "trace_id": "abc"}});
    let expected = json!({
        "streams": [{
            "stream": {"host": "web1", "job": "demo"},
            "values": [[time, "level=info msg=done took=7ms", details]],
        }],
        "encodingFlags": ["categorize-labels"],
    });
    assert_eq!(serde_json::from_str::<Value>(message.to_text().unwrap()).unwrap(), expected);
}

fn refused(result: Result<Socket, Error>) -> (u16, String) {
    match result {
        Err(Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            (response.status().as_u16(), String::from_utf8_lossy(&body).into_owned())
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_followed_is_refused_before_the_upgrade() {
    let site = Site::with(None, Limits { max_tails: 1, ..Limits::default() });
    let tail = serve(&site).await;
    let (status, reason) = refused(follow(&tail, &[("query", "{job=")]).await);
    assert_eq!(status, 400);
    assert!(reason.starts_with("parse error"), "{reason}");
    let (status, _) = refused(follow(&tail, &[("query", "rate({job=\"a\"}[5m])")]).await);
    assert_eq!(status, 400);
    let _open = follow(&tail, &[("query", "{job=\"a\"}")]).await.unwrap();
    let (status, reason) = refused(follow(&tail, &[("query", "{job=\"a\"}")]).await);
    assert_eq!(status, 429);
    assert!(reason.contains("too many live tails (limit: 1)"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_free_again_when_a_client_leaves() {
    let site = Site::with(None, Limits { max_tails: 1, ..Limits::default() });
    let tail = serve(&site).await;
    let query = [("query", "{job=\"a\"}")];
    drop(follow(&tail, &query).await.unwrap());
    while follow(&tail, &query).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_may_not_follow() {
    let site = Site::empty();
    let mut request = uri(&serve(&site).await, &[("query", "{job=\"a\"}")]).into_client_request().unwrap();
    request.headers_mut().insert("Origin", HeaderValue::from_static("https://example.com"));
    let (status, _) = refused(connect_async(request).await.map(|(socket, _)| socket));
    assert_eq!(status, 403);
}
