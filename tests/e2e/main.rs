//! End-to-end cases: the real binary, on the embedded broker or, where TAILRACE_TEST_KAFKA names one, on Kafka.

mod answers;
mod bad_input;
mod basics;
mod command_line;
mod flow;
mod group;
mod harness;
mod metrics;
mod past;
#[cfg(feature = "peers")]
mod push;
mod restart;
mod rules;
mod tenants;
