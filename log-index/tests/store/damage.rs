//! Segments that are not as they were written.

use std::fs;

use event::Labels;
use logql::Order;

use crate::support::{Bench, files, scan};

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.send_lines(&Labels::from([("job", "a")]), &[(1, "first line"), (2, "second line")]);
    bench.send_lines(&Labels::from([("job", "b")]), &[(3, "third line")]);
    bench.send_samples(&Labels::from([("__name__", "up")]), &[(5, 1.0), (6, 0.5)]);
    bench.index().flush().unwrap();
    bench.send_lines(&Labels::from([("job", "a")]), &[(4, "in another segment")]);
    bench.index().flush().unwrap();
    bench
}

#[test]
fn whatever_byte_is_damaged_the_answer_is_right_or_carries_a_notice() {
    let mut bench = bench();
    let whole = scan(&bench.index().snapshot(), &[], 0..10, Order::Forward);
    let segment = bench.segment_files().remove(0);
    let content = fs::read(&segment).unwrap();
    let mut noticed = 0;
    for at in 0..content.len() {
        let mut damaged = content.clone();
        damaged[at] ^= 0x5a;
        fs::write(&segment, damaged).unwrap();
        bench.crash();
        let snapshot = bench.index().snapshot();
        let seen = scan(&snapshot, &[], 0..10, Order::Backward);
        let samples: usize = snapshot
            .select_samples(&[], 0, 10, &|_| false)
            .unwrap()
            .numbers
            .iter()
            .map(|s| s.samples.len())
            .sum();
        assert!(seen.iter().all(|entry| whole.contains(entry)), "byte {at}");
        assert!(seen.iter().any(|entry| entry.line == b"in another segment"), "byte {at}");
        let all_there = seen.len() == whole.len() && samples == 2;
        assert_eq!(all_there, snapshot.notices().is_empty(), "byte {at}: {:?}", snapshot.notices());
        noticed += usize::from(!all_there);
    }
    assert!(noticed > 50, "only {noticed} of {} bytes matter", content.len());
}

#[test]
fn whatever_byte_of_manifest_or_catalog_is_damaged_everything_is_answered() {
    const STEP: usize = 31;
    let mut bench = bench();
    let whole = bench.lines();
    bench.close();
    let index = bench.folder.path().join("index");
    let catalog = index.join("catalog");
    let mut saved = files(&catalog);
    saved.push(index.join("segments/manifest"));
    let saved: Vec<_> = saved.into_iter().map(|file| (fs::read(&file).unwrap(), file)).collect();
    for (content, file) in &saved {
        for at in (0..content.len()).step_by(STEP) {
            fs::remove_dir_all(&catalog).unwrap();
            fs::create_dir(&catalog).unwrap();
            saved.iter().for_each(|(content, file)| fs::write(file, content).unwrap());
            let mut damaged = content.clone();
            damaged[at] ^= 0x5a;
            fs::write(file, damaged).unwrap();
            bench.open();
            assert_eq!(bench.lines(), whole, "{} byte {at}", file.display());
            bench.close();
        }
    }
}

#[test]
fn a_segment_whose_streams_cannot_be_known_is_in_every_answer_s_notices() {
    let mut bench = bench();
    let segment = bench.segment_files().remove(0);
    let mut content = fs::read(&segment).unwrap();
    let last = content.len() - 1;
    content[last] ^= 0x5a;
    fs::write(&segment, content).unwrap();
    bench.close();
    fs::remove_dir_all(bench.folder.path().join("index/catalog")).unwrap();
    bench.open();
    assert_eq!(bench.lines(), ["in another segment"]);
    let notices = bench.index().snapshot().notices();
    assert!(notices[0].contains("0000000000000001.seg") && notices[0].contains("footer"), "{notices:?}");
}

#[test]
fn a_cut_or_missing_segment_is_named_and_the_others_answer() {
    let mut bench = bench();
    let segment = bench.segment_files().remove(0);
    let content = fs::read(&segment).unwrap();
    for length in [0, 7, 12, 40] {
        fs::write(&segment, &content[..length]).unwrap();
        check_first_is_left_out(&mut bench);
    }
    fs::remove_file(&segment).unwrap();
    check_first_is_left_out(&mut bench);
}

fn check_first_is_left_out(bench: &mut Bench) {
    bench.crash();
    let snapshot = bench.index().snapshot();
    let seen = scan(&snapshot, &[], 0..10, Order::Forward);
    assert_eq!(seen.len(), 1);
    assert!(snapshot.notices()[0].contains("0000000000000001.seg"), "{:?}", snapshot.notices());
}

#[test]
fn a_segment_of_an_earlier_or_later_version_is_named_with_it_and_the_remedy() {
    let mut bench = bench();
    let segment = bench.segment_files().remove(0);
    let mut content = fs::read(&segment).unwrap();
    for version in [1, 9] {
        content[6] = version;
        fs::write(&segment, &content).unwrap();
        bench.crash();
        let snapshot = bench.index().snapshot();
        assert_eq!(scan(&snapshot, &[], 0..10, Order::Forward).len(), 1);
        let notice = snapshot.notices().remove(0);
        assert!(
            notice.contains(&format!("version {version}; this release reads versions 2 to 3")),
            "{notice}"
        );
        assert!(notice.contains("use the release that wrote it"), "{notice}");
    }
}
