//! The sources against a broker in memory and the embedded one: lost 0, doubled 0.

mod files;
mod full_disk;
mod host;
mod journald;
mod kafka;
mod publisher;
mod push;
mod push_metrics;
mod support;
mod syslog;
