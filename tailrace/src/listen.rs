//! Opens listening sockets; a taken port is an error that says what to do.

use std::{io, net::SocketAddr};

use anyhow::{Context, Result, anyhow};
use tokio::net::TcpListener;

/// Binds `address` (`host:port`). `setting` names where it comes from, `flag` how to change it.
///
/// # Errors
/// When it is no address, taken, or not allowed.
pub async fn bind(address: &str, setting: &str, flag: &str) -> Result<TcpListener> {
    let parsed: SocketAddr = address
        .parse()
        .with_context(|| format!("{setting}: {address:?} is no address like 127.0.0.1:3100"))?;
    TcpListener::bind(parsed).await.map_err(|error| explain(&error, address, setting, flag))
}

/// What to say about an address that cannot be had.
pub fn explain(error: &io::Error, address: &str, setting: &str, flag: &str) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::AddrInUse => anyhow!(
            "{setting}: {address} is taken by another program (is tailrace running already?); \
             stop that one, or choose another port with {flag}, for example {flag} 127.0.0.1:0 for a free one"
        ),
        io::ErrorKind::PermissionDenied => {
            anyhow!("{setting}: {address} is not allowed to this user; choose a port above 1023 with {flag}")
        }
        _ => anyhow!("{setting}: cannot listen on {address}: {error}; choose another address with {flag}"),
    }
}
