//! Waiting on threads that are not the runtime's.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// Waits, but not beyond the shutdown.
pub fn pause(runtime: &Handle, shutdown: &CancellationToken, time: Duration) {
    // The timer has to be made within the runtime.
    runtime.block_on(async {
        let _ = tokio::time::timeout(time, shutdown.cancelled()).await;
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    /// What a thread that no runtime has made gets from a pause.
    fn on_a_plain_thread(shutdown: &CancellationToken, time: Duration) -> std::thread::Result<()> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let handle = runtime.handle();
        std::thread::scope(|scope| scope.spawn(move || pause(handle, shutdown, time)).join())
    }

    #[test]
    fn it_ends_with_its_time_and_with_the_shutdown() {
        let shutdown = CancellationToken::new();
        assert!(on_a_plain_thread(&shutdown, Duration::from_millis(1)).is_ok());
        shutdown.cancel();
        assert!(on_a_plain_thread(&shutdown, HOUR).is_ok());
    }
}
