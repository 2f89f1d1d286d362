//! The listener: accepts connections up to the limit, lets time pass, and stops everything in order.

use super::Error;
use super::connection;
use super::node::{Node, now_ms};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_util::task::TaskTracker;

/// How often overdue members and transactions are looked for.
const TICK: Duration = Duration::from_millis(200);
/// How long connections may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// Takes the address.
pub async fn bind(addr: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(addr).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => Error::AddressTaken(addr),
        _ => Error::Listen { addr, source },
    })
}

/// Serves until the node is told to stop; then everything is on disk.
pub async fn run(node: Arc<Node>, listener: TcpListener) {
    let connections = TaskTracker::new();
    connections.spawn(compact(node.clone()));
    let check = node.config.check_interval;
    tokio::select! {
        () = accept(&node, &listener, &connections) => {}
        () = every(TICK, || node.tick()) => {}
        () = every(check, || node.topics.enforce_retention(now_ms())) => {}
        () = every(node.config.expiry.check_interval, || node.forget_unused(now_ms())) => {}
        () = node.stopping.cancelled() => {}
    }
    drop(listener);
    connections.close();
    if timeout(GRACE, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "connections did not end in time");
    }
    node.flush();
}

async fn accept(node: &Arc<Node>, listener: &TcpListener, connections: &TaskTracker) {
    let places = Arc::new(Semaphore::new(node.config.limits.connections));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, as a rule: some connection has to end first.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(TICK).await;
                continue;
            }
        };
        match places.clone().try_acquire_owned() {
            Ok(place) => {
                let node = node.clone();
                connections.spawn(async move {
                    serve(&node, stream, peer).await;
                    drop(place);
                });
            }
            Err(_) => tracing::warn!(%peer, "closed a connection: as many as the limit are open"),
        }
    }
}

/// Reading and writing whole logs takes long: a thread that may block does it, and looks whether it is to stop.
async fn compact(node: Arc<Node>) {
    while timeout(node.config.check_interval, node.stopping.cancelled()).await.is_err() {
        let node = node.clone();
        let compacted = spawn_blocking(move || node.topics.compact(now_ms(), &node.stopping)).await;
        let _ = compacted.inspect_err(|error| tracing::error!(%error, "compaction ended"));
    }
}

async fn serve(node: &Node, stream: TcpStream, peer: SocketAddr) {
    tokio::select! {
        served = connection::serve(node, stream, peer) => {
            if let Err(fault) = served {
                tracing::debug!(%peer, %fault, "closed a connection");
            }
        }
        () = node.stopping.cancelled() => {}
    }
}

async fn every(period: Duration, mut action: impl FnMut()) {
    let mut ticks = tokio::time::interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        action();
    }
}
