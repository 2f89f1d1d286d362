//! What anyone may ask of a broker: the same of the embedded one and, where TAILRACE_TEST_KAFKA names one, of Apache
//! Kafka. One file for each subject; where the two differ, the embedded one is wrong.

mod bus;
mod crash;
mod groups;
mod idempotence;
mod members;
mod offsets;
mod records;
mod retention;
mod static_members;
mod target;
mod topics;
mod transactions;
