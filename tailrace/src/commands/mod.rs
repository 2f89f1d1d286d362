//! One module for each command.

pub mod alerts;
pub mod config;
pub mod import;
pub mod index;
pub mod logs;
pub mod query;
pub mod rules;
pub mod serve;
pub mod up;

mod client;
pub mod print;
mod span;
