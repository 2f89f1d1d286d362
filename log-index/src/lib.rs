//! The store of logs and samples, and the services that ask it.
//!
//! Records come from the bus ([`job`]) into memory, and leave it as immutable segments. The catalog knows which
//! streams are in which segment, and how far the bus has been read: one atomic commit says both. Kafka is the
//! write-ahead log: what was not committed is read again.

mod catalog;
mod config;
mod error;
pub mod http;
mod index;
pub mod job;
mod snapshot;
mod storage;

pub use catalog::CatalogError;
pub use config::{Config, Retention};
pub use error::{AppendError, OpenError, QueryError, SealError};
pub use index::{Index, Status};
pub use job::IndexJob;
pub use snapshot::{Kind, Snapshot, Stats};
pub use storage::StorageError;
