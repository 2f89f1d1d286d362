//! The store of logs and samples, and the services that ask it.
//!
//! Records come from the bus ([`job`]) into memory (`head`), and leave it as immutable segments (`seal`,
//! `segment`, `storage`). The `catalog` knows which streams are in which segment, and how far the bus has been
//! read: one atomic commit says both. Kafka is the write-ahead log: what was not committed is read again.
//! A query sees memory and segments through one [`Snapshot`].

mod adopt;
mod catalog;
mod codec;
mod columns;
mod commit;
mod config;
mod delete;
mod error;
mod group;
mod head;
pub mod http;
mod index;
mod integers;
pub mod job;
mod ledger;
mod lines;
mod marks;
mod merge;
mod offline;
mod others;
mod parts;
mod recover;
mod retention;
mod scan;
mod scope;
mod seal;
mod segment;
mod select;
mod service_name;
mod shards;
mod snapshot;
mod state;
mod status;
mod storage;
mod telemetry;
mod volume;

pub use catalog::CatalogError;
pub use columns::Kind;
pub use config::{Config, DetectedLevel, S3};
pub use delete::{DeleteError, DeleteRequest};
pub use error::{AppendError, OpenError, QueryError, SealError};
pub use group::Group;
pub use index::Index;
pub use job::IndexJob;
pub use merge::{MergeError, Stop};
pub use offline::{
    CheckReport, ColumnSize, InspectReport, Problem, Progress, SegmentReport, StreamReport, check, inspect,
};
pub use retention::Retention;
pub use scope::Scope;
#[cfg(fuzzing)]
pub use segment::fuzzing;
pub use shards::{Shards, open};
pub use snapshot::{BlockStats, Snapshot, Stats};
pub use status::Status;
pub use storage::StorageError;
