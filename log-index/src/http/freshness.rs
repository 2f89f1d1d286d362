//! Read your writes: a query waits until the index has read what its topics held when the query came.

use std::time::Duration;

use bus::Offsets;
use futures::future::BoxFuture;
use tokio::time::Instant;

use super::Service;
use crate::IndexJob;

/// Knows where the index's topics end.
pub trait Ends: Send + Sync + 'static {
    /// For each partition the offset behind its last acknowledged record; or, after `timeout`, why that is not
    /// known.
    fn ends(&self, timeout: Duration) -> BoxFuture<'_, Result<Offsets, String>>;
}

impl Ends for IndexJob {
    fn ends(&self, timeout: Duration) -> BoxFuture<'_, Result<Offsets, String>> {
        Box::pin(async move { IndexJob::ends(self, timeout).await.map_err(|e| e.to_string()) })
    }
}

impl Service {
    /// Waits until the index has read all that was acknowledged before the call.
    ///
    /// # Errors
    /// One sentence for the reader of the answer when that takes longer than `at_most`.
    pub(super) async fn catch_up(&self, at_most: Duration) -> Result<(), String> {
        let Some(ends) = self.ends() else { return Ok(()) };
        let deadline = Instant::now() + at_most;
        let target = ends.ends(at_most).await.map_err(|reason| {
            format!("the answer may miss the newest data: the ends of the topics are not known ({reason})")
        })?;
        let left = deadline.saturating_duration_since(Instant::now());
        if self.index().wait_for(&target, left).await {
            return Ok(());
        }
        match self.index().read_offsets().lag(&target) {
            0 => Ok(()),
            1 => Err("the answer may miss the newest data: 1 record is not indexed yet".to_owned()),
            lag => Err(format!("the answer may miss the newest data: {lag} records are not indexed yet")),
        }
    }
}
