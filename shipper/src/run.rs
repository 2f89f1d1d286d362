//! Starts the configured sources, keeps the checkpoint, stops everything.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use tokio::{runtime::Handle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Config, Error, Publisher,
    checkpoint::Checkpoint,
    identity,
    source::{Store, file::FileSource, host::HostSource, journald::JournaldSource, syslog::SyslogSource},
    spool::Spool,
    telemetry,
};

const SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// For sources to put away what they hold.
const STOP_SOURCES: Duration = Duration::from_secs(1);
/// For the broker to acknowledge what is on its way.
const STOP_BROKER: Duration = Duration::from_secs(2);

/// The running shipper. Dropping it stops the sources at once; [`Shipper::stop`] also waits for the broker.
pub struct Shipper {
    publisher: Publisher,
    checkpoint: Arc<Checkpoint>,
    store: Store,
    tasks: TaskTracker,
    /// Ends the sources.
    shutdown: CancellationToken,
    /// Ends what moves the sources' events on.
    sending: CancellationToken,
    syslog_addr: Option<SocketAddr>,
    /// Open ones.
    files: Arc<AtomicU64>,
    description: Vec<String>,
}

/// How it goes, for status lines and `/api/status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Log entries acknowledged since the start.
    pub entries: u64,
    /// Bytes acknowledged since the start.
    pub bytes: u64,
    /// Samples acknowledged since the start.
    pub samples: u64,
    /// Open files.
    pub files: u64,
    /// Bytes that were taken up and are not acknowledged yet, in memory and on disk.
    pub waiting: u64,
}

impl Shipper {
    /// Starts every source of `config`. A broker that is away is waited for, in the background.
    ///
    /// # Errors
    /// When a setting is wrong, the checkpoint cannot be used, or the syslog port is taken.
    pub async fn start(
        config: &Config,
        bus: &bus::Config,
        data_dir: &Path,
        shutdown: CancellationToken,
    ) -> Result<Self, Error> {
        Self::start_with(config, Publisher::to_kafka(bus, config.codec)?, data_dir, shutdown).await
    }

    /// As [`Shipper::start`], with a publisher of the caller's.
    ///
    /// # Errors
    /// As [`Shipper::start`].
    pub async fn start_with(
        config: &Config,
        publisher: Publisher,
        data_dir: &Path,
        shutdown: CancellationToken,
    ) -> Result<Self, Error> {
        telemetry::register();
        let folder = data_dir.join("shipper");
        let checkpoint = Arc::new(Checkpoint::open(&folder)?);
        let spool_at = folder.join("spool");
        let from = checkpoint.loaded().spool.unwrap_or_default();
        let spool = Spool::open(&spool_at, config.spool_limit.0, from)
            .map_err(|source| Error::Data { path: spool_at, source })?;
        checkpoint.set_spool(spool.mark());
        let store = Store { spool: Arc::new(spool), publisher: publisher.clone() };
        let mut shipper = Shipper {
            publisher,
            checkpoint,
            store,
            tasks: TaskTracker::new(),
            shutdown: shutdown.child_token(),
            sending: CancellationToken::new(),
            syslog_addr: None,
            files: Arc::default(),
            description: Vec::new(),
        };
        shipper.start_sources(config).await?;
        shipper.start_sending();
        Ok(shipper)
    }

    async fn start_sources(&mut self, config: &Config) -> Result<(), Error> {
        let procfs = config.host.clone().unwrap_or_default().procfs;
        let host = identity::host_name(config.host_name.as_deref(), &procfs);
        self.start_syslog(config, &host).await?;
        self.start_files(config, &host)?;
        if let Some(journald) = &config.journald {
            let source = JournaldSource::new(journald.clone(), host.clone(), &self.checkpoint);
            if source.is_available().await {
                self.description.push("journal (job journal)".into());
                let (publisher, shutdown) = (self.publisher.clone(), self.shutdown.clone());
                self.tasks.spawn(source.run(publisher, shutdown));
            }
        }
        if let Some(settings) = &config.host {
            self.description.push(format!("metrics of {host} every {} (job node)", settings.interval));
            let source = HostSource::new(settings.clone(), host, &self.checkpoint);
            self.tasks.spawn(source.run(self.store.clone(), self.checkpoint.clone(), self.shutdown.clone()));
        }
        Ok(())
    }

    async fn start_syslog(&mut self, config: &Config, host: &str) -> Result<(), Error> {
        let (Some(settings), Some(address)) = (&config.syslog, config.syslog_listen()) else { return Ok(()) };
        let limit = config.line_limit.0 as usize;
        let source = SyslogSource::bind(address, settings, host, limit, &self.checkpoint).await?;
        self.syslog_addr = Some(source.address());
        self.description.push(format!("syslog on {} (UDP and TCP)", source.address()));
        self.tasks.spawn(source.run(self.store.clone(), self.checkpoint.clone(), self.shutdown.clone()));
        Ok(())
    }

    fn start_files(&mut self, config: &Config, host: &str) -> Result<(), Error> {
        let Some(files) = &config.files else { return Ok(()) };
        let limit = config.line_limit.0 as usize;
        let (publisher, checkpoint) = (self.publisher.clone(), self.checkpoint.clone());
        let source = FileSource::open(files, host, limit, publisher, checkpoint)?;
        self.description.extend(source.describe());
        self.files = source.count();
        let (runtime, shutdown) = (Handle::current(), self.shutdown.clone());
        self.tasks.spawn_blocking(move || source.run(&runtime, &shutdown));
        Ok(())
    }

    /// What moves events on stops later than the sources.
    fn start_sending(&self) {
        let (store, publisher, sending) = (self.store.clone(), self.publisher.clone(), self.sending.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = store.spool.send(&publisher) => {}
                () = sending.cancelled() => {}
            }
        });
        let (checkpoint, sending) = (self.checkpoint.clone(), self.sending.clone());
        tokio::spawn(async move {
            while timeout(SAVE_INTERVAL, sending.cancelled()).await.is_err() {
                checkpoint.save_or_report();
            }
        });
    }

    /// For sources that are driven from elsewhere, as the push endpoint.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Where syslog is listened for.
    pub fn syslog_addr(&self) -> Option<SocketAddr> {
        self.syslog_addr
    }

    /// One line for each thing that is tailed, listened to or sampled.
    pub fn describe(&self) -> Vec<String> {
        self.description.clone()
    }

    /// How it goes.
    pub fn status(&self) -> Status {
        let sent = self.publisher.sent();
        Status {
            entries: sent.entries,
            bytes: sent.bytes,
            samples: sent.samples,
            files: self.files.load(Ordering::Relaxed),
            waiting: sent.waiting.max(self.store.spool.waiting()),
        }
    }

    /// Ends the sources, waits a moment for the broker, and saves the checkpoint. What the broker has not
    /// acknowledged by then is sent again after the next start.
    pub async fn stop(&self) {
        self.shutdown.cancel();
        self.tasks.close();
        if timeout(STOP_SOURCES, self.tasks.wait()).await.is_err() {
            tracing::debug!("a source did not end in time");
        }
        let settled = async {
            self.store.spool.drained().await;
            self.publisher.settled().await;
        };
        if timeout(STOP_BROKER, settled).await.is_err() {
            tracing::info!(
                "the broker has not acknowledged everything; the rest is sent after the next start"
            );
        }
        self.sending.cancel();
        self.checkpoint.save_or_report();
    }
}

impl Drop for Shipper {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.sending.cancel();
    }
}
