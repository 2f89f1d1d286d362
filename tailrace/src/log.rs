//! What the program says of itself on standard error.

use std::{io::IsTerminal, sync::OnceLock};

use tracing_subscriber::{EnvFilter, Registry, layer::SubscriberExt, reload, util::SubscriberInitExt};

static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Warnings by default; `-v` shows more, `RUST_LOG` decides in detail.
pub fn init(verbose: u8) {
    let level = ["warn", "info", "debug", "trace"][usize::from(verbose.min(3))];
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let (filter, handle) = reload::Layer::new(filter);
    let ansi = std::io::stderr().is_terminal();
    let lines =
        tracing_subscriber::fmt::layer().with_target(false).with_ansi(ansi).with_writer(std::io::stderr);
    tracing_subscriber::registry().with(filter).with(lines).init();
    let _ = FILTER.set(handle);
}

/// From now on the Kafka client is silent: it would complain of the end of our own broker.
pub fn mute_kafka_client() {
    if let Some(filter) = FILTER.get() {
        let _ = filter.reload(EnvFilter::new("warn,librdkafka=off,rdkafka=off"));
    }
}
