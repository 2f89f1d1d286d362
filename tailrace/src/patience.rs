//! Waiting with a word.

use std::{future::Future, pin::pin, time::Duration};

use tokio::time::timeout;

/// Waits for `future`; when that takes longer than `prompt`, `say` tells of it.
pub async fn wait<T>(future: impl Future<Output = T>, prompt: Duration, say: impl FnOnce()) -> T {
    let mut future = pin!(future);
    if let Ok(done) = timeout(prompt, &mut future).await {
        return done;
    }
    say();
    future.await
}
