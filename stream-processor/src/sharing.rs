//! Several processors share the shards: the members of a consumer group. Each shard that this one has is driven on a
//! thread of its own. One that it has lost without knowing is fenced by its transactional id.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use bus::{Member, Membership, Parts};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    driver::{Driver, Shown},
    session::Environment,
};

/// How long one look at the group takes: the time that stopping may take.
const POLL: Duration = Duration::from_millis(100);
/// Pause before a broker that is away is asked again.
const RECONNECT: Duration = Duration::from_secs(1);

/// Joins the group, on a thread that ends at the shutdown.
///
/// # Errors
/// When there can be no thread.
pub fn start(environment: Environment, shown: Shown) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("rules-member".into()).spawn(move || take_part(&environment, shown))
}

fn take_part(environment: &Environment, shown: Shown) {
    let shutdown = &environment.shutdown;
    let drivers = Drivers { environment: environment.clone(), shown, running: Arc::default() };
    while !shutdown.is_cancelled() {
        match join(environment, drivers.clone()) {
            Ok(member) => {
                while !shutdown.is_cancelled() {
                    member.poll(POLL);
                    // Also while there is no shard here, so that the next one begins with the rules of the others.
                    environment.rules.reload_if_due();
                }
                // Before it leaves: what is in the midst of a commit ends, and the next owner need not wait for it.
                drivers.end();
            }
            Err(error) => {
                tracing::warn!(%error, "cannot share the rules with other processors, will try again");
                environment.pause(RECONNECT);
            }
        }
    }
}

fn join(environment: &Environment, drivers: Drivers) -> Result<Member<Drivers>, bus::Error> {
    let Environment { bus, config, runtime, .. } = environment;
    let count = config.shards.get();
    // Other numbers of shards are other groups, with topics of their own.
    let topic = format!("{}-shards-{count}", config.group);
    let partitions = i32::try_from(count).unwrap_or(i32::MAX);
    runtime.block_on(bus::admin::create_topic(bus, &topic, partitions, &[("cleanup.policy", "compact")]))?;
    let session_timeout = config.take_over_after.0;
    Member::join(&Membership { config: bus, group: &topic, topic: &topic, session_timeout }, drivers)
}

/// Those of the shards that this process has.
#[derive(Clone)]
struct Drivers {
    environment: Environment,
    shown: Shown,
    running: Arc<Mutex<BTreeMap<i32, Running>>>,
}

struct Running {
    shutdown: CancellationToken,
    thread: JoinHandle<()>,
}

impl Parts for Drivers {
    fn gained(&self, shards: &BTreeSet<i32>) {
        for shard in shards {
            match self.start(*shard) {
                Ok(running) => drop(self.running.lock().insert(*shard, running)),
                Err(error) => tracing::error!(shard, %error, "a shard of the rules cannot be driven"),
            }
        }
        tracing::info!(?shards, "evaluates these shards of the rules");
    }

    fn lost(&self, shards: &BTreeSet<i32>) {
        tracing::info!(?shards, "leaves these shards of the rules to others");
        for shard in shards {
            if let Some(running) = self.running.lock().remove(shard) {
                // The thread may wait for Kafka: whoever gets the shard fences it.
                running.shutdown.cancel();
            }
            self.shown.lock().remove(&(*shard as usize));
        }
    }
}

impl Drivers {
    fn start(&self, shard: i32) -> io::Result<Running> {
        let shutdown = self.environment.shutdown.child_token();
        let count = self.environment.config.shards.get();
        let shard = usize::try_from(shard).ok().filter(|shard| *shard < count);
        let more = || io::Error::other(format!("there are only {count}: the topic has too many partitions"));
        let shard = shard.ok_or_else(more)?;
        let environment = Environment { shard, shutdown: shutdown.clone(), ..self.environment.clone() };
        Ok(Running { shutdown, thread: Driver::start(environment, self.shown.clone())? })
    }

    /// Waits for all of them, after the shutdown.
    fn end(&self) {
        for (shard, running) in std::mem::take(&mut *self.running.lock()) {
            if running.thread.join().is_err() {
                tracing::error!(shard, "the thread of a shard of the rules has panicked");
            }
        }
    }
}
