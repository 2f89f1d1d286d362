//! The file source: tails files, follows their rotation, and never reads faster than Kafka takes.

mod lines;
mod scan;
mod tail;
mod tails;

use std::{
    io,
    sync::{Arc, atomic::AtomicU64, mpsc},
    time::{Duration, Instant},
};

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use self::{scan::Selection, tail::Found, tails::Tails};
use crate::{
    Error,
    checkpoint::Checkpoint,
    config::FileConfig,
    identity::FileKey,
    publisher::Publisher,
    timestamp::{self, Clock},
};

/// How often the patterns are looked through.
const RESCAN: Duration = Duration::from_millis(500);
/// Between two looks at the open files: short after something came, longer when all is silent.
const SHORTEST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// Reads files on a thread of its own.
pub struct FileSource {
    tails: Tails,
    publisher: Publisher,
    checkpoint: Arc<Checkpoint>,
    line_limit: usize,
    clock: Clock,
}

impl FileSource {
    /// Opens the files that are there.
    ///
    /// # Errors
    /// When a path is no valid pattern.
    pub fn open(
        configs: &[FileConfig],
        host: &str,
        line_limit: usize,
        publisher: Publisher,
        checkpoint: Arc<Checkpoint>,
    ) -> Result<Self, Error> {
        let selections: Result<Vec<_>, _> = configs.iter().map(|c| Selection::new(c, host)).collect();
        let mut tails = Tails::new(host, selections?, checkpoint.clone());
        tails.rescan();
        let clock = Clock::system();
        Ok(FileSource { tails, publisher, checkpoint, line_limit: line_limit.max(1), clock })
    }

    /// One line for each file.
    pub fn describe(&self) -> Vec<String> {
        let line = |tail: &tail::Tail| {
            format!("file {} (job {})", tail.path.display(), tail.labels.get("job").unwrap_or_default())
        };
        let mut lines: Vec<String> = self.tails.open.values().map(line).collect();
        lines.sort();
        lines
    }

    /// How many files are open, kept current.
    pub fn count(&self) -> Arc<AtomicU64> {
        self.tails.count.clone()
    }

    /// Reads until `shutdown`. Blocks its thread.
    pub fn run(mut self, runtime: &Handle, shutdown: &CancellationToken) {
        let stop = closed_on(shutdown.clone(), runtime);
        let mut scanned = Instant::now();
        let mut wait = SHORTEST_WAIT;
        // A source is known to the checkpoint before its first record is sent.
        self.checkpoint.save_or_report();
        while !shutdown.is_cancelled() {
            if scanned.elapsed() >= RESCAN {
                self.rescan();
                scanned = Instant::now();
            }
            if self.read_round(runtime, shutdown) {
                wait = SHORTEST_WAIT;
                continue;
            }
            let _ = stop.recv_timeout(wait);
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    fn rescan(&mut self) {
        let before: Vec<FileKey> = self.tails.open.keys().copied().collect();
        self.tails.rescan();
        if !self.tails.open.keys().eq(&before) {
            self.checkpoint.save_or_report();
        }
    }

    /// Takes a chunk of each file. False: there was nothing to read, or no room for it.
    fn read_round(&mut self, runtime: &Handle, shutdown: &CancellationToken) -> bool {
        self.clock.now_ns = timestamp::now_ns();
        let keys: Vec<FileKey> = self.tails.open.keys().copied().collect();
        let mut has_read = false;
        for key in keys {
            if !self.publisher.has_room() {
                return false;
            }
            has_read |= self.read_file(key, runtime, shutdown);
        }
        has_read
    }

    fn read_file(&mut self, key: FileKey, runtime: &Handle, shutdown: &CancellationToken) -> bool {
        let Some(tail) = self.tails.open.get_mut(&key) else { return false };
        match tail.poll(self.line_limit, &mut self.clock) {
            Ok(Found::Nothing) => false,
            Ok(Found::StartedOver) => {
                self.tails.start_over(key);
                self.checkpoint.save_or_report();
                false
            }
            Ok(Found::Entries(batch)) => {
                let (mark, end) = (tail.mark.clone(), tail.offset);
                let event = event::Event::Logs(batch);
                runtime.block_on(async {
                    tokio::select! {
                        () = self.publisher.publish_marked(event, &mark, end) => {}
                        () = shutdown.cancelled() => {}
                    }
                });
                true
            }
            Err(error) => self.fail(key, &error),
        }
    }

    fn fail(&mut self, key: FileKey, error: &io::Error) -> bool {
        let path = self.tails.open.get(&key).map(|tail| tail.path.clone());
        self.tails.complain(&path.unwrap_or_default(), error);
        false
    }
}

/// A channel that closes at `shutdown`: waiting on it costs a thread far less than waiting on the runtime's timer.
fn closed_on(shutdown: CancellationToken, runtime: &Handle) -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    runtime.spawn(async move {
        shutdown.cancelled().await;
        drop(sender);
    });
    receiver
}
