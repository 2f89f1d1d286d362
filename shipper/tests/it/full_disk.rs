//! A disk that takes nothing.

use std::{fs, sync::Arc, time::Duration};

use event::{Event, LogBatch, LogEntry};
use shipper::{checkpoint::SpoolPosition, source::Store, spool::Spool};

use crate::support::MemoryBroker;

/// The least that a broken order would need to show itself.
const MOMENT: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_past_a_full_disk_was_lost_in_a_crash_while_what_came_later_was_kept() {
    let (broker, folder) = (MemoryBroker::new(), tempfile::tempdir().unwrap());
    let queue = folder.path().join("spool");
    let spool = Arc::new(Spool::open(&queue, 1 << 20, SpoolPosition::default()).unwrap());
    fs::remove_dir(&queue).unwrap();
    let store = Store { spool, publisher: broker.publisher() };
    broker.go_away();
    let entry = LogEntry { line: "past".into(), position: 1, ..LogEntry::default() };
    let event =
        Event::Logs(LogBatch { source: "web1/test".into(), entries: vec![entry], ..LogBatch::default() });
    let mut put = tokio::spawn(async move { store.put(event).await });
    broker.wait_for_held(1).await;
    assert!(
        tokio::time::timeout(MOMENT, &mut put).await.is_err(),
        "the source goes on before the broker has it"
    );
    broker.come_back();
    put.await.unwrap();
    assert_eq!(broker.lines(), ["past"]);
}
