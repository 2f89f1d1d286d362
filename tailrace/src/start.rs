//! Starts the services of a process, in the order in which data walks them, and stops them the other way round.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::Router;
use bus::broker::{self, Broker};
use log_index::{
    Group, IndexJob, Shards,
    http::{Limits, Service},
};
use shipper::Shipper;
use stream_processor::{PushJob, Running};
use tokio_util::sync::CancellationToken;

use crate::{
    addresses::Addresses,
    args::AddressFormat,
    http::{self, Server},
    listen, patience, rules_api,
    settings::Settings,
    shutdown,
    status::{self, StatusSource},
    stdout::outln,
};

/// How long to wait for the index to connect, and then to read, before the process is ready without it.
const INDEX_TIMEOUT: Duration = Duration::from_secs(10);
/// The embedded broker looks through its topics no more often.
const SHORTEST_CHECK: Duration = Duration::from_millis(100);

/// A broker that answers later than this is waited for, and that is said.
const PROMPT: Duration = Duration::from_secs(1);

/// Makes the topics; a broker that does not answer is asked again.
async fn wait_for_topics(bus: bus::Config) -> Result<(), bus::Error> {
    let say = || tracing::warn!("waiting for kafka at {}", bus.brokers);
    patience::wait(make_topics(&bus), PROMPT, say).await
}

async fn make_topics(bus: &bus::Config) -> Result<(), bus::Error> {
    loop {
        match bus::admin::create_topics(bus).await {
            Err(error @ bus::Error::Unreachable { .. }) => tracing::warn!(%error, "still waiting for kafka"),
            done => return done,
        }
    }
}

/// What a process may take to end before it is ended.
const STOP_TIMEOUT: Duration = Duration::from_millis(4500);

/// The services of this process.
pub struct Node {
    settings: Settings,
    shutdown: CancellationToken,
    server: Server,
    addresses: Addresses,
    router: Router,
    status: StatusSource,
    broker: Option<Broker>,
    index: Option<(Shards, IndexJob)>,
    group: Option<Group>,
    rules: Option<Arc<Running>>,
    push: Option<Arc<PushJob>>,
    shipper: Option<Arc<Shipper>>,
}

impl Node {
    /// Opens the HTTP port first: a taken port is found before anything else has started, and who asks meanwhile is
    /// told what it waits for.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn new(settings: Settings) -> Result<Self> {
        let listener = listen::bind(&settings.http.listen, "http.listen", "--http").await?;
        let addresses = Addresses { http: Some(listener.local_addr()?), ..Addresses::default() };
        std::fs::create_dir_all(&settings.data_dir)
            .with_context(|| format!("data_dir {}", settings.data_dir.display()))?;
        let shutdown = shutdown::on_signals()?;
        let server = Server::start(listener, shutdown.clone());
        Ok(Node {
            settings,
            shutdown,
            server,
            addresses,
            router: Router::new(),
            status: StatusSource::default(),
            broker: None,
            index: None,
            group: None,
            rules: None,
            push: None,
            shipper: None,
        })
    }

    /// Starts the embedded broker and makes it the bus of this process.
    ///
    /// # Errors
    /// When its port is taken or its files cannot be used.
    pub async fn start_broker(&mut self) -> Result<()> {
        let wanted = &self.settings.broker;
        let flush = if wanted.fsync { broker::FlushPolicy::EveryAppend } else { broker::FlushPolicy::Os };
        let listen = wanted.listen.parse().with_context(|| format!("broker.listen: {:?}", wanted.listen))?;
        let config = broker::Config {
            listen,
            advertise: wanted.advertise.clone(),
            data_dir: self.settings.data_dir.join("broker"),
            partitions: self.settings.bus.partitions,
            retention: Some(wanted.retention.0),
            retention_bytes: wanted.retention_bytes.map(|bytes| bytes.0),
            flush,
            check_interval: wanted.check_interval.0.max(SHORTEST_CHECK),
            ..broker::Config::default()
        };
        let broker = Broker::start(config).await.context("broker.listen (--kafka)")?;
        self.settings.bus.brokers = broker.addr().to_string();
        self.addresses.kafka = Some(broker.addr().to_string());
        self.status.disk_refuses = broker.disk_refuses();
        self.broker = Some(broker);
        Ok(())
    }

    /// Waits until Kafka is there and has our topics; false when the process is to end before.
    ///
    /// # Errors
    /// When Kafka refuses a topic.
    pub async fn connect(&mut self) -> Result<bool> {
        self.addresses.kafka.get_or_insert_with(|| self.settings.bus.brokers.clone());
        self.server.tell(format!("waiting for kafka at {}", self.settings.bus.brokers));
        let waiting = wait_for_topics(self.settings.bus.clone());
        let connected = self.shutdown.run_until_cancelled(waiting).await;
        Ok(connected.transpose()?.is_some())
    }

    /// The same in the background, for a service that works without Kafka for a while.
    pub fn connect_later(&mut self) {
        self.addresses.kafka.get_or_insert_with(|| self.settings.bus.brokers.clone());
        let (bus, shutdown) = (self.settings.bus.clone(), self.shutdown.clone());
        tokio::spawn(async move {
            if let Some(Err(error)) = shutdown.run_until_cancelled(wait_for_topics(bus)).await {
                tracing::error!(%error, "topics are missing");
            }
        });
    }

    /// Starts the index job and adds the query APIs.
    ///
    /// # Errors
    /// When the index cannot be opened.
    pub async fn start_index(&mut self) -> Result<()> {
        self.server.tell("the index is starting".to_owned());
        let settings = &self.settings;
        let (index, group) =
            log_index::open(&settings.data_dir, &settings.index, &settings.bus, &self.shutdown).await?;
        self.group = group;
        let job = IndexJob::start(index.clone(), &self.settings.bus, self.shutdown.clone())?;
        let max_bytes = usize::try_from(settings.http.query_memory.0).unwrap_or(usize::MAX);
        let limits = Limits { max_bytes, ..Limits::default() };
        let service = Service::new(index.clone(), Some(Arc::new(job.clone())), limits)
            .with_tenants(self.settings.http.tenants)
            .with_features(self.settings.promql.enable_feature);
        self.router = std::mem::take(&mut self.router).merge(log_index::http::router(service));
        self.status.index = Some((index.clone(), job.clone()));
        self.index = Some((index, job));
        Ok(())
    }

    /// Starts windows and rules.
    ///
    /// # Errors
    /// When a rule file is wrong or Kafka does not answer.
    pub fn start_rules(&mut self) -> Result<()> {
        let (bus, config) = (&self.settings.bus, &self.settings.processor);
        config.warning().iter().for_each(|warning| tracing::warn!("{warning}"));
        let job = Arc::new(stream_processor::run_rules(bus, config, self.shutdown.clone())?);
        shutdown::on_hangup(job.clone())?;
        self.status.rules = Some(job.clone());
        self.rules = Some(job);
        Ok(())
    }

    /// Starts remote write and Pushgateway, where there are targets.
    ///
    /// # Errors
    /// When a target's settings are wrong.
    pub fn start_push(&mut self) -> Result<()> {
        let push = &self.settings.processor.push;
        let job = Arc::new(PushJob::start(&self.settings.bus, push, &self.shutdown)?);
        self.status.push = Some(job.clone());
        self.push = Some(job);
        Ok(())
    }

    /// Starts the sources and adds the push API.
    ///
    /// # Errors
    /// When a port is taken or the checkpoint cannot be read.
    pub async fn start_shipper(&mut self) -> Result<()> {
        let config = self.settings.shipper.get_or_insert_with(shipper::Config::local_defaults);
        let (bus, data_dir) = (&self.settings.bus, &self.settings.data_dir);
        let shipper = Shipper::start(config, bus, data_dir, self.shutdown.clone()).await?;
        self.addresses.syslog = shipper.syslog_addr();
        // An index elsewhere may keep entries for another time.
        let max_age = self.index.as_ref().and(self.settings.index.retention.age).map(|age| age.0);
        let push = shipper::push_router(shipper.publisher(), config, self.settings.http.tenants, max_age);
        self.router = std::mem::take(&mut self.router).merge(push);
        let shipper = Arc::new(shipper);
        self.status.shipper = Some(shipper.clone());
        self.shipper = Some(shipper);
        Ok(())
    }

    /// Opens the HTTP API for requests: from now on the process is ready, its index too if it has one.
    pub async fn serve(&mut self) {
        self.wait_for_index().await;
        self.status.addresses = self.addresses.clone();
        let router = std::mem::take(&mut self.router)
            .merge(rules_api::router(self.rules.clone(), &self.settings))
            .merge(http::router(Arc::new(self.status.clone())));
        self.server.open(router);
    }

    /// Until it has read again what only was in memory: live tails would take that for new.
    async fn wait_for_index(&self) {
        let Some((index, job)) = &self.index else { return };
        match job.ends(INDEX_TIMEOUT).await {
            Ok(ends) if index.wait_for(&ends, INDEX_TIMEOUT).await => {}
            Ok(_) => tracing::warn!("the index has not read everything yet"),
            Err(error) => tracing::warn!(%error, "the index is not connected yet"),
        }
    }

    /// Says what runs and where: for people on standard error, for programs on standard output.
    pub fn announce(&self, format: Option<AddressFormat>) {
        status::print_start(&self.status);
        if format == Some(AddressFormat::Json) {
            outln!("{}", self.addresses.to_json());
        }
    }

    /// Keeps the status line until the shutdown, then stops everything.
    ///
    /// # Errors
    /// When something does not end in time.
    pub async fn run(self) -> Result<()> {
        status::keep_line(&self.status, &self.shutdown).await;
        let stopped = tokio::time::timeout(STOP_TIMEOUT, self.stop()).await;
        stopped.context("not everything ended in time; nothing is lost, the next start reads on")
    }

    /// Sources first, so that what they have sent still goes its way; the broker last.
    async fn stop(self) {
        if let Some(shipper) = &self.shipper {
            shipper.stop().await;
        }
        if let Some(rules) = &self.rules {
            rules.stop().await;
        }
        if let Some(push) = self.push {
            let _ = tokio::task::spawn_blocking(move || push.join()).await;
        }
        self.server.stop().await;
        if let Some((_, job)) = self.index {
            job.stop().await;
        }
        if let Some(group) = self.group {
            group.stop().await;
        }
        if let Some(broker) = self.broker {
            crate::log::mute_kafka_client();
            broker.stop().await;
        }
    }
}
