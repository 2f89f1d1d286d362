//! The push job: hands samples on to systems that do not read Kafka. A target has a consumer group of its own, and
//! its offsets are committed only behind what it has taken: while it is away, Kafka keeps everything for it.

mod batch;
mod config;
mod deliver;
mod histogram;
mod pushgateway;
mod remote_write;
mod target;
mod telemetry;

use std::thread::JoinHandle;

use parking_lot::Mutex;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

pub(crate) use config::check_url;
pub use config::{Auth, PushConfig, PushgatewayConfig, RemoteWriteConfig};

use crate::push::{pushgateway::Pushgateway, remote_write::RemoteWrite, target::Target};

/// Why a target cannot be set up.
#[derive(Debug, Error)]
pub enum Error {
    /// A selector in `match`.
    #[error("processor.push: match {selector:?}: {reason}")]
    Selector {
        /// As written.
        selector: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The address or a header of a target.
    #[error("processor.push: {url}: {reason}")]
    Target {
        /// As written.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The threads of all targets.
pub struct PushJob {
    threads: Mutex<Vec<JoinHandle<()>>>,
    targets: Vec<String>,
}

impl PushJob {
    /// Starts a thread for each target; a broker that is away is waited for. Must be called from within a tokio
    /// runtime.
    ///
    /// # Errors
    /// When a setting is wrong.
    pub fn start(
        bus: &bus::Config,
        config: &PushConfig,
        shutdown: &CancellationToken,
    ) -> Result<Self, Error> {
        let mut targets: Vec<Box<dyn Target>> = Vec::new();
        for target in &config.remote_write {
            targets.push(Box::new(RemoteWrite::new(target)?));
        }
        for target in &config.pushgateway {
            targets.push(Box::new(Pushgateway::new(target)?));
        }
        let names = targets.iter().map(|t| t.name().to_owned()).collect();
        let start = |target| deliver::start(bus, target, shutdown.clone());
        let threads = targets.into_iter().map(start).collect();
        Ok(PushJob { threads: Mutex::new(threads), targets: names })
    }

    /// The addresses of the targets.
    pub fn targets(&self) -> &[String] {
        &self.targets
    }

    /// Waits for the threads, which end at the token they were given. Blocks.
    pub fn join(&self) {
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a push thread has panicked");
            }
        }
    }
}
