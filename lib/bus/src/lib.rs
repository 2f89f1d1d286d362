//! The way to Kafka: topics, producer, consumer. Client and brokers meet only in the Kafka protocol, so the
//! same code runs on Apache Kafka and on the embedded broker. What is in a record is not known here.

pub mod admin;
pub mod broker;
mod config;
mod consumer;
pub mod dead_letter;
mod error;
mod members;
mod offsets;
mod pause;
mod producer;
mod transaction;

pub use config::{Config, Topics};
pub use consumer::{Consumer, ConsumerBuilder, Record, Start};
pub use error::Error;
pub use members::{Member, Membership, Parts};
pub use offsets::{Offsets, Partition};
pub use pause::pause;
pub use producer::{Delivery, Outgoing, Producer};
pub use transaction::{Committed, Input, TransactionalProducer};
