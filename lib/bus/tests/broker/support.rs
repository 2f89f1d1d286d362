//! What the broker's tests share: a broker in a temporary directory.

use bus::broker::{Broker, Config};
use std::net::SocketAddr;
use std::path::Path;

/// Settings for a test: a free port.
pub fn config(dir: &Path) -> Config {
    Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), data_dir: dir.to_owned(), ..Config::default() }
}

/// A broker on a free port.
pub async fn start(dir: &Path) -> Broker {
    Broker::start(config(dir)).await.expect("broker starts")
}
