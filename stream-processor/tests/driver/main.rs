//! The rules job between its topics: on the embedded broker and, where TAILRACE_TEST_KAFKA names one, on Apache Kafka.

mod bench;
mod exactly_once;
mod running;
mod shards;
mod standby;
