//! A compacted log says the same in fewer records.

use super::super::batch::{self, HEADER_LEN, Header, Marker};
use super::super::{Log, Settings, codec, records};
use super::{Aborted, COPY, Compaction};
use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::records as protocol;
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const RETENTION_MS: i64 = 1000;

fn settings() -> Settings {
    Settings {
        segment_bytes: 400,
        batch_bytes: 100_000,
        segment_ms: i64::MAX,
        retention_ms: None,
        retention_bytes: None,
        compaction: Some(Compaction { dirty_ratio: 0.0, delete_retention_ms: RETENTION_MS }),
        flush: false,
    }
}

fn open(dir: &TempDir) -> Log {
    Log::open(dir.path(), settings()).expect("opens")
}

/// Who writes: producer id and sequence number, or nobody in particular.
#[derive(Clone, Copy)]
struct From(i64, i32, bool);
const ANYONE: From = From(-1, -1, false);

fn batch(from: From, codec: i16, pairs: &[(&str, Option<&str>)]) -> Bytes {
    let From(producer_id, sequence, transactional) = from;
    let record = |(at, (key, value)): (usize, &(&str, Option<&str>))| protocol::Record {
        transactional,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id,
        producer_epoch: if producer_id < 0 { -1 } else { 0 },
        timestamp_type: protocol::TimestampType::Creation,
        offset: at as i64,
        sequence: at as i32,
        timestamp: at as i64,
        key: Some(Bytes::copy_from_slice(key.as_bytes())),
        value: value.map(|value| Bytes::copy_from_slice(value.as_bytes())),
        headers: Default::default(),
    };
    let records: Vec<_> = pairs.iter().enumerate().map(record).collect();
    let options = protocol::RecordEncodeOptions { version: 2, compression: protocol::Compression::None };
    let mut bytes = BytesMut::new();
    protocol::RecordBatchEncoder::encode(&mut bytes, &records, &options).expect("batch");
    let packed = codec::compress(codec, &bytes[HEADER_LEN..]).expect("compressed").into_owned();
    bytes[22] |= codec as u8;
    bytes[53..57].copy_from_slice(&sequence.to_be_bytes());
    batch::with_records(&bytes, &packed, pairs.len() as i32, pairs.len() as i64 - 1)
}

fn put(log: &mut Log, pairs: &[(&str, Option<&str>)]) {
    log.append(&batch(ANYONE, 0, pairs)).expect("appended");
}

fn close(log: &mut Log) {
    log.roll().expect("rolled");
}

fn compact(log: &mut Log, now_ms: i64) {
    let copies = log.plan_compaction(now_ms).expect("a plan").run(&CancellationToken::new());
    log.install(copies.expect("copies")).expect("installed");
}

/// Offset, key and value of every record that a reader gets from `offset` on.
fn read(log: &Log, mut offset: i64) -> Vec<(i64, String, Option<String>)> {
    let (mut found, text) = (Vec::new(), |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned());
    while offset < log.end_offset() {
        let slice = log.read(offset, 1, true).expect("read");
        let header = Header::parse(&slice.records).expect("a batch");
        assert!(header.matches(&slice.records), "the checksum of the batch at {offset}");
        let opened = codec::decompress(header.attributes, &slice.records[HEADER_LEN..header.size]);
        let within = |txn: &Aborted| (txn.first_offset..txn.last_offset).contains(&header.base_offset);
        let aborted = header.is_transactional() && slice.aborted.iter().any(within);
        for record in records::iter(&header, &opened).filter(|_| !header.is_control() && !aborted) {
            let value = record.bytes[record.bytes.len() - 2..].first().copied();
            let value = value.filter(|_| !record.is_tombstone).map(|byte| text(&[byte]));
            found.push((record.offset, text(record.key.expect("a key")), value));
        }
        offset = header.last_offset() + 1;
    }
    found
}

fn found(expected: &[(i64, &str, &str)]) -> Vec<(i64, String, Option<String>)> {
    let owned = |(offset, key, value): &(i64, &str, &str)| {
        let value = Some(*value).filter(|value| !value.is_empty());
        (*offset, (*key).to_owned(), value.map(str::to_owned))
    };
    expected.iter().map(owned).collect()
}

fn copies(dir: &Path) -> usize {
    let files = std::fs::read_dir(dir).expect("directory").filter_map(Result::ok);
    files.filter(|file| file.path().extension().is_some_and(|end| end == COPY)).count()
}

#[test]
fn the_last_record_of_each_key_stays_in_its_place_with_every_codec() {
    for codec in 0..=4 {
        let dir = tempfile::tempdir().expect("dir");
        let mut log = open(&dir);
        let pairs = |value| [("a", Some(value)), ("b", Some(value)), ("c", Some(value))];
        log.append(&batch(ANYONE, codec, &pairs("1"))).expect("appended");
        close(&mut log);
        log.append(&batch(ANYONE, codec, &pairs("2")[..2])).expect("appended");
        close(&mut log);
        log.append(&batch(ANYONE, codec, &pairs("3")[..1])).expect("appended");
        compact(&mut log, 0);
        let expected = found(&[(2, "c", "1"), (3, "a", "2"), (4, "b", "2"), (5, "a", "3")]);
        assert_eq!(read(&log, 0), expected, "codec {codec}; the open segment is not touched");
        assert_eq!(read(&log, 1), expected, "from an offset that is gone");
        drop(log);
        let log = open(&dir);
        assert_eq!((read(&log, 0), log.start_offset(), log.end_offset()), (expected, 0, 6));
        assert_eq!(copies(dir.path()), 0);
    }
}

#[test]
fn a_deletion_is_seen_for_its_time_and_then_goes() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = open(&dir);
    put(&mut log, &[("a", Some("1"))]);
    put(&mut log, &[("a", None)]);
    put(&mut log, &[("b", Some("1"))]);
    close(&mut log);
    compact(&mut log, 10_000);
    assert_eq!(read(&log, 0), found(&[(1, "a", ""), (2, "b", "1")]));
    for (now_ms, expected) in [(10_000 + RETENTION_MS - 1, 2), (10_000 + RETENTION_MS, 1)] {
        put(&mut log, &[("c", Some("1"))]);
        close(&mut log);
        drop(log);
        log = open(&dir);
        compact(&mut log, now_ms);
        let of_old = read(&log, 0).into_iter().filter(|(_, key, _)| key != "c").count();
        assert_eq!(of_old, expected, "at {now_ms}");
    }
}

#[test]
fn aborted_transactions_go_with_their_markers_and_committed_ones_stay_closed() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = open(&dir);
    let mut sequence = 0;
    let mut txn = |log: &mut Log, value: &str, kind: Marker| {
        log.append(&batch(From(7, sequence, true), 0, &[("a", Some(value))])).expect("appended");
        log.append_marker(kind, 7, 0, 0).expect("marked");
        sequence += 1;
    };
    txn(&mut log, "1", Marker::Commit);
    txn(&mut log, "2", Marker::Abort);
    txn(&mut log, "3", Marker::Commit);
    txn(&mut log, "4", Marker::Abort);
    put(&mut log, &[("z", Some("1"))]);
    close(&mut log);
    compact(&mut log, 0);
    let size: u64 = log.segments.iter().map(|segment| segment.size).sum();
    drop(log);
    let mut log = open(&dir);
    assert_eq!(read(&log, 0), found(&[(4, "a", "3"), (8, "z", "1")]));
    assert_eq!((log.stable_offset(), log.end_offset()), (9, 9));
    assert!(size < 500, "{size} bytes: the marker of the first transactions is still there");
    let again = batch(From(7, 3, true), 0, &[("a", Some("4"))]);
    assert_eq!(log.append(&again), Ok(6), "the producer's last batch is known though its record is gone");
}

#[test]
fn open_transactions_are_left_alone() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = open(&dir);
    put(&mut log, &[("a", Some("1"))]);
    log.append(&batch(From(7, 0, true), 0, &[("a", Some("2"))])).expect("appended");
    put(&mut log, &[("a", Some("3"))]);
    close(&mut log);
    assert!(log.plan_compaction(0).is_none());
    log.append_marker(Marker::Commit, 7, 0, 0).expect("marked");
    compact(&mut log, 0);
    assert_eq!(read(&log, 0), found(&[(2, "a", "3")]));
}

#[test]
fn a_run_that_ends_early_changes_nothing() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = open(&dir);
    (0..3).for_each(|_| put(&mut log, &[("a", Some("1"))]));
    close(&mut log);
    let stopping = CancellationToken::new();
    let plan = log.plan_compaction(0).expect("a plan");
    stopping.cancel();
    plan.run(&stopping).expect_err("stopped");
    log.plan_compaction(0).expect("a plan").run(&CancellationToken::new()).expect("copies, never installed");
    assert_eq!(copies(dir.path()), 1);
    drop(log);
    let log = open(&dir);
    assert_eq!((read(&log, 0).len(), copies(dir.path())), (3, 0));
}

#[test]
fn retention_may_be_faster_than_compaction() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = open(&dir);
    for value in ["1", "2", "3"] {
        put(&mut log, &[("a", Some(value)), ("b", Some(value))]);
        close(&mut log);
    }
    let copies = log.plan_compaction(0).expect("a plan").run(&CancellationToken::new()).expect("copies");
    log.delete_before(4).expect("deleted");
    log.install(copies).expect("installed");
    assert_eq!((log.start_offset(), read(&log, 4)), (4, found(&[(4, "a", "3"), (5, "b", "3")])));
}

#[test]
fn only_what_has_changed_enough_is_compacted() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = open(&dir);
    log.settings.compaction = Some(Compaction { dirty_ratio: 0.5, delete_retention_ms: RETENTION_MS });
    ["a", "b", "c"].iter().for_each(|key| put(&mut log, &[(key, Some("1"))]));
    close(&mut log);
    compact(&mut log, 0);
    put(&mut log, &[("a", Some("2"))]);
    close(&mut log);
    assert!(log.plan_compaction(0).is_none(), "a quarter is new");
    (0..3).for_each(|_| put(&mut log, &[("a", Some("2"))]));
    close(&mut log);
    compact(&mut log, 0);
    assert_eq!(read(&log, 0), found(&[(1, "b", "1"), (2, "c", "1"), (6, "a", "2")]));
}

#[test]
fn records_without_a_key_are_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = open(&dir);
    let mut keyless = BytesMut::from(&batch(ANYONE, 0, &[("", Some("1"))])[..]);
    // Length, attributes and two deltas come before the key's length, of which -1 says that there is none.
    keyless[HEADER_LEN + 4] = 1;
    let keyless = batch::with_records(&keyless, &keyless[HEADER_LEN..], 1, 0);
    assert_eq!(log.append(&keyless), Err(ResponseError::InvalidRecord));
    put(&mut log, &[("", Some("1"))]);
}

#[test]
fn any_history_comes_down_to_its_last_values() {
    for seed in 0..8u64 {
        let dir = tempfile::tempdir().expect("dir");
        let (mut log, mut model, mut random) = (open(&dir), BTreeMap::new(), seed);
        for step in 0..200 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let (key, value) = (format!("k{}", (random >> 33) % 12), ((random >> 40) % 10).to_string());
            let value = Some(value.as_str()).filter(|value| *value != "0");
            let offset = log.end_offset();
            put(&mut log, &[(&key, value)]);
            model.insert(key, (offset, value.map(str::to_owned)));
            match (random >> 50) % 20 {
                0 => close(&mut log),
                1 if log.plan_compaction(step).is_some() => compact(&mut log, step),
                2 => {
                    drop(log);
                    log = open(&dir);
                }
                _ => {}
            }
        }
        close(&mut log);
        compact(&mut log, 200);
        let expected: BTreeMap<_, _> =
            model.into_iter().map(|(key, (offset, value))| (offset, (key, value))).collect();
        let read: BTreeMap<_, _> =
            read(&log, 0).into_iter().map(|(offset, key, value)| (offset, (key, value))).collect();
        assert_eq!(read, expected, "seed {seed}");
    }
}
