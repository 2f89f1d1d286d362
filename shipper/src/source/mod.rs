//! Where entries and samples come from: one file or folder each.

pub mod file;
pub mod host;
pub mod journald;
pub mod push;
pub mod syslog;

use std::sync::Arc;

use event::Event;

use crate::{publisher::Publisher, spool::Spool, telemetry};

/// Where sources put what they cannot read again.
#[derive(Clone)]
pub struct Store {
    /// The disk queue, from which everything is sent.
    pub spool: Arc<Spool>,
    /// The way past it while the disk takes nothing.
    pub publisher: Publisher,
}

impl Store {
    /// Stores an event. When the disk does not take it, it is sent at once, behind what is in the queue, and waited for:
    /// what comes later may find room on the disk, and would outlive it in a crash.
    pub async fn put(&self, event: Event) {
        let Err(error) = self.spool.append(&event) else { return };
        telemetry::SPOOL_ERRORS.inc();
        tracing::warn!(%error, "cannot write to the disk queue, sending past it");
        self.spool.drained().await;
        // No receipt comes only when everything ends.
        let _ = self.publisher.publish_with_receipt(event).await.await;
    }
}
