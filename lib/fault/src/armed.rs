//! Ends the process at the point that the environment names.

use std::{
    env,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use rustix::process::{Signal, getpid, kill_process};

use crate::{POINTS, VARIABLE};

struct Fault {
    point: String,
    /// Passes until it strikes.
    left: AtomicU64,
}

static FAULT: LazyLock<Option<Fault>> = LazyLock::new(|| env::var(VARIABLE).ok().map(|text| parse(&text)));

fn parse(text: &str) -> Fault {
    let (point, nth) = text.split_once(':').unwrap_or((text, "1"));
    assert!(POINTS.contains(&point), "{VARIABLE}: there is no fault point {point:?}");
    let nth = nth.parse().unwrap_or_else(|error| panic!("{VARIABLE}: {text:?}: {error}"));
    Fault { point: point.to_owned(), left: AtomicU64::new(nth) }
}

pub fn pass(name: &str) {
    let Some(fault) = FAULT.as_ref().filter(|fault| fault.point == name) else { return };
    if fault.left.fetch_sub(1, Ordering::Relaxed) == 1 {
        kill_process(getpid(), Signal::KILL).expect("a process may end itself");
    }
}
