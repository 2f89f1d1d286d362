//! Metrics of this host under node_exporter's names, labels and types: dashboards and rules made for it work.

mod cpu;
mod disk;
mod filesystem;
mod memory;
mod metrics;
mod network;
mod paths;
mod system;

use std::{sync::Arc, time::Duration};

use event::{Event, Labels, SampleBatch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

pub use self::{metrics::Metrics, paths::Paths};
use crate::{checkpoint::Checkpoint, config::HostConfig, source::Store, timestamp};

/// How often types and help texts are sent again.
const FAMILIES_INTERVAL_MS: i64 = 300_000;
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// Samples the host.
pub struct HostSource {
    interval: Duration,
    paths: Paths,
    labels: Labels,
    source: String,
    next_position: u64,
    families_sent_ms: Option<i64>,
}

impl HostSource {
    /// Under the labels `host` and `instance`.
    pub fn new(config: HostConfig, host: String, checkpoint: &Checkpoint) -> Self {
        let source = format!("{host}/node");
        let now_us = u64::try_from(timestamp::now_ns() / 1000).unwrap_or_default();
        HostSource {
            interval: config.interval.0.max(SHORTEST_INTERVAL),
            paths: Paths { root: config.root, procfs: config.procfs },
            labels: Labels::from([("host", host.as_str()), ("instance", &host), ("job", "node")]),
            next_position: checkpoint.first_position(&source, now_us),
            source,
            families_sent_ms: None,
        }
    }

    /// Samples until `shutdown`.
    pub async fn run(mut self, store: Store, checkpoint: Arc<Checkpoint>, shutdown: CancellationToken) {
        let mut interval = tokio::time::interval(self.interval);
        interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = interval.tick() => {}
            }
            let (paths, labels) = (self.paths.clone(), self.labels.clone());
            let now_ms = timestamp::now_ns() / 1_000_000;
            // A network file system that is away blocks its caller.
            let collected = tokio::task::spawn_blocking(move || collect(&paths, labels, now_ms));
            let metrics = tokio::select! {
                () = shutdown.cancelled() => return,
                metrics = collected => metrics,
            };
            let Ok(metrics) = metrics else { continue };
            store.put(self.batch(metrics, now_ms)).await;
            checkpoint.set_counter(&self.source, self.next_position - 1);
        }
    }

    fn batch(&mut self, metrics: Metrics, now_ms: i64) -> Event {
        let is_due = self.families_sent_ms.is_none_or(|sent| now_ms - sent >= FAMILIES_INTERVAL_MS);
        if is_due {
            self.families_sent_ms = Some(now_ms);
        }
        let families = if is_due { metrics.families } else { Vec::new() };
        let position = self.next_position;
        self.next_position += 1;
        Event::Samples(SampleBatch {
            source: self.source.clone(),
            position,
            series: metrics.series,
            families,
            ..SampleBatch::default()
        })
    }
}

/// Everything at once, as of `now_ms`.
pub fn collect(paths: &Paths, labels: Labels, now_ms: i64) -> Metrics {
    let mut metrics = Metrics::new(labels, now_ms);
    cpu::collect(paths, &mut metrics);
    memory::collect(paths, &mut metrics);
    filesystem::collect(paths, &mut metrics);
    disk::collect(paths, &mut metrics);
    network::collect(paths, &mut metrics);
    system::collect(paths, &mut metrics, now_ms);
    metrics
}
