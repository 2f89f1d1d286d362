//! The embedded broker as clients see it: rdkafka where a real client is wanted, bare frames where none would do it.

mod crash;
mod frames;
mod groups;
mod hostile;
mod records;
mod settings;
mod support;
mod transactions;
mod wire;
