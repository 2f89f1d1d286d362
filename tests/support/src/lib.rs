//! What the tests of several crates share: Kafka clients with short words, brokers in processes of their own that can
//! be killed, and a proxy that cuts connections. For tests only: whatever goes wrong here panics.

pub mod client;
pub mod node;
pub mod proxy;
