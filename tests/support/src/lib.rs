//! What the tests of several crates share: Kafka clients with short words, brokers in processes of their own that can
//! be killed, a proxy that cuts connections, an S3 server, and free ports. For tests only: whatever goes wrong here panics.

pub mod bucket;
pub mod client;
pub mod node;
pub mod port;
pub mod proxy;
