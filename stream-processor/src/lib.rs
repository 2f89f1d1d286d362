//! Runs jobs between topics. The rules job: samples in, series of windows and recording rules and alert
//! transitions out.
//!
//! The walk: [`rules`] (files to a checked program) → [`engine`] (deterministic, no I/O) → [`rules_job`] (its
//! topics and its state) → [`session`] (one connection: transactions, ticks) → [`driver`] (its thread). [`push`] hands samples on to systems that do not
//! read Kafka.

mod config;
pub mod driver;
pub mod engine;
mod in_force;
pub mod job;
mod mark;
pub mod push;
pub mod replay;
pub mod rules;
pub mod rules_job;
pub mod session;
mod shards;
mod sharing;
mod standby;
mod telemetry;
mod ticks;
mod transitions;
pub mod unit_test;

pub use config::Config;
pub use driver::{Running, StartError, Status, run_rules};
pub use in_force::{InForce, Reloaded};
pub use push::{PushConfig, PushJob};
