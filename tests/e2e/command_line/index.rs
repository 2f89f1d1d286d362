//! `index check` and `index inspect`.

use std::{path::Path, process::Command};

use crate::harness::{run, text};

/// Makes an index of one segment.
fn store_a_line(dir: &Path) {
    let index = log_index::Index::open(dir, &log_index::Config::default()).unwrap();
    let line = event::LogEntry { timestamp_ns: i64::MAX, line: "a line".into(), ..Default::default() };
    let batch = event::LogBatch { entries: vec![line], ..Default::default() };
    let value = event::encode(&event::Event::Logs(batch), event::Codec::Batch).remove(0).into();
    let (topic, key) = ("logs".into(), Default::default());
    let record = bus::Record { topic, partition: 0, offset: 0, timestamp_ms: 0, key, value };
    index.append(&record).unwrap();
    index.flush().unwrap();
}

#[test]
fn the_files_of_an_index_are_checked_and_shown_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let nothing = run(&["index", "check", path]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(text(&nothing).contains(path), "{}", text(&nothing));
    store_a_line(dir.path());
    let well = run(&["index", "check", path]);
    assert!(well.status.success() && text(&well).contains("all is well"), "{}", text(&well));
    let shown = run(&["index", "inspect", path, "-o", "json"]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["segments"].as_array().map(Vec::len), Some(1));
    std::fs::write(dir.path().join("index/segments/manifest"), "damaged").unwrap();
    let damaged = run(&["index", "check", path]);
    assert_eq!(damaged.status.code(), Some(1));
    assert!(text(&damaged).contains("segments/manifest"), "{}", text(&damaged));
}

#[test]
fn an_index_is_checked_where_nothing_can_be_written_and_what_is_none_is_said() {
    let dir = tempfile::tempdir().unwrap();
    store_a_line(dir.path());
    let path = dir.path().to_str().unwrap();
    let read_only = "mount --bind $1 $1 && mount -o remount,bind,ro $1 && exec $0 index check $1";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", read_only]);
    let output = command.args([env!("CARGO_BIN_EXE_tailrace"), path]).output().unwrap();
    assert!(output.status.success() && text(&output).contains("all is well"), "{}", text(&output));

    let missing = dir.path().join("nowhere").display().to_string();
    let output = run(&["index", "check", &missing]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output);
    assert!(shown.contains("No such file") && shown.contains("name a data directory"), "{shown}");
}
