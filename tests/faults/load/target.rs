//! A target of remote write. It says yes to everything and looks at the numbers: each is there, after the one before.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use event::proto::remote_write::{TimeSeries, WriteRequest};
use parking_lot::Mutex;
use prost::Message;
use tokio::net::TcpListener;

/// What it has got.
pub struct Target {
    /// Where it listens.
    pub url: String,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// The next number of each lane.
    next: BTreeMap<String, u64>,
    wrong: Option<String>,
}

impl Target {
    /// Listens as long as the test runs.
    pub async fn start() -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api/v1/write", listener.local_addr().unwrap());
        let seen = Arc::<Mutex<Seen>>::default();
        let router = Router::new().route("/api/v1/write", post(take)).with_state(seen.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        Target { url, seen }
    }

    /// Whether every number of a lane up to below `to` has come, each after the one before.
    pub fn judge(&self, lane: usize, to: u64) -> Result<bool, String> {
        let seen = self.seen.lock();
        match &seen.wrong {
            Some(wrong) => Err(wrong.clone()),
            None => Ok(seen.next.get(&lane.to_string()).copied().unwrap_or_default() >= to),
        }
    }
}

async fn take(State(seen): State<Arc<Mutex<Seen>>>, body: Bytes) -> StatusCode {
    let plain = snap::raw::Decoder::new().decompress_vec(&body).expect("snappy");
    let request = WriteRequest::decode(plain.as_slice()).expect("a write request");
    request.timeseries.iter().for_each(|series| seen.lock().note(series));
    StatusCode::NO_CONTENT
}

impl Seen {
    /// What comes again after a crash is known; what leaves numbers out is wrong.
    fn note(&mut self, series: &TimeSeries) {
        let lane = series.labels.iter().find(|label| label.name == "lane").expect("a lane").value.clone();
        let next = self.next.entry(lane.clone()).or_default();
        for number in series.samples.iter().map(|sample| sample.value as u64) {
            if number > *next {
                self.wrong.get_or_insert(format!("lane {lane}: {number} came where {next} belongs"));
            }
            *next = (*next).max(number + 1);
        }
    }
}
