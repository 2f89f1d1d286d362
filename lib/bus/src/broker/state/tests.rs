//! What is remembered is what was said, and no more than is allowed.

use super::*;

const MOST_BYTES: usize = 64 << 20;

fn offset(group: &str, offset: i64) -> Entry {
    let committed = Committed { offset, leader_epoch: 0, metadata: "x".repeat(1000) };
    Entry::Offsets { group: group.to_owned(), offsets: vec![(("t".to_owned(), 0), committed)], at_ms: 0 }
}

fn committed(store: &Store, group: &str) -> Option<i64> {
    store.state().offsets.get(group)?.by_partition.values().next().map(|committed| committed.offset)
}

#[test]
fn a_journal_that_has_grown_is_rewritten_and_says_the_same() {
    let dir = tempfile::tempdir().expect("dir");
    let path = dir.path().join("coordinator.log");
    let mut store = Store::open(&path, false, MOST_BYTES).expect("opens");
    store.commit(offset("quiet", 1)).expect("committed");
    let id = store.new_producer_id().expect("an id");
    for number in 0..5000 {
        store.commit(offset("busy", number)).expect("committed");
    }
    assert!(std::fs::metadata(&path).expect("file").len() < REWRITE_BYTES);
    drop(store);
    let mut store = Store::open(&path, false, MOST_BYTES).expect("opens again");
    assert_eq!((committed(&store, "quiet"), committed(&store, "busy")), (Some(1), Some(4999)));
    assert!(store.new_producer_id().expect("an id") > id);
}

#[test]
fn a_deleted_topic_takes_its_offsets_along() {
    let dir = tempfile::tempdir().expect("dir");
    let mut store = Store::open(&dir.path().join("coordinator.log"), false, MOST_BYTES).expect("opens");
    store.commit(offset("g", 1)).expect("committed");
    store.forget_topic("other").expect("forgotten");
    assert_eq!(committed(&store, "g"), Some(1));
    store.forget_topic("t").expect("forgotten");
    assert!(store.state().offsets.is_empty());
}

#[test]
fn a_journal_of_another_version_is_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let path = dir.path().join("coordinator.log");
    let head = br#"{"version":2}"#;
    let line = format!("{:08x} {}\n", crc32c::crc32c(head), String::from_utf8_lossy(head));
    std::fs::write(&path, line).expect("written");
    let error = Store::open(&path, false, MOST_BYTES).expect_err("unknown version");
    assert!(matches!(error, Error::UnknownVersion { known: 1, .. }), "{error}");
}

#[test]
fn what_is_remembered_is_bounded_and_there_is_room_again_when_it_goes() {
    let dir = tempfile::tempdir().expect("dir");
    let most = 2 * REWRITE_BYTES as usize;
    let mut store = Store::open(&dir.path().join("coordinator.log"), false, most).expect("opens");
    let mut groups = 0;
    while store.has_room() {
        store.commit(offset(&groups.to_string(), 1)).expect("committed");
        groups += 1;
        assert!(groups < most / 1000, "more is remembered than is allowed");
    }
    let partitions = vec![("t".to_owned(), 0)];
    for group in 0..groups {
        let gone = Entry::OffsetsGone { group: group.to_string(), partitions: partitions.clone() };
        store.commit(gone).expect("committed");
    }
    store.make_room().expect("rewritten");
    assert!(store.has_room());
}
