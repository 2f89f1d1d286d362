//! Runs the rules job on a thread of its own, session after session; a broker that is away is waited for, and another
//! processor that has taken over is let alone.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde::Serialize;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::{
    Config,
    engine::{Engine, GroupStatus, Options},
    in_force::{InForce, Reloaded},
    rules::LoadError,
    session::{Environment, Session},
    sharing, standby, telemetry,
};

/// How long one look at the bus waits for a record: the time that stopping may take.
const POLL: Duration = Duration::from_millis(200);
/// Records between two evaluations at most.
const POLL_RECORDS: usize = 1_000;
/// Pause before a broker that is away is asked again.
const RECONNECT: Duration = Duration::from_secs(1);
/// The longest that [`Running::stop`] waits.
const STOP: Duration = Duration::from_secs(3);

/// Why the processor does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Rule files.
    #[error(transparent)]
    Rules(#[from] LoadError),
    /// The thread.
    #[error("rules job: {0}")]
    Thread(#[from] std::io::Error),
}

/// For the status line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Rules and windows that are evaluated.
    pub rules: usize,
    /// Alerts that wait for their `for`.
    pub pending: usize,
    /// Alerts that fire.
    pub firing: usize,
    /// How far event time has come, in milliseconds since 1970.
    pub watermark_ms: Option<i64>,
    /// Records that have not been read, as of the last look.
    pub lag: i64,
    /// Whether the bus is being read.
    pub connected: bool,
    /// Whether another processor does the job, and this one waits to take over.
    pub standby: bool,
}

impl Status {
    /// Another processor has all the shards.
    const WITHOUT_SHARD: Status = Status {
        rules: 0,
        pending: 0,
        firing: 0,
        watermark_ms: None,
        lag: 0,
        connected: false,
        standby: true,
    };

    /// Of two shards.
    fn with(self, other: Status) -> Status {
        Status {
            rules: self.rules + other.rules,
            pending: self.pending + other.pending,
            firing: self.firing + other.firing,
            watermark_ms: self.watermark_ms.min(other.watermark_ms),
            lag: self.lag.max(other.lag),
            connected: self.connected && other.connected,
            standby: self.standby && other.standby,
        }
    }
}

/// The rules job, at work.
pub struct Running {
    shown: Shown,
    rules: Arc<InForce>,
    shutdown: CancellationToken,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Running {
    /// Where the job stands.
    pub fn status(&self) -> Status {
        let shown = self.shown.lock();
        shown.values().map(|shard| shard.status.clone()).reduce(Status::with).unwrap_or(Status::WITHOUT_SHARD)
    }

    /// The rule groups with their rules and alerts, as of the last step.
    pub fn groups(&self) -> Vec<GroupStatus> {
        self.shown.lock().values().flat_map(|shard| shard.groups.clone()).collect()
    }

    /// Reads the rule files again; alerts of rules that stay go on.
    ///
    /// # Errors
    /// When a file is missing or wrong; the rules stay as they were then.
    pub fn reload(&self) -> Result<Reloaded, LoadError> {
        self.rules.reload()
    }

    /// Stops and waits for the thread, a few seconds at most. Outputs that were not committed are made again
    /// at the next start.
    pub async fn stop(&self) {
        self.shutdown.cancel();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let join = tokio::task::spawn_blocking(move || {
            if thread.is_some_and(|thread| thread.join().is_err()) {
                tracing::error!("the thread of the rules job has panicked");
            }
        });
        if tokio::time::timeout(STOP, join).await.is_err() {
            tracing::warn!("the rules job still waits for kafka; it goes on from its last commit next time");
        }
    }
}

/// Starts the rules job; it ends when `shutdown` is cancelled. A broker that is away is waited for. Call it
/// within a tokio runtime.
///
/// # Errors
/// When rule files are wrong, or the thread cannot be started.
pub fn run_rules(
    bus: &bus::Config,
    config: &Config,
    shutdown: CancellationToken,
) -> Result<Running, StartError> {
    let rules = Arc::new(InForce::load(config)?);
    let shown = Shown::default();
    let environment = Environment {
        bus: bus.clone(),
        config: config.clone(),
        rules: rules.clone(),
        shard: 0,
        runtime: Handle::current(),
        shutdown: shutdown.clone(),
    };
    let thread = if config.shards.get() == 1 {
        Driver::start(environment, shown.clone())?
    } else {
        sharing::start(environment, shown.clone())?
    };
    Ok(Running { shown, rules, shutdown, thread: Mutex::new(Some(thread)) })
}

/// What is shown of a shard.
#[derive(Default)]
pub struct Shard {
    status: Status,
    groups: Vec<GroupStatus>,
}

/// Of the shards that this process has.
pub type Shown = Arc<parking_lot::Mutex<BTreeMap<usize, Shard>>>;

/// Does the job of one shard.
pub struct Driver {
    environment: Environment,
    shown: Shown,
}

impl Driver {
    /// On a thread of its own, which ends at the shutdown.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(environment: Environment, shown: Shown) -> io::Result<JoinHandle<()>> {
        let program = environment.rules.program(environment.shard);
        let driver = Driver { environment, shown };
        driver.shown.lock().insert(driver.environment.shard, Shard::default());
        driver.show_rules(&Engine::new(program, Options::default()));
        thread::Builder::new().name("rules".into()).spawn(move || driver.run())
    }

    fn run(&self) {
        let mut replaced = 0;
        while !self.environment.shutdown.is_cancelled() {
            let Err(error) = self.session() else { continue };
            self.with_status(|status| status.connected = false);
            if matches!(error, bus::Error::Fenced { .. }) {
                replaced += 1;
                self.stand_by(replaced);
            } else {
                tracing::warn!(%error, "rules cannot read the bus, will try again");
                self.environment.pause(RECONNECT);
            }
        }
    }

    /// From connecting to the first error. Each session begins from what is committed.
    fn session(&self) -> Result<(), bus::Error> {
        let Environment { bus, rules, runtime, shutdown, .. } = &self.environment;
        if let Err(error) = runtime.block_on(bus::admin::create_topics(bus)) {
            tracing::debug!(%error, "topics were not created");
        }
        let Some(mut session) = Session::open(&self.environment)? else { return Ok(()) };
        self.with_status(|status| status.connected = true);
        self.show_rules(session.job().engine());
        let mut shown = None;
        while !shutdown.is_cancelled() && !session.is_outdated() {
            session.read(POLL, POLL_RECORDS)?;
            if !session.write()? {
                return Ok(());
            }
            self.show(&mut session);
            let step = session.job().engine().last_step();
            if std::mem::replace(&mut shown, step) != step {
                self.show_rules(session.job().engine());
            }
            rules.reload_if_due();
        }
        Ok(())
    }

    /// Another processor does the job. Each time it waits longer before it takes over: where both need long to
    /// bring their state back, they must not take the job from each other for ever.
    fn stand_by(&self, replaced: u32) {
        let patience = self.environment.config.take_over_after.0 * replaced;
        tracing::info!(?patience, "another processor has taken over the rules; waits as its standby");
        self.with_status(|status| status.standby = true);
        standby::wait(&self.environment, patience);
        self.with_status(|status| status.standby = false);
    }

    fn with_status(&self, change: impl FnOnce(&mut Status)) {
        self.with_shard(|shard| change(&mut shard.status));
    }

    /// Unless the shard has gone to another process.
    fn with_shard(&self, change: impl FnOnce(&mut Shard)) {
        if !self.environment.shutdown.is_cancelled() {
            self.shown.lock().get_mut(&self.environment.shard).map(change);
        }
    }

    fn show_rules(&self, engine: &Engine) {
        let program = engine.evaluator().program();
        let count = program.rules().count() + program.windows.len();
        self.with_status(|status| status.rules = count);
        self.with_shard(|shard| shard.groups = engine.evaluator().status());
    }

    fn show(&self, session: &mut Session) {
        session.show();
        let engine = session.job().engine();
        let ((pending, firing), watermark_ms) = (engine.alerts(), engine.watermark());
        self.with_status(|status| {
            (status.pending, status.firing, status.watermark_ms) = (pending, firing, watermark_ms);
            status.lag = telemetry::LAG.get();
        });
    }
}
