//! Questions about streams instead of their entries.

use config::ByteSize;
use event::{Event, Labels, Matcher, MetricFamily, SampleBatch};
use log_index::{Config, Kind, Retention};
use logql::{Entries, Order, Scan};

use crate::support::{Bench, scan};

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.send_lines(&Labels::from([("job", "a"), ("host", "web1")]), &[(100, "one")]);
    bench.send_samples(&Labels::from([("__name__", "up"), ("job", "a")]), &[(7, 1.0)]);
    bench.index().flush().unwrap();
    bench.send_lines(&Labels::from([("job", "b"), ("pod", "x")]), &[(200, "two")]);
    bench
}

#[test]
fn names_values_and_series_come_from_memory_and_segments_within_the_span() {
    let bench = bench();
    let snapshot = bench.index().snapshot();
    let names = |start, end| snapshot.label_names(Kind::Logs, &[], start, end).unwrap();
    assert_eq!(names(0, 1000), ["host", "job", "pod"]);
    assert_eq!(names(0, 200), ["host", "job"]);
    assert_eq!(names(101, 201), ["job", "pod"]);
    assert_eq!(names(0, 100), [""; 0]);
    let values =
        |name, matchers: &[Matcher]| snapshot.label_values(Kind::Logs, name, matchers, 0, 1000).unwrap();
    assert_eq!(values("job", &[]), ["a", "b"]);
    assert_eq!(values("job", &[Matcher::equal("pod", "x")]), ["b"]);
    assert_eq!(values("job", &[Matcher::equal("pod", "")]), ["a"]);
    assert_eq!(values("nothing", &[]), [""; 0]);
    let series = snapshot.series(Kind::Metrics, &[], 7, 7).unwrap();
    assert_eq!(series, [Labels::from([("__name__", "up"), ("job", "a")])]);
    assert_eq!(snapshot.label_names(Kind::Metrics, &[], 0, 10).unwrap(), ["__name__", "job"]);
}

#[test]
fn stats_and_status_count_what_is_there() {
    let bench = bench();
    let stats = bench.index().snapshot().stats(&[Matcher::equal("job", "a")], 0, 1000).unwrap();
    assert_eq!((stats.streams, stats.chunks, stats.entries), (1, 1, 1));
    let status = bench.index().status();
    assert_eq!((status.streams, status.series, status.segments), (2, 1, 1));
    assert_eq!((status.entries, status.samples, status.oldest_ms), (2, 1, Some(0)));
    assert!(status.bytes > 0 && status.head_bytes > 0 && status.read_only.is_none());
}

#[test]
fn types_and_help_texts_outlive_a_restart() {
    let mut bench = Bench::new();
    let family = MetricFamily { name: "up".into(), kind: "gauge".into(), ..MetricFamily::default() };
    let families = vec![family.clone()];
    bench.send(&Event::Samples(SampleBatch { families, ..SampleBatch::default() }));
    bench.index().flush().unwrap();
    bench.crash();
    assert_eq!(bench.index().snapshot().families(), [family]);
}

#[test]
fn a_snapshot_stays_as_it_was_while_more_comes_in_and_is_sealed() {
    let mut bench = bench();
    let before = bench.index().snapshot();
    bench.send_lines(&Labels::from([("job", "b"), ("pod", "x")]), &[(201, "three")]);
    bench.index().flush().unwrap();
    assert_eq!(scan(&before, &[], 0..1000, Order::Forward).len(), 2);
    assert_eq!(bench.lines(), ["one", "two", "three"]);
}

#[test]
fn a_scan_ends_when_the_visitor_has_enough() {
    let bench = bench();
    let scan =
        Scan { matchers: &[], start_ns: 0, end_ns: 1000, order: Order::Backward, filters: &[], lens: None };
    let mut lines = Vec::new();
    let visit = &mut |_: &Labels, entry: logql::EntryRef<'_>| {
        lines.push(entry.line.to_vec());
        std::ops::ControlFlow::Break(())
    };
    bench.index().snapshot().scan(&scan, visit).unwrap();
    assert_eq!(lines, [b"two"]);
}

/// Segments after ten samples of so many series, where memory holds 10 kB of rows.
fn segments_of(series: i64) -> u64 {
    let config = Config { segment_bytes: ByteSize(10_000), ..Config::default() };
    let mut bench = Bench::with(Config { retention: Retention::OFF, ..config });
    for time in 0..10 {
        for number in 0..series {
            let labels = Labels::from([("__name__", "x"), ("n", number.to_string().as_str())]);
            bench.send_samples(&labels, &[(time, 1.0)]);
        }
    }
    bench.index().seal_due().unwrap();
    bench.index().status().segments
}

#[test]
fn a_segment_is_written_for_rows_and_not_for_every_row_of_very_many_series() {
    assert_eq!((segments_of(50), segments_of(80)), (0, 1));
    assert!(segments_of(200) > 3, "memory is bounded all the same");
}
