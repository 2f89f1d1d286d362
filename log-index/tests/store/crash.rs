//! Processes that end at the wrong moment, and what they leave behind.

use std::{fs, path::PathBuf};

use config::Duration;
use event::Labels;
use log_index::{AppendError, Config, Index, OpenError, Retention};

use crate::support::{Bench, files, record};

fn labels() -> Labels {
    Labels::from([("job", "a")])
}

#[test]
fn offsets_say_what_is_in_segments_and_read_offsets_what_is_in_memory() {
    let mut bench = Bench::new();
    bench.send_lines(&labels(), &[(1, "one")]);
    assert_eq!(bench.index().offsets().get("logs", 0), None);
    assert_eq!(bench.index().read_offsets().get("logs", 0), Some(1));
    bench.index().flush().unwrap();
    bench.send_lines(&labels(), &[(2, "two")]);
    bench.crash();
    assert_eq!(bench.index().offsets().get("logs", 0), Some(1));
    assert_eq!(bench.index().read_offsets().get("logs", 0), Some(2));
    assert_eq!(bench.lines(), ["one", "two"]);
}

#[test]
fn files_that_no_commit_knows_are_removed_at_the_next_start() {
    let mut bench = Bench::new();
    bench.send_lines(&labels(), &[(1, "one")]);
    bench.index().flush().unwrap();
    bench.close();
    let known = bench.segment_files();
    let folder = bench.folder.path().join("index/segments");
    fs::write(folder.join("0000000000000002.seg"), "half a seg").unwrap();
    fs::write(folder.join("0000000000000003.seg.tmp"), "").unwrap();
    bench.open();
    assert_eq!(bench.segment_files(), known);
    assert_eq!(bench.lines(), ["one"]);
}

#[test]
fn a_crash_within_the_first_seal_left_an_index_that_could_not_be_opened() {
    let mut bench = Bench::new();
    bench.send_lines(&labels(), &[(1, "one")]);
    bench.close();
    fs::write(bench.folder.path().join("index/segments/0000000000000000.seg"), "half a seg").unwrap();
    bench.open();
    assert_eq!(bench.lines(), ["one"]);
}

#[test]
fn a_segment_took_the_name_of_one_that_was_yet_to_be_removed() {
    let mut bench = Bench::new();
    bench.close();
    let left = bench.folder.path().join("index/segments/0000000000000007.seg");
    fs::write(&left, "half a seg").unwrap();
    bench.open();
    bench.send_lines(&labels(), &[(1, "one")]);
    bench.index().flush().unwrap();
    let names: Vec<_> = bench.segment_files();
    assert!(names.len() == 1 && names[0].ends_with("0000000000000008.seg"), "{names:?}");
}

#[test]
fn one_process_at_a_time_has_the_index_open() {
    let bench = Bench::new();
    let error = Index::open(bench.folder.path(), &bench.config).err().unwrap();
    assert!(matches!(error, OpenError::Locked(_)), "{error}");
}

#[test]
fn a_lost_or_older_catalog_is_made_anew_from_the_segments() {
    let mut bench = Bench::new();
    bench.send_lines(&labels(), &[(1, "one")]);
    bench.index().flush().unwrap();
    bench.close();
    let catalog = bench.folder.path().join("index/catalog");
    let older = bench.folder.path().join("older");
    let status = std::process::Command::new("cp").arg("-r").args([&catalog, &older]).status().unwrap();
    assert!(status.success());
    fs::remove_dir_all(&catalog).unwrap();
    bench.open();
    assert_eq!(bench.lines(), ["one"]);
    bench.send_lines(&labels(), &[(2, "two")]);
    bench.index().flush().unwrap();
    bench.send_lines(&labels(), &[(3, "three")]);
    bench.index().delete(log_index::Kind::Logs, "{job=\"a\"} |= \"one\"", (0, 9), 0).unwrap();
    bench.index().merge(&|| false).unwrap();
    bench.close();
    fs::remove_dir_all(&catalog).unwrap();
    fs::rename(&older, &catalog).unwrap();
    bench.open();
    assert_eq!(bench.lines(), ["two", "three"]);
    assert_eq!(bench.index().offsets().get("logs", 0), Some(3));
}

#[test]
fn a_crash_within_a_commit_left_a_catalog_that_could_not_be_written() {
    let retention = Retention::of_age(Duration::from_secs(3600));
    let mut bench = Bench::with(Config { retention, ..Config::default() });
    let old_ms = 1_700_000_000_000;
    for (after_ms, line) in [(0, "old"), (1, "new"), (2, "newer")] {
        bench.send_lines(&labels(), &[((old_ms + after_ms) * 1_000_000, line)]);
        bench.index().flush().unwrap();
    }
    bench.close();
    let catalog = bench.folder.path().join("index/catalog");
    fs::remove_dir_all(&catalog).unwrap();
    bench.open(); // one commit has all three: a segment that goes leaves a list of deleted documents
    bench.close();
    let before = fs::read(catalog.join("meta.json")).unwrap();
    bench.open();
    assert_eq!(bench.index().retain(old_ms + 3_600_001).unwrap(), 1);
    bench.close();
    let is_list = |file: &PathBuf| file.extension().is_some_and(|ending| ending == "del");
    assert!(files(&catalog).iter().any(is_list));
    fs::write(catalog.join("meta.json"), before).unwrap();
    bench.open();
    assert_eq!(bench.lines(), ["new", "newer"]);
}

#[test]
fn without_any_manifest_segments_are_not_removed() {
    let mut bench = Bench::new();
    bench.send_lines(&labels(), &[(1, "one")]);
    bench.index().flush().unwrap();
    bench.close();
    fs::remove_dir_all(bench.folder.path().join("index/catalog")).unwrap();
    fs::remove_file(bench.folder.path().join("index/segments/manifest")).unwrap();
    let error = Index::open(bench.folder.path(), &bench.config).err().unwrap();
    assert!(matches!(error, OpenError::CatalogMissing(_)), "{error}");
    assert_eq!(bench.segment_files().len(), 1);
}

#[test]
fn a_catalog_of_a_later_version_is_refused_by_its_number() {
    let mut bench = Bench::new();
    bench.send_lines(&labels(), &[(1, "one")]);
    bench.index().flush().unwrap();
    bench.close();
    let meta = bench.folder.path().join("index/catalog/meta.json");
    let text = fs::read_to_string(&meta).unwrap();
    let later = text.replace(r#"{\"version\":4"#, r#"{\"version\":77"#);
    assert_ne!(text, later);
    fs::write(&meta, later).unwrap();
    let error = Index::open(bench.folder.path(), &bench.config).err().unwrap().to_string();
    assert!(error.contains("version 77") && error.contains("upgrade"), "{error}");
}

#[test]
fn a_record_that_nobody_can_read_stops_nothing_and_is_passed_over() {
    let mut bench = Bench::new();
    bench.send_lines(&labels(), &[(1, "one")]);
    let bad = record(1, b"no event".to_vec());
    let error = bench.index().append(&bad).unwrap_err();
    assert!(error.is_fault_of_record(), "{error}");
    assert_eq!(bench.index().read_offsets().get("logs", 0), Some(1));
    bench.index().skip(&bad);
    assert_eq!(bench.index().read_offsets().get("logs", 0), Some(2));
}

#[test]
fn a_label_set_without_measure_is_refused() {
    let bench = Bench::new();
    let batch = event::LogBatch {
        labels: Labels::from([("job", "x".repeat(40_000).as_str())]),
        entries: vec![event::LogEntry::default()],
        ..event::LogBatch::default()
    };
    let value = event::encode(&event::Event::Logs(batch), event::Codec::Batch).remove(0);
    let error = bench.index().append(&record(0, value)).unwrap_err();
    assert!(matches!(error, AppendError::LabelsTooLong(_)), "{error}");
}
