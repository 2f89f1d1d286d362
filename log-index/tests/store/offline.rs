//! `check` and `inspect` on the files alone.

use std::{fs, path::PathBuf};

use event::Labels;
use log_index::{CheckReport, Kind, check, inspect};
use tempfile::TempDir;

use crate::support::{Bench, files};

/// Two segments with logs and metrics.
fn bench() -> Bench {
    let mut bench = Bench::new();
    for time in [1, 100] {
        bench.send_lines(&Labels::from([("job", "a")]), &[(time, "first line"), (time + 1, "second line")]);
        bench.send_lines(&Labels::from([("job", "b")]), &[(time, "b")]);
        bench.send_samples(&Labels::from([("__name__", "up")]), &[(time, 1.0), (time + 5, 0.5)]);
        bench.index().flush().unwrap();
    }
    bench
}

fn checked(bench: &Bench) -> CheckReport {
    check(bench.folder.path(), &mut |_, _| ()).unwrap()
}

#[test]
fn an_index_in_use_is_checked_with_progress_and_is_well() {
    let bench = bench();
    let mut told = Vec::new();
    let report = check(bench.folder.path(), &mut |done, total| told.push((done, total))).unwrap();
    assert_eq!((report.segments, report.streams, report.blocks), (2, 6, 4));
    assert_eq!((&report.problems[..], &report.warnings[..]), (&[][..], &[][..]));
    assert_eq!(told.last(), Some(&(report.bytes, report.bytes)));
    assert_eq!(check(&bench.folder.path().join("index"), &mut |_, _| ()).unwrap(), report);
}

#[test]
fn whatever_byte_of_a_segment_is_damaged_the_check_names_the_file() {
    let bench = bench();
    let segment = bench.segment_files().remove(0);
    let content = fs::read(&segment).unwrap();
    for at in 0..content.len() {
        let mut damaged = content.clone();
        damaged[at] ^= 0x5a;
        fs::write(&segment, damaged).unwrap();
        let problems = checked(&bench).problems;
        assert!(!problems.is_empty(), "byte {at}");
        assert!(
            problems.iter().all(|p| p.file == "segments/0000000000000001.seg"),
            "byte {at}: {problems:?}"
        );
    }
}

#[test]
fn a_damaged_block_is_named_with_its_stream() {
    let bench = bench();
    let segment = bench.segment_files().remove(1);
    let mut content = fs::read(&segment).unwrap();
    content[20] ^= 1;
    fs::write(&segment, content).unwrap();
    let problem = checked(&bench).problems.remove(0);
    assert_eq!((problem.block, problem.stream.as_deref()), (Some(8), Some(r#"{job="a"}"#)), "{problem:?}");
    assert!(problem.reason.contains("checksum"), "{problem:?}");
}

#[test]
fn what_lies_behind_a_segment_is_damage_and_what_lies_beside_it_a_warning() {
    let bench = bench();
    let folder = bench.folder.path().join("index/segments");
    let segment = folder.join("0000000000000001.seg");
    for copy in ["00000000000000ff.seg", "1.seg", "copy.seg", "manifest-1", "0000000000000003.seg.tmp"] {
        fs::copy(&segment, folder.join(copy)).unwrap();
    }
    let mut content = fs::read(&segment).unwrap();
    content.extend([0; 3]);
    fs::write(&segment, content).unwrap();
    let report = checked(&bench);
    assert_eq!(report.problems.len(), 1, "{report:?}");
    let problem = &report.problems[0];
    assert_eq!(
        (&*problem.file, &*problem.reason),
        ("segments/0000000000000001.seg", "3 bytes lie behind its end")
    );
    let strange = report.warnings.iter().map(|warning| warning.file.as_str());
    assert_eq!(
        strange.collect::<Vec<_>>(),
        ["00000000000000ff.seg", "1.seg", "copy.seg", "manifest-1"].map(|name| format!("segments/{name}"))
    );
}

#[test]
fn missing_segments_and_damaged_catalogs_are_named() {
    let bench = bench();
    let segment = bench.segment_files().remove(0);
    let content = fs::read(&segment).unwrap();
    fs::remove_file(&segment).unwrap();
    assert_eq!(checked(&bench).problems[0].file, "segments/0000000000000001.seg");
    fs::write(&segment, content).unwrap();
    let mut term = files(&bench.folder.path().join("index/catalog")).into_iter();
    let term = term.find(|file| file.extension().is_some_and(|e| e == "term")).unwrap();
    let mut content = fs::read(&term).unwrap();
    content[3] ^= 0x5a;
    fs::write(&term, content).unwrap();
    let problems = checked(&bench).problems;
    assert_eq!((problems.len(), problems[0].file.as_str()), (1, "catalog"), "{problems:?}");
    fs::write(bench.folder.path().join("index/segments/manifest"), "{}").unwrap();
    assert!(check(bench.folder.path(), &mut |_, _| ()).is_err());
}

#[test]
fn an_inspection_adds_up() {
    let bench = bench();
    let report = inspect(bench.folder.path(), &mut |_, _| ()).unwrap();
    assert_eq!(
        report.segments.iter().map(|s| (s.streams, s.entries, s.samples)).collect::<Vec<_>>(),
        [(3, 3, 2); 2]
    );
    let largest = &report.streams[0];
    assert_eq!((largest.kind, largest.rows, largest.segments), (Kind::Logs, 4, 2));
    assert_eq!(largest.labels, Labels::from([("job", "a")]));
    let on_disk: u64 = bench.segment_files().iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert_eq!(report.columns.iter().map(|column| column.bytes).sum::<u64>(), on_disk);
    assert_eq!(report.problems, [""; 0]);
}

#[test]
fn a_folder_without_an_index_is_an_error_and_stays_empty() {
    let folder = tempfile::tempdir().unwrap();
    let error = check(folder.path(), &mut |_, _| ()).unwrap_err().to_string();
    assert!(error.contains(&folder.path().display().to_string()), "{error}");
    assert_eq!(files(folder.path()).len(), 0);
}

/// What a group of two shards has in its storage; of the first one also a manifest from before.
fn shared() -> (TempDir, [PathBuf; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let shards = ["0", "1"].map(|shard| folder.path().join(shard));
    for shard in &shards {
        let bench = bench();
        fs::create_dir(shard).unwrap();
        for file in files(&bench.folder.path().join("index/segments")) {
            fs::copy(&file, shard.join(file.file_name().unwrap())).unwrap();
        }
        fs::rename(shard.join("manifest"), shard.join("manifest-00000002-0000000000000003")).unwrap();
    }
    fs::write(shards[0].join("manifest-00000001-0000000000000009"), "of an owner before").unwrap();
    (folder, shards)
}

#[test]
fn the_store_of_a_group_is_looked_at_shard_by_shard() {
    let (folder, shards) = shared();
    let mut told = Vec::new();
    let report = check(folder.path(), &mut |done, total| told.push((done, total))).unwrap();
    assert_eq!((report.segments, report.blocks), (4, 8));
    assert_eq!((&report.problems[..], &report.warnings[..]), (&[][..], &[][..]));
    assert_eq!(told.last(), Some(&(report.bytes, report.bytes)));
    let inspected = inspect(folder.path(), &mut |_, _| ()).unwrap();
    assert_eq!((inspected.segments.len(), inspected.streams[0].rows), (4, 8));

    let segment = shards[1].join("0000000000000002.seg");
    let mut content = fs::read(&segment).unwrap();
    content[20] ^= 1;
    fs::write(&segment, content).unwrap();
    let problems = check(folder.path(), &mut |_, _| ()).unwrap().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!((problems[0].file.as_str(), problems[0].block), ("1/0000000000000002.seg", Some(8)));
}

#[test]
fn a_shard_that_lacks_or_does_not_say_what_it_holds_is_named() {
    let (folder, shards) = shared();
    fs::rename(&shards[0], folder.path().join("3")).unwrap();
    fs::write(shards[1].join("manifest-00000002-0000000000000003"), "{}").unwrap();
    let report = check(folder.path(), &mut |_, _| ()).unwrap();
    let files: Vec<_> = report.problems.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!((report.segments, &files[..]), (2, &["0", "2", "1/manifest"][..]));
    assert_eq!(inspect(folder.path(), &mut |_, _| ()).unwrap().problems.len(), 3);
}

#[test]
fn segments_in_a_folder_of_their_own_are_looked_at_without_the_catalog() {
    let bench = bench();
    let report = check(&bench.folder.path().join("index/segments"), &mut |_, _| ()).unwrap();
    assert_eq!((report.segments, &report.problems[..]), (2, &[][..]));
}
