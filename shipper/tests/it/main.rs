//! The sources against a broker in memory: lost 0, doubled 0.

mod files;
mod publisher;
mod push;
mod support;
mod syslog;
