//! Lines by Loki's push API. A request without an answer is sent again, as clients do: what it brings has no identity,
//! so it is there at least once and at most as often as it was sent, at its time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{Ledger, PAUSE, line};
use crate::{
    basics::{client, now_ns},
    verdict::Fate,
};

/// The writer's name.
pub const NAME: &str = "push";
const BURST: u32 = 8;
/// Longer than the shipper waits for the broker.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Posts to one address.
pub struct Client {
    url: String,
    client: reqwest::Client,
}

impl Client {
    pub fn new(url: String) -> Client {
        Client { url, client: client() }
    }

    /// Posts a stream with these lines at their times; whether it was taken.
    pub async fn push(&self, job: &str, values: &[(i64, String)]) -> bool {
        let values: Vec<Value> = values.iter().map(|(ns, line)| json!([ns.to_string(), line])).collect();
        let body = json!({"streams": [{"stream": {"job": job}, "values": values}]});
        is_taken(self.client.post(format!("{}/loki/api/v1/push", self.url)).json(&body)).await
    }

    /// Posts samples by remote write.
    pub async fn write(&self, body: Vec<u8>) -> bool {
        let request = self.client.post(format!("{}/api/v1/write", self.url)).body(body);
        let headers = [("content-type", "application/x-protobuf"), ("content-encoding", "snappy")];
        is_taken(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }
}

/// Sends a request once.
pub async fn is_taken(request: reqwest::RequestBuilder) -> bool {
    let answer = request.timeout(TIMEOUT).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

/// Pushes one stream.
pub struct Push {
    client: Client,
    ledger: Arc<Mutex<Ledger>>,
    last_ns: i64,
}

impl Push {
    pub fn new(url: String, ledger: Arc<Mutex<Ledger>>) -> Push {
        Push { client: Client::new(url), ledger, last_ns: 0 }
    }

    pub async fn run(mut self, round: Arc<AtomicU64>, mut rng: Rng) {
        for request in 0_u64.. {
            let part = format!("{request:06}");
            let lines = self.lines(&round, &part, rng.u32(1..=BURST));
            while !lines.is_empty() && !self.client.push(NAME, &lines).await {
                self.ledger.lock().send_again(&part);
                tokio::time::sleep(PAUSE).await;
            }
            self.ledger.lock().set_fate(&part, Fate::Taken);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Each has a time of its own, so that copies stand beside each other.
    fn lines(&mut self, round: &AtomicU64, part: &str, count: u32) -> Vec<(i64, String)> {
        let mut ledger = self.ledger.lock();
        let round = round.load(Ordering::SeqCst);
        let numbers: Vec<u64> = (0..count).map_while(|_| ledger.take(round, part)).collect();
        ledger.set_fate(part, Fate::Open);
        let lines = numbers.into_iter().map(|number| {
            self.last_ns = now_ns().max(self.last_ns + 1);
            (self.last_ns, line(NAME, round, part, number))
        });
        lines.collect()
    }
}
