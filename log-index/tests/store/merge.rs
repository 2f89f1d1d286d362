//! Neighbours that become one segment.

use std::{cell::Cell, fs};

use event::Labels;
use log_index::{Config, MergeError, Retention};
use logql::Order;

use crate::support::{Bench, scan};

/// So many segments of one level are merged.
const FANOUT: usize = 8;

fn labels(job: &str) -> Labels {
    Labels::from([("job", job)])
}

/// Segments of one line each.
fn bench(segments: usize) -> Bench {
    let mut bench = Bench::new();
    add(&mut bench, 0, segments);
    bench
}

fn add(bench: &mut Bench, from: usize, segments: usize) {
    for number in from..from + segments {
        bench.send_lines(&labels("a"), &[(number as i64, &format!("line {number}"))]);
        bench.index().flush().unwrap();
    }
}

fn expected(lines: usize) -> Vec<String> {
    (0..lines).map(|number| format!("line {number}")).collect()
}

#[test]
fn segments_become_few_and_nothing_is_lost_or_doubled() {
    let mut bench = bench(FANOUT * FANOUT + 3);
    bench.index().merge(&|| false).unwrap();
    assert_eq!((bench.index().status().segments, bench.segment_files().len()), (4, 4));
    assert_eq!(bench.lines(), expected(67));
    bench.crash();
    assert_eq!(bench.lines(), expected(67));
    add(&mut bench, 67, 5);
    bench.index().merge(&|| false).unwrap();
    assert_eq!(bench.index().status().segments, 2);
    assert_eq!(bench.lines(), expected(72));
}

#[test]
fn of_equal_times_the_first_to_arrive_stays_the_first() {
    let mut bench = Bench::new();
    let names: Vec<String> = (0..2 * FANOUT).map(|number| format!("{number}")).collect();
    for (at, name) in names.iter().enumerate() {
        bench.send_lines(&labels("a"), &[(7, name)]);
        bench.send_samples(&labels("up"), &[(7, at as f64)]);
        bench.index().flush().unwrap();
        if at == FANOUT + 1 {
            bench.index().merge(&|| false).unwrap();
        }
    }
    bench.index().merge(&|| false).unwrap();
    assert_eq!(bench.index().status().segments, 2);
    assert_eq!(bench.lines(), names);
    let series = bench.index().snapshot().select_samples(&[], 0, 10, &|_| false).unwrap().numbers;
    assert_eq!(series[0].samples.iter().map(|sample| sample.value).collect::<Vec<_>>(), [0.0]);
}

#[test]
fn a_reader_keeps_what_it_reads() {
    let bench = bench(FANOUT);
    let reader = bench.index().snapshot();
    bench.index().merge(&|| false).unwrap();
    assert_eq!(bench.segment_files().len(), FANOUT + 1);
    assert_eq!(scan(&reader, &[], 0..100, Order::Forward).len(), FANOUT);
    assert_eq!(reader.notices(), [""; 0]);
    drop(reader);
    assert_eq!(bench.segment_files().len(), 1);
}

#[test]
fn a_merge_that_is_interrupted_leaves_nothing_behind() {
    let mut bench = Bench::new();
    for segment in 0..FANOUT as i64 {
        (0..3).for_each(|job| bench.send_lines(&labels(&job.to_string()), &[(segment, "a line")]));
        bench.index().flush().unwrap();
    }
    for steps in 0..3 {
        let left = Cell::new(steps);
        let stop = || left.replace(left.get() - 1) == 0;
        let error = bench.index().merge(&stop).unwrap_err();
        assert!(matches!(error, MergeError::Stopped), "{error}");
        assert_eq!(bench.segment_files().len(), FANOUT);
    }
    bench.index().merge(&|| false).unwrap();
    assert_eq!((bench.segment_files().len(), bench.lines().len()), (1, 3 * FANOUT));
}

#[test]
fn what_is_taken_in_and_sealed_during_a_merge_stays() {
    let mut bench = bench(FANOUT);
    let index = bench.index().clone();
    let sealed = Cell::new(false);
    let seal_once = || {
        if !sealed.replace(true) {
            bench.send_lines(&labels("a"), &[(FANOUT as i64, &format!("line {FANOUT}"))]);
            bench.index().flush().unwrap();
        }
        false
    };
    let seal_once = std::cell::RefCell::new(seal_once);
    index.merge(&|| seal_once.borrow_mut()()).unwrap();
    drop((index, seal_once));
    assert_eq!(bench.lines(), expected(FANOUT + 1));
    bench.crash();
    assert_eq!(bench.lines(), expected(FANOUT + 1));
    assert_eq!(bench.index().status().segments, 2);
}

#[test]
fn a_damaged_segment_is_not_merged_away_and_holds_up_no_others() {
    let mut bench = bench(2 * FANOUT + 1);
    let first = bench.segment_files().remove(0);
    let mut content = fs::read(&first).unwrap();
    content[10] ^= 0x5a;
    fs::write(&first, &content).unwrap();
    bench.crash();
    let error = bench.index().merge(&|| false).unwrap_err();
    assert!(error.to_string().contains("0000000000000001.seg"), "{error}");
    bench.index().merge(&|| false).unwrap();
    assert_eq!(bench.index().status().segments, 3);
    assert_eq!(fs::read(&first).unwrap(), content);
    assert_eq!(bench.lines(), &expected(2 * FANOUT + 1)[1..]);
}

#[test]
fn segments_that_would_outlive_retention_are_not_merged() {
    const NOW_MS: i64 = 1_700_000_000_000;
    let retention = Retention::of_age(config::Duration::from_secs(3600));
    let mut bench = Bench::with(Config { retention, ..Config::default() });
    for minutes in 0..FANOUT as i64 {
        bench.send_lines(&labels("a"), &[((NOW_MS + minutes * 120_000) * 1_000_000, "a line")]);
        bench.index().flush().unwrap();
    }
    bench.index().merge(&|| false).unwrap();
    assert_eq!(bench.index().status().segments, FANOUT as u64);
}
