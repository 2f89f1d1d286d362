//! The embedded broker: an in-process listener that speaks the Kafka protocol, so that a pipeline on one machine runs
//! the same code as one on a cluster.
//!
//! The way of a request: `server` accepts, `connection` takes frames apart, `shape` looks them over, `api` has one file
//! per family of requests. What they work on: `topics` and their `partition`s, each a `log` of segment files that hold
//! record batches as they came; the `group`s of consumers; `txn` for transactions. What has to outlive a restart and is
//! not in a log is in `state`, kept by a `journal`.
//!
//! The broker has a runtime of its own: its disk accesses do not hold up its host, and a host that blocks does not
//! hold up its clients.

mod api;
mod config;
mod connection;
mod data_dir;
mod error;
mod expiry;
mod group;
mod journal;
mod log;
mod node;
mod partition;
mod server;
mod shape;
mod state;
mod topic_config;
mod topics;
mod txn;

pub use config::{Config, Expiry, FlushPolicy, Limits};
pub use error::Error;
pub(crate) use topics::is_legal_name;

use data_dir::DataDir;
use node::Node;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, atomic::AtomicBool};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

/// Enough for one machine's pipeline, and little memory when idle.
const THREADS: usize = 2;

/// A running broker. Dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct Broker {
    addr: SocketAddr,
    disk_refuses: Arc<AtomicBool>,
    stopping: CancellationToken,
    serving: Option<JoinHandle<()>>,
    runtime: Option<Runtime>,
}

impl Broker {
    /// Starts a broker: when this returns, clients can connect.
    pub async fn start(config: Config) -> Result<Broker, Error> {
        let runtime =
            Builder::new_multi_thread().worker_threads(THREADS).thread_name("broker").enable_all().build();
        let runtime = runtime.map_err(Error::io(&config.data_dir))?;
        match runtime.spawn(open(config)).await.unwrap_or_else(|error| Err(panicked(error))) {
            Ok((node, listener, addr)) => {
                let (stopping, disk_refuses) = (node.stopping.clone(), node.disk_refuses.clone());
                let serving = runtime.spawn(server::run(node, listener));
                Ok(Broker { addr, disk_refuses, stopping, serving: Some(serving), runtime: Some(runtime) })
            }
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Becomes true when the disk does not take records, and false with the next that it takes.
    pub fn disk_refuses(&self) -> Arc<AtomicBool> {
        self.disk_refuses.clone()
    }

    /// Ends all connections, pushes everything to the disk and gives the directory free.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        if let Some(serving) = self.serving.take() {
            let _ =
                serving.await.inspect_err(|error| tracing::error!(%error, "the broker did not stop cleanly"));
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stopping.cancel();
        // Plain dropping would block, which the host's runtime does not allow.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn open(config: Config) -> Result<(Arc<Node>, tokio::net::TcpListener, SocketAddr), Error> {
    let dir = DataDir::open(&config.data_dir)?;
    let listener = server::bind(config.listen).await?;
    let addr = listener.local_addr().map_err(|source| Error::Listen { addr: config.listen, source })?;
    let node = Node::open(config, dir, addr)?;
    Ok((Arc::new(node), listener, addr))
}

fn panicked(error: JoinError) -> Error {
    Error::Io { path: Default::default(), source: io::Error::other(error) }
}
