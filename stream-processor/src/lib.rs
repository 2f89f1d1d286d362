//! Runs jobs between topics. The rules job: samples in, series of windows and recording rules and alert
//! transitions out.
//!
//! The walk: [`rules`] (files to a checked program) → [`engine`] (deterministic, no I/O).

pub mod engine;
pub mod rules;
