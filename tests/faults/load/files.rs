//! Lines in a file that is rotated now and then, as logrotate does with `dateext`.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use fastrand::Rng;
use parking_lot::Mutex;

use super::{Ledger, PAUSE, line};
use crate::basics::{append, now_ns};

/// One in so many writes is followed by a rotation.
const ROTATION: u32 = 80;
/// Lines in one write at most.
const BURST: u32 = 8;

/// Writes one file and those that it becomes.
pub struct Files {
    name: String,
    path: PathBuf,
    part: u32,
    is_written: bool,
    /// Lines begin with a time, by which they stay in order when the file is rotated. Others have the time at which they
    /// are read, and their order within each file.
    is_timed: bool,
    last_ns: i64,
    ledger: Arc<Mutex<Ledger>>,
}

impl Files {
    pub fn new(folder: &Path, name: &str, is_timed: bool, ledger: Arc<Mutex<Ledger>>) -> Files {
        Files {
            name: name.to_owned(),
            path: folder.join(format!("{name}.log")),
            part: 0,
            is_written: false,
            is_timed,
            last_ns: 0,
            ledger,
        }
    }

    pub async fn run(mut self, round: Arc<AtomicU64>, mut rng: Rng) {
        loop {
            self.write(&round, rng.u32(1..=BURST));
            if self.is_written && rng.u32(..ROTATION) == 0 {
                self.rotate();
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The ledger stays locked, so that a round is whole when the next one is seen.
    fn write(&mut self, round: &AtomicU64, count: u32) {
        let ledger = self.ledger.clone();
        let mut ledger = ledger.lock();
        let round = round.load(Ordering::SeqCst);
        let part = format!("{:04}", self.part);
        let numbers = (0..count).map_while(|_| ledger.take(round, &part));
        let lines: String = numbers
            .map(|number| format!("{}{}\n", self.time(), line(&self.name, round, &part, number)))
            .collect();
        append(&self.path, lines.as_bytes());
        self.is_written |= !lines.is_empty();
    }

    /// No two lines have the same.
    fn time(&mut self) -> String {
        self.last_ns = now_ns().max(self.last_ns + 1);
        let time = jiff::Timestamp::from_nanosecond(self.last_ns.into()).expect("a time of today");
        if self.is_timed { format!("{time:.9} ") } else { String::new() }
    }

    fn rotate(&mut self) {
        let rotated = self.path.with_extension(format!("log-{:04}", self.part));
        std::fs::rename(&self.path, rotated).unwrap();
        (self.part, self.is_written) = (self.part + 1, false);
    }
}
