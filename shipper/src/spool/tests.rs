use std::io::Write;

use event::{LogBatch, LogEntry};

use super::*;

fn event(position: u64, line: &str) -> Event {
    let entry = LogEntry { line: line.to_owned().into(), position, ..LogEntry::default() };
    Event::Logs(LogBatch { source: "web1/syslog".into(), entries: vec![entry], ..LogBatch::default() })
}

fn open(folder: &Path, limit: u64, from: SpoolPosition) -> Spool {
    Spool::open(folder, limit, from).unwrap()
}

/// Everything that can be read, and where it ends.
fn drain(spool: &Spool) -> (Vec<Event>, SpoolPosition) {
    let (mut events, mut at, mut reader) = (Vec::new(), SpoolPosition::default(), None);
    while let Some((event, end)) = spool.next(&mut reader) {
        events.push(event);
        at = end;
    }
    (events, at)
}

#[test]
fn gives_back_what_was_put_in_over_restarts_from_where_it_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path(), 1 << 20, SpoolPosition::default());
    spool.append(&event(1, "a")).unwrap();
    let (_, acknowledged) = drain(&spool);
    spool.append(&event(2, "b")).unwrap();
    assert_eq!(drain(&spool).0, [event(2, "b")]);
    // The second was read but not acknowledged when the process died.
    let spool = open(folder.path(), 1 << 20, acknowledged);
    spool.append(&event(3, "c")).unwrap();
    assert_eq!(drain(&spool).0, [event(2, "b"), event(3, "c")]);
    let spool = open(folder.path(), 1 << 20, SpoolPosition::default());
    assert_eq!(drain(&spool).0.len(), 3, "without a checkpoint everything is sent again");
}

#[test]
fn when_full_the_oldest_go_first() {
    let folder = tempfile::tempdir().unwrap();
    let limit = 4 * SEGMENT_MIN;
    let spool = open(folder.path(), limit, SpoolPosition::default());
    let long = "x".repeat(1000);
    for position in 1..=1000 {
        spool.append(&event(position, &long)).unwrap();
    }
    assert!(spool.waiting() <= limit);
    let (events, _) = drain(&spool);
    assert!(events.len() > 100, "{}", events.len());
    let newest: Vec<Event> = (1..=1000).skip(1000 - events.len()).map(|p| event(p, &long)).collect();
    assert_eq!(events, newest);
}

#[test]
fn a_frame_that_a_crash_cut_off_does_not_hide_what_comes_after() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path(), 1 << 20, SpoolPosition::default());
    spool.append(&event(1, "a")).unwrap();
    let first = segment::path(folder.path(), 1);
    fs::OpenOptions::new().append(true).open(first).unwrap().write_all(&[9, 0, 0, 0, 1, 2]).unwrap();
    let spool = open(folder.path(), 1 << 20, SpoolPosition::default());
    spool.append(&event(2, "b")).unwrap();
    assert_eq!(drain(&spool).0, [event(1, "a"), event(2, "b")]);
}

#[test]
fn damage_in_the_middle_costs_the_rest_of_its_segment_only() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path(), 1 << 20, SpoolPosition::default());
    for position in 1..=3 {
        spool.append(&event(position, "abc")).unwrap();
    }
    let first = segment::path(folder.path(), 1);
    let mut bytes = fs::read(&first).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&first, bytes).unwrap();
    let spool = open(folder.path(), 1 << 20, SpoolPosition::default());
    spool.append(&event(4, "abc")).unwrap();
    assert_eq!(drain(&spool).0, [event(1, "abc"), event(4, "abc")]);
}
