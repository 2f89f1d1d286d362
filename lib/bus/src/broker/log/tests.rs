//! The log alone: what stays, what goes, and what a crash leaves.

use super::batch::{self, HEADER_LEN, Marker};
use super::{Log, Settings};
use bytes::{BufMut, BytesMut};
use kafka_protocol::ResponseError;
use std::path::Path;
use tempfile::TempDir;

fn settings() -> Settings {
    Settings {
        segment_bytes: 310,
        batch_bytes: 1000,
        segment_ms: i64::MAX,
        retention_ms: None,
        retention_bytes: None,
        compaction: None,
        flush: false,
    }
}

fn open(dir: &Path, settings: Settings) -> Log {
    Log::open(dir, settings).expect("opens")
}

/// A batch of one record of this time; the record itself is not looked at.
fn batch_at(timestamp: i64) -> BytesMut {
    transactional(timestamp, -1, 0)
}

fn transactional(timestamp: i64, producer_id: i64, sequence: i32) -> BytesMut {
    let mut bytes = BytesMut::new();
    bytes.put_i64(0);
    bytes.put_i32((HEADER_LEN + 40 - 12) as i32);
    bytes.put_i32(0);
    bytes.put_u8(2);
    bytes.put_u32(0);
    bytes.put_i16(if producer_id < 0 { 0 } else { 0x10 });
    bytes.put_i32(0);
    bytes.put_i64(timestamp);
    bytes.put_i64(timestamp);
    bytes.put_i64(producer_id);
    bytes.put_i16(0);
    bytes.put_i32(sequence);
    bytes.put_i32(1);
    bytes.put_bytes(0, 40);
    let crc = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// Ten batches, three of them in a segment; record `n` is of time `n`.
fn ten(dir: &TempDir, settings: Settings) -> Log {
    let mut log = open(dir.path(), settings);
    for number in 0..10 {
        assert_eq!(log.append(&batch_at(number)), Ok(number));
    }
    log
}

fn files(dir: &TempDir) -> usize {
    let files = std::fs::read_dir(dir.path()).expect("directory").filter_map(Result::ok);
    files.filter(|file| file.path().extension().is_some_and(|kind| kind == "log")).count()
}

#[test]
fn segments_go_when_their_newest_record_is_too_old() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = ten(&dir, Settings { retention_ms: Some(100), ..settings() });
    log.enforce_retention(104).expect("enforced");
    // Records 0 to 2 are a segment; 3 to 5 are one that ends with a record that is young enough.
    assert_eq!((log.start_offset(), log.end_offset()), (3, 10));
    assert_eq!(log.read(0, 1000, false).expect_err("gone"), ResponseError::OffsetOutOfRange);
    log.enforce_retention(10_000).expect("enforced");
    assert_eq!((log.start_offset(), log.end_offset(), files(&dir)), (10, 10, 1));
    drop(log);
    let log = open(dir.path(), settings());
    assert_eq!((log.start_offset(), log.end_offset()), (10, 10), "offsets go on after a restart");
}

#[test]
fn a_log_that_is_too_large_loses_its_oldest_segments() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = ten(&dir, Settings { retention_bytes: Some(500), ..settings() });
    log.enforce_retention(0).expect("enforced");
    assert_eq!(log.start_offset(), 3);
}

#[test]
fn retention_leaves_open_transactions_alone() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = open(dir.path(), Settings { retention_ms: Some(1), ..settings() });
    log.append(&transactional(0, 7, 0)).expect("appended");
    for number in 1..10 {
        log.append(&batch_at(number)).expect("appended");
    }
    log.enforce_retention(10_000).expect("enforced");
    assert_eq!((log.start_offset(), log.stable_offset()), (0, 0));
    log.append_marker(Marker::Abort, 7, 0, 11).expect("marked");
    log.enforce_retention(20_000).expect("enforced");
    assert_eq!(log.start_offset(), 11);
}

#[test]
fn deleted_records_stay_deleted() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = ten(&dir, settings());
    assert_eq!(log.delete_before(7), Ok(7));
    assert_eq!(log.delete_before(11), Err(ResponseError::OffsetOutOfRange));
    assert_eq!(files(&dir), 2);
    drop(log);
    let mut log = open(dir.path(), settings());
    assert_eq!((log.start_offset(), log.offset_at(0)), (7, Ok(Some((7, 7)))));
    assert_eq!(log.delete_before(-1), Ok(10));
}

#[test]
fn reading_goes_over_segments_and_stops_at_the_limit() {
    let dir = tempfile::tempdir().expect("dir");
    let log = ten(&dir, settings());
    let mut offset = 4;
    while offset < log.end_offset() {
        let slice = log.read(offset, 1, false).expect("read");
        let header = batch::Header::parse(&slice.records).expect("a batch");
        assert_eq!((header.base_offset, header.size), (offset, slice.records.len()));
        offset += 1;
    }
    assert!(log.read(10, 1000, false).expect("read").records.is_empty());
    assert_eq!(log.read(3, 1000, false).expect("read").records.len(), 303, "a whole segment");
}

#[test]
fn transactions_are_known_again_after_a_restart() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = ten(&dir, settings());
    log.append(&transactional(10, 7, 0)).expect("appended");
    log.append_marker(Marker::Abort, 7, 0, 10).expect("marked");
    log.append(&transactional(11, 8, 0)).expect("appended");
    drop(log);
    let mut log = open(dir.path(), settings());
    assert_eq!((log.stable_offset(), log.end_offset()), (12, 13));
    assert_eq!(log.append(&transactional(11, 8, 0)), Ok(12), "sent again");
    assert_eq!(log.end_offset(), 13);
    let aborted = log.read(10, 1000, true).expect("read").aborted;
    assert_eq!(aborted.iter().map(|txn| (txn.producer_id, txn.first_offset)).collect::<Vec<_>>(), [(7, 10)]);
    assert!(log.read(12, 1000, true).expect("read").records.is_empty());
}

#[test]
fn a_damaged_byte_in_the_last_segment_costs_what_follows_it_only() {
    let dir = tempfile::tempdir().expect("dir");
    drop(ten(&dir, Settings { segment_bytes: 10_000, ..settings() }));
    let path = dir.path().join("00000000000000000000.log");
    let mut bytes = std::fs::read(&path).expect("read");
    bytes[101 * 8 + 90] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    let mut log = open(dir.path(), settings());
    assert_eq!(log.end_offset(), 8);
    assert_eq!(log.append(&batch_at(8)), Ok(8));
}

#[test]
fn producers_that_are_silent_for_long_are_forgotten() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = open(dir.path(), settings());
    for producer in [7, 8] {
        log.append(&transactional(0, producer, 0)).expect("appended");
        log.append_marker(Marker::Commit, producer, 0, 0).expect("marked");
    }
    log.append(&transactional(0, 9, 0)).expect("appended");
    log.forget_producers(1000, 100);
    log.append(&transactional(0, 8, 1)).expect("appended");
    log.forget_producers(1099, 100);
    assert_eq!(log.append(&transactional(0, 7, 0)), Ok(0), "known: sent again");
    log.forget_producers(1100, 100);
    assert_eq!(log.append(&transactional(0, 8, 1)), Ok(5), "known: it has written meanwhile");
    assert_eq!(log.append(&transactional(0, 9, 0)), Ok(4), "known: its transaction is open");
    assert_eq!(log.append(&transactional(0, 7, 5)), Ok(6), "unknown: any sequence number will do");
}
