//! The shipper: reads what happens on a host and brings it to Kafka, each entry once.
//!
//! [`source`]s read; what can be read again (files, the journal) goes straight to the [`publisher`], everything
//! else through the disk queue ([`spool`]). The [`checkpoint`] follows the contiguous acknowledged [`mark`] of
//! each source, never more: after a crash everything behind it is sent again, and readers drop by identity and
//! position what they have already.

pub mod checkpoint;
pub mod config;
mod error;
pub mod identity;
pub mod mark;
pub mod outlet;
pub mod publisher;
mod run;
pub mod source;
pub mod spool;
pub mod telemetry;
pub mod timestamp;

pub use config::Config;
pub use error::Error;
pub use publisher::Publisher;
pub use run::{Shipper, Status};
pub use source::push::push_router;
