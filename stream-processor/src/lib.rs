//! Runs jobs between topics. The rules job: samples in, series of windows and recording rules and alert
//! transitions out.
//!
//! [`push`] hands samples on to systems that do not read Kafka.
//!
//! The walk: [`rules`] (files to a checked program) → [`engine`] (deterministic, no I/O).

pub mod engine;
pub mod push;
pub mod rules;

pub use push::{PushConfig, PushJob};
