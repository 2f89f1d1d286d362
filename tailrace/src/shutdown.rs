//! From Ctrl-C and SIGTERM to a token that every service watches.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled at the first SIGINT or SIGTERM; the second one ends the process at once.
///
/// # Errors
/// When signals cannot be watched.
pub fn on_signals() -> std::io::Result<CancellationToken> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        for second in [false, true] {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            if second {
                std::process::exit(130);
            }
            cancel.cancel();
        }
    });
    Ok(token)
}
