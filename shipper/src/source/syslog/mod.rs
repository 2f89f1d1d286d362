//! The syslog listener: UDP and TCP on one port. Messages go to the disk queue in batches.

mod batch;
mod framing;
pub mod message;
mod rfc3164;
mod rfc5424;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream, UdpSocket},
    sync::{Semaphore, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    batch::{Batcher, Received},
    framing::Framing,
};
use crate::{
    Error, checkpoint::Checkpoint, config::SyslogConfig, source::Store, telemetry, timestamp,
    timestamp::Clock,
};

/// Messages that wait to be put into a batch.
const QUEUE: usize = 8192;
const BATCH_BYTES: usize = 256 << 10;
const BATCH_WAIT: Duration = Duration::from_millis(20);
/// The largest datagram that there is.
const DATAGRAM: usize = 65_536;
/// How often a free port is looked for that both UDP and TCP can have.
const PORT_ATTEMPTS: usize = 16;
const UDP_PAUSE: Duration = Duration::from_millis(1);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bound, and ready to run.
pub struct SyslogSource {
    address: SocketAddr,
    udp: UdpSocket,
    tcp: TcpListener,
    connections: Arc<Semaphore>,
    batcher: Batcher,
    name: String,
    message_limit: usize,
}

impl SyslogSource {
    /// Takes the port.
    ///
    /// # Errors
    /// When it is taken already.
    pub async fn bind(
        address: SocketAddr,
        config: &SyslogConfig,
        host: &str,
        message_limit: usize,
        checkpoint: &Checkpoint,
    ) -> Result<Self, Error> {
        let (tcp, udp) = bind_both(address).await.map_err(|source| Error::Listen { address, source })?;
        let address = tcp.local_addr().map_err(|source| Error::Listen { address, source })?;
        let name = format!("{host}/syslog/{}", address.port());
        let now_us = timestamp::now_ns() / 1000;
        let first = checkpoint.first_position(&name, u64::try_from(now_us).unwrap_or_default());
        let batcher = Batcher::new(name.clone(), first, config.streams);
        let connections = Arc::new(Semaphore::new(config.connections));
        Ok(SyslogSource { address, udp, tcp, connections, batcher, name, message_limit })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Receives until `shutdown`; stores what was received before it ends.
    pub async fn run(self, store: Store, checkpoint: Arc<Checkpoint>, shutdown: CancellationToken) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let tasks = TaskTracker::new();
        tasks.spawn(receive_udp(self.udp, sender.clone(), shutdown.clone()));
        let listener = Listener {
            tcp: self.tcp,
            sender,
            connections: self.connections,
            message_limit: self.message_limit,
            shutdown,
        };
        tasks.spawn(listener.run());
        collect(receiver, self.batcher, &self.name, &store, &checkpoint).await;
    }
}

async fn bind_both(address: SocketAddr) -> io::Result<(TcpListener, UdpSocket)> {
    let mut attempts = if address.port() == 0 { PORT_ATTEMPTS } else { 1 };
    loop {
        let tcp = TcpListener::bind(address).await?;
        match UdpSocket::bind(tcp.local_addr()?).await {
            Ok(udp) => return Ok((tcp, udp)),
            Err(error) if attempts <= 1 => return Err(error),
            Err(_) => attempts -= 1,
        }
    }
}

/// Batches what comes in until every sender is gone.
async fn collect(
    mut receiver: mpsc::Receiver<Received>,
    mut batcher: Batcher,
    name: &str,
    store: &Store,
    checkpoint: &Checkpoint,
) {
    let mut clock = Clock::system();
    while let Some(first) = receiver.recv().await {
        clock.now_ns = timestamp::now_ns();
        batcher.add(&first, &mut clock);
        let deadline = tokio::time::Instant::now() + BATCH_WAIT;
        while batcher.size() < BATCH_BYTES {
            let Ok(Some(next)) = tokio::time::timeout_at(deadline, receiver.recv()).await else { break };
            batcher.add(&next, &mut clock);
        }
        for batch in batcher.take() {
            store.put(event::Event::Logs(batch)).await;
        }
        checkpoint.set_counter(name, batcher.last_position());
    }
}

/// Never waits: a datagram for which there is no room is counted and gone.
async fn receive_udp(socket: UdpSocket, sender: mpsc::Sender<Received>, shutdown: CancellationToken) {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let received = tokio::select! {
            () = shutdown.cancelled() => return,
            received = socket.recv_from(&mut buffer) => received,
        };
        // An error belongs to one datagram (ICMP says that an earlier peer is gone), never to the socket.
        let Ok((length, peer)) = received else {
            tokio::time::sleep(UDP_PAUSE).await;
            continue;
        };
        let bytes = framing::trimmed(Bytes::copy_from_slice(&buffer[..length]));
        if bytes.is_empty() {
            continue;
        }
        let received = Received { bytes, peer: peer.ip(), is_rest: false };
        if sender.try_send(received).is_err() {
            telemetry::SYSLOG_DROPPED.inc();
        }
    }
}

struct Listener {
    tcp: TcpListener,
    sender: mpsc::Sender<Received>,
    connections: Arc<Semaphore>,
    message_limit: usize,
    shutdown: CancellationToken,
}

impl Listener {
    async fn run(self) {
        loop {
            let accepted = tokio::select! {
                () = self.shutdown.cancelled() => return,
                accepted = self.tcp.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.serve(stream, peer.ip()),
                Err(error) => {
                    tracing::warn!(%error, "syslog connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn serve(&self, stream: TcpStream, peer: IpAddr) {
        let Ok(permit) = self.connections.clone().try_acquire_owned() else {
            telemetry::SYSLOG_REFUSED.inc();
            return;
        };
        let (sender, limit, shutdown) = (self.sender.clone(), self.message_limit, self.shutdown.clone());
        tokio::spawn(async move {
            receive_tcp(stream, peer, sender, limit, shutdown).await;
            drop(permit);
        });
    }
}

/// Waits when there is no room: TCP makes the sender wait too.
async fn receive_tcp(
    mut stream: TcpStream,
    peer: IpAddr,
    sender: mpsc::Sender<Received>,
    message_limit: usize,
    shutdown: CancellationToken,
) {
    let mut framing = Framing::new(message_limit);
    let mut is_end = false;
    while !is_end {
        framing.buffer().reserve(16 << 10);
        is_end = tokio::select! {
            () = shutdown.cancelled() => true,
            read = stream.read_buf(framing.buffer()) => matches!(read, Ok(0) | Err(_)),
        };
        while let Some(frame) = framing.next(is_end) {
            let received = Received { bytes: frame.bytes, peer, is_rest: frame.is_rest };
            if sender.send(received).await.is_err() {
                return;
            }
        }
    }
}
