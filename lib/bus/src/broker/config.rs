//! Settings of the embedded broker.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// When an appended batch is pushed from the page cache to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FlushPolicy {
    /// When the operating system sees fit, as a single Kafka broker does: survives a killed process, not a power cut.
    #[default]
    Os,
    /// Before the producer gets its acknowledgement: survives a power cut, at the price of one disk flush per append.
    EveryAppend,
}

/// Settings of the embedded broker.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `host:port` that clients are told to connect to; the bound address when not set.
    pub advertise: Option<String>,
    /// Where topics and offsets are kept.
    pub data_dir: PathBuf,
    /// Partitions of topics that are created by being used.
    pub partitions: i32,
    /// Age at which records go, in whole segments; `None` keeps all. A topic's `retention.ms` goes first.
    pub retention: Option<Duration>,
    /// Size of a partition in bytes beyond which its oldest segments go; `None` keeps all. A topic's `retention.bytes`
    /// goes first.
    pub retention_bytes: Option<u64>,
    /// When data is pushed to the disk.
    pub flush: FlushPolicy,
    /// Whether asking for a topic creates it.
    pub auto_create_topics: bool,
    /// Size in bytes at which a segment is closed and the next one begun. A topic's `segment.bytes` goes first.
    pub segment_bytes: u64,
    /// How often logs are looked through for what is too old, or to be compacted.
    pub check_interval: Duration,
    /// What is forgotten when nobody uses it.
    pub expiry: Expiry,
    /// Bounds on what clients can make the broker hold.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9092)),
            advertise: None,
            data_dir: PathBuf::from("kafka"),
            partitions: 1,
            retention: None,
            retention_bytes: None,
            flush: FlushPolicy::Os,
            auto_create_topics: true,
            segment_bytes: 128 << 20,
            check_interval: Duration::from_secs(30),
            expiry: Expiry::default(),
            limits: Limits::default(),
        }
    }
}

/// What is forgotten when nobody uses it, and after which time. The defaults are Kafka's.
#[derive(Debug, Clone)]
pub struct Expiry {
    /// Committed offsets of a group without members.
    pub offsets: Duration,
    /// Transactional producers without a transaction.
    pub transactional_ids: Duration,
    /// Sequence numbers of a producer in a partition; up to twice this time, and not the last to write there.
    pub producers: Duration,
    /// How often this is looked for, for the first time this long after the start: who was kept waiting by a broker
    /// that was away comes back first.
    pub check_interval: Duration,
}

impl Default for Expiry {
    fn default() -> Expiry {
        let day = Duration::from_secs(24 * 60 * 60);
        Expiry {
            offsets: 7 * day,
            transactional_ids: 7 * day,
            producers: day,
            check_interval: Duration::from_secs(60 * 60),
        }
    }
}

/// Bounds on what clients can make the broker hold.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections; further ones are closed at once.
    pub connections: usize,
    /// Bytes of one request.
    pub frame_bytes: usize,
    /// Bytes of one record batch; a topic's `max.message.bytes` goes first.
    pub batch_bytes: usize,
    /// Bytes of record data in one answer.
    pub fetch_bytes: usize,
    /// Bytes of requests and answers held for all connections together.
    pub in_flight_bytes: usize,
    /// How long one request may take to arrive, or one answer to be taken.
    pub transfer: Duration,
    /// Partitions of all topics together. Each keeps a file open, as each connection does: the defaults stay below the
    /// 1024 that most systems allow.
    pub partitions: usize,
    /// Consumer groups, members and transactional producers, of each.
    pub coordinated: usize,
    /// Bytes of what members of consumer groups say of themselves, and again of committed offsets and transactions.
    pub coordinated_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 500,
            frame_bytes: 32 << 20,
            batch_bytes: 16 << 20,
            fetch_bytes: 32 << 20,
            in_flight_bytes: 256 << 20,
            transfer: Duration::from_secs(30),
            partitions: 400,
            coordinated: 10_000,
            coordinated_bytes: 64 << 20,
        }
    }
}
