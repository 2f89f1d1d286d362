//! Disks that take nothing more: the index becomes read-only, says so, loses nothing, and goes on afterwards.

use std::{fs, path::Path};

use config::ByteSize;
use event::Labels;
use log_index::{AppendError, Config, Retention};

use crate::support::{Bench, record};

fn bench() -> Bench {
    Bench::with(Config { retention: Retention::OFF, segment_bytes: ByteSize(2_000), ..Config::default() })
}

fn line(number: i64) -> Vec<u8> {
    let entry = event::LogEntry {
        timestamp_ns: number,
        line: format!("line {number:03} {}", "x".repeat(90)).into(),
        ..event::LogEntry::default()
    };
    let labels = Labels::from([("job", "a")]);
    let batch = event::LogBatch { source: String::new(), labels, entries: vec![entry] };
    event::encode(&event::Event::Logs(batch), event::Codec::Batch).remove(0)
}

/// Appends lines until there is no room; answers how many were taken in.
fn fill(bench: &Bench, from: i64) -> (i64, AppendError) {
    for number in from..from + 1000 {
        if let Err(error) = bench.index().append(&record(number, line(number))) {
            return (number, error);
        }
    }
    panic!("memory is not bounded");
}

fn numbers(bench: &Bench) -> Vec<i64> {
    bench.lines().iter().map(|line| line[5..8].parse().unwrap()).collect()
}

fn recovers(mut bench: Bench, break_disk: impl Fn(&Path), repair_disk: impl Fn(&Path)) {
    let folder = bench.folder.path().join("index");
    bench.index().append(&record(0, line(0))).unwrap();
    bench.index().flush().unwrap();
    break_disk(&folder);
    let (taken, error) = fill(&bench, 1);
    assert!(matches!(error, AppendError::ReadOnly(_)) && !error.is_fault_of_record(), "{error}");
    let waiting = bench.index().status().head_bytes;
    assert!((0..5).all(|_| bench.index().flush().is_err()));
    assert_eq!(bench.index().status().head_bytes, waiting);
    let reason = bench.index().status().read_only.expect("the status says why");
    assert!(error.to_string().contains(&reason), "{error} / {reason}");
    assert_eq!(bench.index().read_offsets().get("logs", 0), Some(taken));
    assert_eq!(bench.index().offsets().get("logs", 0), Some(1));
    repair_disk(&folder);
    bench.index().append(&record(taken, line(taken))).unwrap();
    assert_eq!(numbers(&bench), (0..=taken).collect::<Vec<_>>());
    bench.index().flush().unwrap();
    assert_eq!(bench.index().status().read_only, None);
    bench.bus = (0..=taken).map(|number| record(number, line(number))).collect();
    bench.crash();
    assert_eq!(numbers(&bench), (0..=taken).collect::<Vec<_>>());
}

fn put_aside(folder: &Path) {
    fs::rename(folder.join("catalog/meta.json"), folder.join("meta")).unwrap();
    fs::create_dir(folder.join("catalog/meta.json")).unwrap();
}

fn put_back(folder: &Path) {
    fs::remove_dir(folder.join("catalog/meta.json")).unwrap();
    fs::rename(folder.join("meta"), folder.join("catalog/meta.json")).unwrap();
}

#[test]
fn segments_cannot_be_written() {
    recovers(
        bench(),
        |folder| fs::rename(folder.join("segments"), folder.join("elsewhere")).unwrap(),
        |folder| fs::rename(folder.join("elsewhere"), folder.join("segments")).unwrap(),
    );
}

#[test]
fn the_catalog_cannot_be_written() {
    recovers(bench(), put_aside, put_back);
}

/// Eight segments, which are to be merged into the ninth.
fn merge_recovers(break_disk: impl Fn(&Path), repair_disk: impl Fn(&Path)) {
    let mut bench = Bench::new();
    for number in 0..8 {
        bench.send_lines(&Labels::from([("job", "a")]), &[(number, &format!("line {number:03}"))]);
        bench.index().flush().unwrap();
    }
    let folder = bench.folder.path().join("index");
    break_disk(&folder);
    assert!(bench.index().merge(&|| false).is_err());
    assert_eq!(numbers(&bench), (0..8).collect::<Vec<_>>());
    repair_disk(&folder);
    bench.index().merge(&|| false).unwrap();
    assert_eq!(bench.index().status().segments, 1);
    assert_eq!(numbers(&bench), (0..8).collect::<Vec<_>>());
    bench.crash();
    assert_eq!(numbers(&bench), (0..8).collect::<Vec<_>>());
    assert_eq!(bench.segment_files().len(), 1);
}

#[test]
fn a_merged_segment_cannot_be_written() {
    let unfinished = |folder: &Path| folder.join("segments/0000000000000009.seg.tmp");
    merge_recovers(
        |folder| fs::create_dir(unfinished(folder)).unwrap(),
        |folder| fs::remove_dir(unfinished(folder)).unwrap(),
    );
}

#[test]
fn the_manifest_of_a_merge_cannot_be_written() {
    let unfinished = |folder: &Path| folder.join("segments/manifest.tmp");
    merge_recovers(
        |folder| fs::create_dir(unfinished(folder)).unwrap(),
        |folder| fs::remove_dir(unfinished(folder)).unwrap(),
    );
}

#[test]
fn the_catalog_of_a_merge_cannot_be_written() {
    merge_recovers(put_aside, put_back);
}
