//! Signals: from Ctrl-C and SIGTERM to a token that every service watches, from SIGHUP to the rule files.

use std::sync::Arc;

use stream_processor::Running;
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

/// Reads the rule files again at each SIGHUP.
///
/// # Errors
/// When the signal cannot be watched.
pub fn on_hangup(rules: Arc<Running>) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            let rules = rules.clone();
            // What went wrong is in the log.
            let _ = tokio::task::spawn_blocking(move || rules.reload()).await;
        }
    });
    Ok(())
}
