//! The embedded broker as clients see it: rdkafka where a real client is wanted, bare frames where none would do it.

mod groups;
mod records;
mod support;
mod transactions;
