//! One connection: frames in, one request at a time, frames out, in order.
//!
//! Whatever is wrong with a frame ends this connection and nothing else.

use super::api::{self, Client, Outcome};
use super::node::Node;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, RequestKind, ResponseHeader, ResponseKind};
use kafka_protocol::protocol::{Decodable, Encodable};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

/// A connection without requests is closed after this time, as in Kafka.
const IDLE: Duration = Duration::from_secs(10 * 60);

/// How much of a request is read, and of an answer written, at a time.
const STEP: usize = 1 << 20;

/// Bytes that an element of a request takes once it is decoded, about.
const ELEMENT: usize = 256;

/// Why a connection ends before the client closes it.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The client is gone, silent or too slow.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The client sends what is not a Kafka request.
    #[error("a frame of {0} bytes, more than the limit or less than a header")]
    FrameSize(i32),
    /// The request is not known here.
    #[error("request {api} in version {version} is not supported")]
    Unsupported {
        /// Kafka's number of the request.
        api: i16,
        /// Its version.
        version: i16,
    },
    /// The bytes are not what the request should look like.
    #[error("malformed request: {0}")]
    Malformed(String),
}

/// A frame, and its share of the memory that all connections have together.
struct Frame<'a> {
    bytes: Bytes,
    share: SemaphorePermit<'a>,
}

/// Serves a connection until one side ends it.
pub async fn serve(node: &Node, mut stream: TcpStream, peer: SocketAddr) -> Result<(), Fault> {
    stream.set_nodelay(true)?;
    while let Some(frame) = read_frame(node, &mut stream).await? {
        let Some(answer) = handle(node, peer, frame).await? else { continue };
        fault::point("broker.answer.before-send");
        let sent = timeout(node.config.limits.transfer, send(node, &mut stream, &answer.bytes)).await;
        fault::point("broker.answer.after-send");
        sent.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    }
    Ok(())
}

async fn send(node: &Node, stream: &mut TcpStream, answer: &[u8]) -> io::Result<()> {
    for step in answer.chunks(STEP) {
        node.patience(answer.len(), stream.write_all(step)).await?;
    }
    Ok(())
}

/// The next frame; `None` when the client is done.
async fn read_frame<'a>(node: &'a Node, stream: &mut TcpStream) -> Result<Option<Frame<'a>>, Fault> {
    let mut length = [0; 4];
    match timeout(IDLE, stream.read_exact(&mut length)).await {
        Err(_) => return Ok(None),
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Ok(read) => read?,
    };
    let length = i32::from_be_bytes(length);
    let size =
        usize::try_from(length).ok().filter(|size| (8..=node.config.limits.frame_bytes).contains(size));
    let size = size.ok_or(Fault::FrameSize(length))?;
    let frame = timeout(node.config.limits.transfer, read_body(node, stream, size)).await;
    Ok(Some(frame.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??))
}

/// The share grows with what arrives: who announces much and sends little holds little.
async fn read_body<'a>(node: &'a Node, stream: &mut TcpStream, size: usize) -> io::Result<Frame<'a>> {
    let mut bytes = BytesMut::new();
    let mut share = node.share(0).await?;
    while bytes.len() < size {
        let start = bytes.len();
        let end = size.min(start + STEP);
        share.merge(node.share(end - start).await?);
        bytes.resize(end, 0);
        node.patience(end, stream.read_exact(&mut bytes[start..])).await?;
    }
    Ok(Frame { bytes: bytes.freeze(), share })
}

/// An answer as it goes out, and its share of the memory.
struct Encoded<'a> {
    bytes: BytesMut,
    _share: Option<SemaphorePermit<'a>>,
}

/// Which request it is: all that its answer has to say of it.
#[derive(Clone, Copy)]
struct Call {
    api: ApiKey,
    version: i16,
    id: i32,
}

impl Call {
    fn of(frame: &[u8]) -> Result<Call, Fault> {
        let (code, version) =
            (i16::from_be_bytes([frame[0], frame[1]]), i16::from_be_bytes([frame[2], frame[3]]));
        let api = ApiKey::try_from(code).map_err(|()| Fault::Unsupported { api: code, version })?;
        Ok(Call { api, version, id: i32::from_be_bytes([frame[4], frame[5], frame[6], frame[7]]) })
    }
}

async fn handle<'a>(
    node: &'a Node,
    peer: SocketAddr,
    mut frame: Frame<'a>,
) -> Result<Option<Encoded<'a>>, Fault> {
    let call = Call::of(&frame.bytes)?;
    if !api::is_supported(call.api, call.version) {
        return unsupported(call).map(Some);
    }
    let elements = api::elements(call.api, call.version, &frame.bytes).ok_or_else(misshapen)?;
    frame.share.merge(node.share(elements * ELEMENT).await?);
    let (header, request) = decode(call, frame.bytes)?;
    let client_id = header.client_id.as_deref().unwrap_or_default().to_owned();
    let client = Client { id: client_id, host: peer.ip(), version: call.version };
    let answer = async { Ok(api::answer(node, &client, request).await) };
    let outcome = tokio::select! {
        outcome = node.patience(frame.share.num_permits(), answer) => outcome?,
        () = node.stopping.cancelled() => Outcome::Close,
    };
    drop(frame.share);
    match outcome {
        Outcome::Answer(answer, share) => encoded(node, call, &answer, share).await.map(Some),
        Outcome::Silence => Ok(None),
        Outcome::Close => Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()),
    }
}

async fn encoded<'a>(
    node: &'a Node,
    call: Call,
    answer: &ResponseKind,
    share: Option<SemaphorePermit<'a>>,
) -> Result<Encoded<'a>, Fault> {
    let room = share.as_ref().map_or(0, SemaphorePermit::num_permits);
    let bytes = encode(call, answer, room)?;
    let share = match share {
        Some(share) => share,
        None => node.share(bytes.len()).await?,
    };
    Ok(Encoded { bytes, _share: Some(share) })
}

fn misshapen() -> Fault {
    Fault::Malformed("it ends too early or holds too much".to_owned())
}

fn decode(call: Call, mut frame: Bytes) -> Result<(RequestHeader, RequestKind), Fault> {
    let malformed = |error: &dyn std::fmt::Display| Fault::Malformed(error.to_string());
    let header = RequestHeader::decode(&mut frame, call.api.request_header_version(call.version));
    let header = header.map_err(|error| malformed(&error))?;
    let request = RequestKind::decode(call.api, &mut frame, call.version);
    Ok((header, request.map_err(|error| malformed(&error))?))
}

/// A client may ask for the versions in a version from the future; it is told which ones there are. Other requests
/// in unknown versions cannot be answered in words that the client knows.
fn unsupported<'a>(call: Call) -> Result<Encoded<'a>, Fault> {
    if call.api != ApiKey::ApiVersions {
        return Err(Fault::Unsupported { api: call.api as i16, version: call.version });
    }
    let bytes = encode(Call { version: 0, ..call }, &api::versions::unsupported().into(), 0)?;
    Ok(Encoded { bytes, _share: None })
}

/// An answer in bytes; `room` is about how many there will be, so that large ones need not be moved while they grow.
fn encode(call: Call, answer: &ResponseKind, room: usize) -> Result<BytesMut, Fault> {
    let Call { api, version, id } = call;
    let mut bytes = BytesMut::with_capacity(room);
    bytes.put_i32(0);
    let header = ResponseHeader::default().with_correlation_id(id);
    let encoded = header.encode(&mut bytes, api.response_header_version(version));
    let encoded = encoded.and_then(|()| answer.encode(&mut bytes, version));
    encoded.map_err(|error| {
        io::Error::other(format!("cannot encode an answer to {api:?} {version}: {error}"))
    })?;
    let length = bytes.len() as i32 - 4;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    Ok(bytes)
}
