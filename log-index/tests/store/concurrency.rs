//! Reading, taking in and sealing at the same time.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use bus::Offsets;
use config::ByteSize;
use event::{Codec, Event, Labels, LogBatch, LogEntry, encode};
use log_index::{Config, Retention};
use logql::Order;

use crate::support::{Bench, record, scan};

fn value(number: i64) -> Vec<u8> {
    let entry = LogEntry { timestamp_ns: number, line: number.to_string().into(), ..LogEntry::default() };
    let stream = (number % 3).to_string();
    let labels = Labels::from([("stream", stream.as_str())]);
    encode(&Event::Logs(LogBatch { source: String::new(), labels, entries: vec![entry] }), Codec::Batch)
        .remove(0)
}

#[test]
fn every_snapshot_holds_each_entry_once_and_none_after_a_gap() {
    const RECORDS: i64 = 1_000;
    let config = Config { retention: Retention::OFF, segment_bytes: ByteSize(3_000), ..Config::default() };
    let bench = Bench::with(config);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            (0..RECORDS).for_each(|number| bench.index().append(&record(number, value(number))).unwrap());
            done.store(true, Ordering::Release);
        });
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                bench.index().flush().unwrap();
            }
        });
        let mut seen = 0;
        while seen < RECORDS {
            let read = bench.index().read_offsets().get("logs", 0).unwrap_or(0);
            let times = scan(&bench.index().snapshot(), &[], 0..i64::MAX, Order::Forward);
            let times: Vec<i64> = times.into_iter().map(|entry| entry.timestamp_ns).collect();
            let count = times.len() as i64;
            assert!(
                count >= read.max(seen),
                "{count} entries, but {read} were taken in and {seen} were seen"
            );
            assert_eq!(times, (0..count).collect::<Vec<_>>());
            seen = count;
        }
    });
}

#[tokio::test]
async fn waiting_for_offsets_ends_when_they_are_reached_or_the_time_is_over() {
    let bench = Bench::new();
    let mut target = Offsets::default();
    target.set("logs", 0, 1);
    assert!(!bench.index().wait_for(&target, Duration::from_millis(1)).await);
    let index = bench.index().clone();
    let waiting = tokio::spawn(async move { index.wait_for(&target, Duration::from_secs(60)).await });
    tokio::task::yield_now().await;
    bench.index().append(&record(0, value(0))).unwrap();
    assert!(waiting.await.unwrap());
}

#[test]
fn a_merge_that_began_while_a_head_was_sealed_took_the_id_of_its_segment() {
    const RECORDS: i64 = 100;
    let bench = Bench::new();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                bench.index().merge(&|| false).unwrap();
            }
        });
        for number in 0..RECORDS {
            bench.index().append(&record(number, value(number))).unwrap();
            bench.index().flush().unwrap();
        }
        done.store(true, Ordering::Release);
    });
    assert_eq!(bench.lines(), (0..RECORDS).map(|number| number.to_string()).collect::<Vec<_>>());
}
