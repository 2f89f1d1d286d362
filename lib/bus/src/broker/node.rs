//! What all connections share.

use super::Error;
use super::config::{Config, FlushPolicy};
use super::data_dir::DataDir;
use super::group::Groups;
use super::state::Store;
use super::topics::Topics;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::BrokerId;
use parking_lot::Mutex;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, atomic::AtomicBool};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// The only broker of this cluster.
pub const NODE_ID: BrokerId = BrokerId(1);
/// There is one leader for ever, so its epoch never changes.
pub const LEADER_EPOCH: i32 = 0;

/// What a client may hold for as long as it likes.
const LITTLE: usize = 64 << 10;
/// How long a client that holds more may take for a step while memory is short.
const MOMENT: Duration = Duration::from_secs(1);

/// What all connections share.
#[derive(Debug)]
pub struct Node {
    /// Settings.
    pub config: Arc<Config>,
    /// Host and port that clients are told.
    pub advertised: (String, u16),
    /// The directory, which stays locked as long as this lives.
    pub dir: DataDir,
    /// Topics.
    pub topics: Topics,
    /// Members of consumer groups.
    pub groups: Groups,
    /// Offsets and transactions. Whoever holds this may lock partitions, never the other way round.
    pub store: Mutex<Store>,
    /// Bytes that requests and answers may still take.
    pub in_flight: Semaphore,
    /// Whether the disk has not taken the last records.
    pub disk_refuses: Arc<AtomicBool>,
    /// Cancelled when the broker stops.
    pub stopping: CancellationToken,
}

impl Node {
    /// Opens the data directory; `bound` is where the broker listens.
    pub fn open(config: Config, dir: DataDir, bound: SocketAddr) -> Result<Node, Error> {
        let config = Arc::new(config);
        let flush = config.flush == FlushPolicy::EveryAppend;
        let node = Node {
            advertised: advertised(config.advertise.as_deref(), bound)?,
            topics: Topics::open(dir.topics(), config.clone())?,
            groups: Groups::new(config.limits.coordinated, config.limits.coordinated_bytes),
            store: Mutex::new(Store::open(&dir.coordinator(), flush, config.limits.coordinated_bytes)?),
            in_flight: Semaphore::new(config.limits.in_flight_bytes),
            disk_refuses: Arc::default(),
            stopping: CancellationToken::new(),
            config,
            dir,
        };
        node.finish_transactions(now_ms());
        Ok(node)
    }

    /// A share of the memory for requests and answers, waiting for it as long as a transfer may take: clients that hold
    /// a share and want another cannot wait for each other for ever.
    pub async fn share(&self, bytes: usize) -> io::Result<SemaphorePermit<'_>> {
        let limits = &self.config.limits;
        let bytes = u32::try_from(bytes.min(limits.in_flight_bytes)).unwrap_or(u32::MAX);
        let share = timeout(limits.transfer, self.in_flight.acquire_many(bytes)).await;
        share.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?.map_err(io::Error::other)
    }

    /// Waits for a step of a client that holds `held` bytes. While memory is short, one who holds much has a moment for it
    /// only: others wait for those bytes.
    pub async fn patience<T>(&self, held: usize, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        tokio::select! {
            done = step => done,
            () = self.shortage(), if held > LITTLE => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    async fn shortage(&self) {
        let short = || self.in_flight.available_permits() < self.config.limits.in_flight_bytes / 4;
        loop {
            sleep(MOMENT).await;
            if short() {
                return;
            }
        }
    }

    /// Lets time pass for groups and transactions.
    pub fn tick(&self) {
        self.groups.tick(Instant::now());
        self.expire_transactions(now_ms());
        self.finish_transactions(now_ms());
    }

    /// Pushes everything to the disk.
    pub fn flush(&self) {
        self.topics.flush();
        if let Err(error) = self.store.lock().flush() {
            tracing::error!(%error, "cannot flush the coordinator's journal");
        }
    }
}

fn advertised(setting: Option<&str>, bound: SocketAddr) -> Result<(String, u16), Error> {
    let Some(text) = setting else { return Ok((bound.ip().to_string(), bound.port())) };
    let parsed = text.rsplit_once(':').and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
    parsed.filter(|(host, _)| !host.is_empty()).ok_or_else(|| Error::BadAdvertise(text.to_owned()))
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Kafka's number for how something went; 0 is well.
pub fn code<T>(result: &Result<T, ResponseError>) -> i16 {
    result.as_ref().err().map_or(0, ResponseError::code)
}
