//! Ports that are still free when whoever is to have one is started, and started again.

use std::{
    net::TcpListener,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// Below the kernel's ephemeral range: nobody is given one of these who asks for any port.
const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;
/// Between the places at which processes that run at the same time begin to look.
const STRIDE: u32 = 97;

/// A port on loopback that nobody has, and that nobody gets from here any more.
pub fn free() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let first = process::id() % COUNT * STRIDE;
    let ports = std::iter::repeat_with(|| FIRST + (first + TAKEN.fetch_add(1, Ordering::Relaxed)) % COUNT);
    ports
        .take(COUNT as usize)
        .map(|port| port as u16)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}
