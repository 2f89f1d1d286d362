//! What is deleted by selector, time and line filters.

use event::{Labels, Matcher};
use log_index::{Index, Kind};

use crate::support::Bench;

fn labels(job: &str) -> Labels {
    Labels::from([("job", job)])
}

/// Two segments with both streams, and lines in memory.
fn bench() -> Bench {
    let mut bench = Bench::new();
    for segment in 0..3 {
        let time = 10 * segment;
        bench.send_lines(&labels("a"), &[(time, "secret 1"), (time + 1, "plain")]);
        bench.send_lines(&labels("b"), &[(time + 2, "secret 2")]);
        if segment < 2 {
            bench.index().flush().unwrap();
        }
    }
    bench
}

fn delete(bench: &Bench, query: &str, span: (i64, i64)) -> log_index::DeleteRequest {
    bench.index().delete(Kind::Logs, query, span, 0).unwrap()
}

#[test]
fn only_what_matches_is_hidden_also_after_a_crash_and_then_leaves_the_disk() {
    let mut bench = bench();
    let receipt = delete(&bench, r#"{job="a"} |= "secret""#, (0, 10));
    assert_eq!((receipt.matched, receipt.removed, receipt.is_processed()), (2, 0, false));
    let rest = ["plain", "secret 2", "plain", "secret 2", "secret 1", "plain", "secret 2"];
    assert_eq!(bench.lines(), rest);
    bench.crash();
    assert_eq!(bench.lines(), rest);
    bench.index().merge(&|| false).unwrap();
    let receipt = bench.index().deletes().remove(0);
    assert_eq!((receipt.matched, receipt.removed, receipt.is_processed()), (2, 2, true));
    assert_eq!(bench.lines(), rest);
    bench.crash();
    assert_eq!(bench.lines(), rest);
    assert_eq!(bench.index().status().entries, 7);
}

#[test]
fn what_arrives_after_a_delete_stays() {
    let mut bench = bench();
    delete(&bench, r#"{job=~".+"}"#, (i64::MIN, i64::MAX));
    assert_eq!(bench.lines(), [""; 0]);
    bench.send_lines(&labels("a"), &[(0, "came later")]);
    bench.index().merge(&|| false).unwrap();
    bench.crash();
    assert_eq!(bench.lines(), ["came later"]);
    assert_eq!(bench.segment_files().len(), 0, "segments without rows go");
}

#[test]
fn streams_of_which_all_is_deleted_are_no_longer_listed() {
    let bench = bench();
    delete(&bench, r#"{job="b"}"#, (0, 100));
    let snapshot = bench.index().snapshot();
    assert_eq!(snapshot.label_values(Kind::Logs, "job", &[], 0, 100).unwrap(), ["a"]);
    assert_eq!(snapshot.series(Kind::Logs, &[], 0, 100).unwrap(), [labels("a")]);
    assert_eq!(snapshot.stats(&[Matcher::equal("job", "b")], 0, 100).unwrap().entries, 0);
    bench.index().merge(&|| false).unwrap();
    let snapshot = bench.index().snapshot();
    assert_eq!(snapshot.label_values(Kind::Logs, "job", &[], 0, 100).unwrap(), ["a"]);
}

#[test]
fn two_deletes_of_the_same_lines_count_them_once() {
    let bench = bench();
    assert_eq!(delete(&bench, r#"{job="a"} |= "secret""#, (0, 100)).matched, 3);
    assert_eq!(delete(&bench, r#"{job="a"}"#, (0, 100)).matched, 3);
    bench.index().merge(&|| false).unwrap();
    let removed: Vec<u64> = bench.index().deletes().iter().map(|request| request.removed).collect();
    assert_eq!(removed, [3, 3]);
    assert_eq!(bench.lines(), ["secret 2"; 3]);
}

#[test]
fn a_delete_during_a_merge_is_not_lost() {
    let bench = bench();
    delete(&bench, r#"{job="b"}"#, (0, 2));
    let index: Index = bench.index().clone();
    let asked = std::cell::Cell::new(false);
    let ask_once = || {
        if !asked.replace(true) {
            delete(&bench, r#"{job="a"}"#, (0, 1));
        }
        false
    };
    index.merge(&ask_once).unwrap();
    let rest = ["secret 1", "plain", "secret 2", "secret 1", "plain", "secret 2"];
    assert_eq!(bench.lines(), rest);
    assert!(bench.index().deletes().iter().all(log_index::DeleteRequest::is_processed));
}

#[test]
fn a_delete_that_is_taken_back_during_its_merge_deletes_nothing() {
    let mut bench = bench();
    let before = bench.lines();
    let request = delete(&bench, r#"{job="a"}"#, (0, 100));
    let index: Index = bench.index().clone();
    let asked = std::cell::Cell::new(false);
    let cancel_once = || {
        if !asked.replace(true) {
            index.cancel_delete(request.id, false).unwrap();
        }
        false
    };
    index.merge(&cancel_once).unwrap();
    assert_eq!(bench.lines(), before);
    drop(index);
    bench.crash();
    assert_eq!(bench.lines(), before);
}
