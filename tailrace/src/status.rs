//! What runs and how it is doing: the start message, the status line, `/api/status`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use log_index::{IndexJob, Shards};
use serde::Serialize;
use shipper::Shipper;
use stream_processor::{PushJob, Running};
use tokio_util::sync::CancellationToken;

use crate::{addresses::Addresses, stderr::errln};

const LINE_EVERY: Duration = Duration::from_secs(1);

/// Where the services of this process tell how they are doing.
#[derive(Clone, Default)]
pub struct StatusSource {
    pub addresses: Addresses,
    pub shipper: Option<Arc<Shipper>>,
    pub rules: Option<Arc<Running>>,
    pub push: Option<Arc<PushJob>>,
    pub index: Option<(Shards, IndexJob)>,
    /// Of the embedded broker.
    pub disk_refuses: Arc<AtomicBool>,
}

/// `/api/status`
#[derive(Serialize)]
pub struct Status {
    version: &'static str,
    addresses: Addresses,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipper: Option<shipper::Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    processor: Option<stream_processor::Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<log_index::Status>,
    /// Records on the bus that the index has still to take in.
    #[serde(skip_serializing_if = "Option::is_none")]
    index_lag: Option<i64>,
}

impl StatusSource {
    /// What does not work, in words; nothing while all is well.
    pub fn failures(&self) -> Vec<String> {
        let read_only = self.index.as_ref().and_then(|(index, _)| index.status().read_only);
        let read_only = read_only.map(|reason| format!("the index is read-only: {reason}"));
        let refuses = self.disk_refuses.load(Ordering::Relaxed);
        let refuses = refuses.then(|| "the broker cannot write: is the disk full?".to_owned());
        read_only.into_iter().chain(refuses).collect()
    }

    /// As of now.
    pub fn read(&self) -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION"),
            addresses: self.addresses.clone(),
            shipper: self.shipper.as_ref().map(|s| s.status()),
            processor: self.rules.as_ref().map(|r| r.status()),
            index: self.index.as_ref().map(|(index, _)| index.status()),
            index_lag: self.index.as_ref().map(|(_, job)| job.lag()),
        }
    }
}

/// What runs and where, and what to try: on standard error.
pub fn print_start(source: &StatusSource) {
    let addresses = &source.addresses;
    errln!("tailrace {}", env!("CARGO_PKG_VERSION"));
    for line in source.shipper.iter().flat_map(|s| s.describe()) {
        errln!("  source  {line}");
    }
    for target in source.push.iter().flat_map(|p| p.targets()) {
        errln!("  push    {target}");
    }
    if let Some(kafka) = &addresses.kafka {
        errln!("  kafka   {kafka}");
    }
    if let Some(syslog) = addresses.syslog {
        errln!("  syslog  {syslog} (UDP and TCP)");
    }
    if let Some(http) = addresses.http {
        errln!("  http    http://{http} (Loki, Prometheus, /ready, /metrics, /api/status)");
    }
    if let (Some(_), Some(http)) = (&source.index, addresses.http) {
        print_examples(&http.to_string());
    }
}

fn print_examples(http: &str) {
    let addr = if http == "127.0.0.1:3100" { String::new() } else { format!(" --addr http://{http}") };
    errln!("try");
    errln!("  tailrace logs '{{job=~\".+\"}} |= \"error\"' --since 1h{addr}");
    errln!("  tailrace query 'rate(node_cpu_seconds_total[1m])'{addr}");
    errln!("  tailrace alerts --follow{addr}");
}

/// Keeps one line current on a terminal until the shutdown; without a terminal only waits.
pub async fn keep_line(source: &StatusSource, shutdown: &CancellationToken) {
    let line =
        ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{msg}").expect("a template"));
    let mut last = 0;
    while tokio::time::timeout(LINE_EVERY, shutdown.cancelled()).await.is_err() {
        if !line.is_hidden() {
            let status = source.read();
            let entries = status.index.as_ref().map_or(0, |i| i.entries);
            line.set_message(status.line(entries.saturating_sub(last)));
            last = entries;
        }
    }
    line.finish_and_clear();
}

impl Status {
    /// The parts that run, in the order in which data walks them.
    fn line(&self, entries_per_sec: u64) -> String {
        let mut parts = Vec::new();
        if let Some(s) = &self.shipper {
            parts.push(format!("shipped {} lines, {} samples", s.entries, s.samples));
        }
        if let Some(p) = &self.processor {
            parts.push(format!("{} rules, {} firing, {} pending", p.rules, p.firing, p.pending));
        }
        if let Some(i) = &self.index {
            let lag = self.index_lag.unwrap_or_default();
            parts.push(format!(
                "{} lines stored ({entries_per_sec}/s), {} streams, lag {lag}",
                i.entries, i.streams
            ));
            parts.extend((i.expired > 0).then(|| format!("{} older than the retention", i.expired)));
            parts.extend(i.read_only.as_ref().map(|reason| format!("READ-ONLY: {reason}")));
        }
        parts.join(" · ")
    }
}
