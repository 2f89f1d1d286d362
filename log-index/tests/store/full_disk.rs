//! Disks that take nothing more: the index becomes read-only, says so, loses nothing, and goes on afterwards.

use std::{fs, path::PathBuf};

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

fn recovers(mut bench: Bench, break_disk: impl Fn(&PathBuf), repair_disk: impl Fn(&PathBuf)) {
    let folder = bench.folder.path().join("index");
    bench.index().append(&record(0, line(0))).unwrap();
    bench.index().flush().unwrap();
    break_disk(&folder);
    let (taken, error) = fill(&bench, 1);
    assert!(matches!(error, AppendError::ReadOnly(_)) && !error.is_fault_of_record(), "{error}");
    assert!(bench.index().flush().is_err());
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
    let put_aside = |folder: &PathBuf| {
        fs::rename(folder.join("catalog/meta.json"), folder.join("meta")).unwrap();
        fs::create_dir(folder.join("catalog/meta.json")).unwrap();
    };
    let put_back = |folder: &PathBuf| {
        fs::remove_dir(folder.join("catalog/meta.json")).unwrap();
        fs::rename(folder.join("meta"), folder.join("catalog/meta.json")).unwrap();
    };
    recovers(bench(), put_aside, put_back);
}
