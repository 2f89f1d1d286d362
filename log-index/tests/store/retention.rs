//! What is too old.

use config::{ByteSize, Duration};
use event::Labels;
use log_index::{Config, Retention};
use logql::Order;

use crate::support::{Bench, scan};

const NOW_MS: i64 = 1_700_000_000_000;
const HOUR_MS: i64 = 3_600_000;

fn bench() -> Bench {
    Bench::with(Config { retention: Retention::of_age(Duration::from_secs(3600)), ..Config::default() })
}

fn labels() -> Labels {
    Labels::from([("job", "a")])
}

#[test]
fn what_is_older_than_retention_by_the_time_of_its_record_is_not_taken_in() {
    let mut bench = bench();
    let horizon_ns = (NOW_MS - HOUR_MS) * 1_000_000;
    bench.send_lines(
        &labels(),
        &[(horizon_ns - 1, "too old"), (horizon_ns, "old enough"), (i64::MAX, "future")],
    );
    bench.send_samples(&labels(), &[(NOW_MS - HOUR_MS - 1, 1.0), (NOW_MS, 2.0)]);
    assert_eq!(bench.lines(), ["old enough", "future"]);
    assert_eq!((bench.index().status().entries, bench.index().status().samples), (2, 1));
}

#[test]
fn data_of_any_age_is_taken_in_and_stays_without_retention() {
    let mut bench = Bench::new();
    bench.send_lines(&labels(), &[(0, "1970")]);
    bench.index().flush().unwrap();
    assert_eq!(bench.index().retain(i64::MAX).unwrap(), 0);
    assert_eq!(bench.lines(), ["1970"]);
}

#[test]
fn segments_go_when_everything_in_them_is_too_old_but_not_under_a_reader() {
    let mut bench = bench();
    bench.send_lines(&labels(), &[(NOW_MS * 1_000_000, "old")]);
    bench.index().flush().unwrap();
    bench.send_lines(&labels(), &[((NOW_MS + HOUR_MS) * 1_000_000, "new")]);
    bench.index().flush().unwrap();
    let reader = bench.index().snapshot();
    assert_eq!(bench.index().retain(NOW_MS + HOUR_MS).unwrap(), 0);
    assert_eq!(bench.index().retain(NOW_MS + HOUR_MS + 1).unwrap(), 1);
    assert_eq!(bench.lines(), ["new"]);
    assert_eq!(scan(&reader, &[], 0..i64::MAX, Order::Forward).len(), 2);
    assert_eq!(reader.notices(), Vec::<String>::new());
    assert_eq!(bench.segment_files().len(), 2);
    drop(reader);
    assert_eq!(bench.segment_files().len(), 1);
    bench.crash();
    assert_eq!(bench.lines(), ["new"]);
    assert_eq!(bench.index().status().segments, 1);
}

#[test]
fn what_lies_in_the_future_ages_from_when_it_was_written_merged_or_not() {
    const PARTS: usize = 8;
    let now_ms = || jiff::Timestamp::now().as_millisecond();
    let mut bench = bench();
    let before_ms = now_ms();
    let send = |bench: &mut Bench| {
        bench.send_lines(&labels(), &[(NOW_MS * 1_000_000, "now"), (i64::MAX, "future")]);
        bench.index().flush().unwrap();
    };
    (0..PARTS).for_each(|_| send(&mut bench));
    bench.index().merge(&|| false).unwrap();
    send(&mut bench);
    assert_eq!(bench.index().retain(before_ms + HOUR_MS).unwrap(), 0);
    bench.crash();
    assert_eq!(bench.index().status().segments, 2);
    assert_eq!(bench.index().retain(now_ms() + HOUR_MS + 1).unwrap(), 2);
}

#[test]
fn the_oldest_segments_go_when_all_together_are_too_large() {
    let bytes = Some(ByteSize(1));
    let mut bench =
        Bench::with(Config { retention: Retention { bytes, ..Retention::OFF }, ..Config::default() });
    bench.send_lines(&labels(), &[(7, "on disk")]);
    bench.index().flush().unwrap();
    bench.send_lines(&labels(), &[(8, "in memory")]);
    assert_eq!(bench.index().retain(0).unwrap(), 1);
    assert_eq!(bench.lines(), ["in memory"]);
    bench.crash();
    assert_eq!(bench.lines(), ["in memory"]);
}

#[test]
fn the_oldest_segments_go_when_the_disk_has_too_little_room() {
    let free_percent = Some(99);
    let retention = Retention { free_percent, ..Retention::OFF };
    let mut bench = Bench::with(Config { retention, ..Config::default() });
    bench.send_lines(&labels(), &[(7, "a line")]);
    bench.index().flush().unwrap();
    assert_eq!(bench.index().retain(0).unwrap(), 1, "no disk of a test machine is that empty");
    assert_eq!(bench.segment_files().len(), 0);
}
