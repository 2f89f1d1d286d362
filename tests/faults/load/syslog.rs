//! Lines over syslog's TCP, which knows no acknowledgement: when a connection breaks, the end of what was sent on it
//! may be missing, and nothing else.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use parking_lot::Mutex;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{Ledger, PAUSE, line};
use crate::verdict::Fate;

/// The writer's name.
pub const NAME: &str = "syslog";
const BURST: u32 = 4;
/// Makes the queue on disk begin new files.
const PADDING: usize = 400;
const RECONNECT: Duration = Duration::from_millis(50);

/// Writes to one address, over and over.
pub struct Syslog {
    address: String,
    ledger: Arc<Mutex<Ledger>>,
}

impl Syslog {
    pub fn new(address: String, ledger: Arc<Mutex<Ledger>>) -> Syslog {
        Syslog { address, ledger }
    }

    pub async fn run(self, round: Arc<AtomicU64>, mut rng: Rng) {
        for connection in 0_u64.. {
            let part = format!("{connection:04}");
            if let Ok(mut stream) = TcpStream::connect(&self.address).await {
                while self.write(&mut stream, &round, &part, rng.u32(1..=BURST)).await.is_ok() {
                    tokio::time::sleep(PAUSE).await;
                }
                self.ledger.lock().set_fate(&part, Fate::Unknown);
            }
            tokio::time::sleep(RECONNECT).await;
        }
    }

    async fn write(
        &self,
        stream: &mut TcpStream,
        round: &AtomicU64,
        part: &str,
        count: u32,
    ) -> std::io::Result<()> {
        let messages = self.messages(round, part, count);
        stream.write_all(messages.as_bytes()).await
    }

    fn messages(&self, round: &AtomicU64, part: &str, count: u32) -> String {
        let mut ledger = self.ledger.lock();
        let round = round.load(Ordering::SeqCst);
        let padding = "x".repeat(PADDING);
        let numbers = (0..count).map_while(|_| ledger.take(round, part));
        numbers
            .map(|n| format!("<13>1 - faults load - - - {} {padding}\n", line(NAME, round, part, n)))
            .collect()
    }
}
