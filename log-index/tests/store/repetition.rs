//! Sources that send again what they have sent before.

use event::{Codec, Event, Labels, LogBatch, LogEntry, Sample, SampleBatch, Series};

use crate::support::Bench;

fn batch(source: &str, positions: std::ops::RangeInclusive<u64>) -> Event {
    let entry = |position| LogEntry {
        timestamp_ns: position as i64,
        line: "same text".into(),
        position,
        ..LogEntry::default()
    };
    let labels = Labels::from([("job", "a")]);
    Event::Logs(LogBatch { source: source.into(), labels, entries: positions.map(entry).collect() })
}

#[test]
fn what_a_source_sends_again_is_dropped_even_after_a_crash() {
    let mut bench = Bench::new();
    bench.send(&batch("file", 1..=5));
    bench.send(&batch("file", 3..=7));
    assert_eq!(bench.lines().len(), 7);
    bench.index().flush().unwrap();
    bench.crash();
    bench.send(&batch("file", 1..=8));
    assert_eq!(bench.lines().len(), 8);
    bench.crash();
    assert_eq!(bench.lines().len(), 8);
}

#[test]
fn a_source_without_identity_repeats_itself_as_often_as_it_likes() {
    let mut bench = Bench::new();
    bench.send(&batch("", 1..=2));
    bench.send(&batch("", 1..=2));
    assert_eq!(bench.lines().len(), 4);
}

#[test]
fn samples_of_one_position_are_taken_in_once() {
    let mut bench = Bench::new();
    let batch = |position, timestamp_ms| {
        let labels = Labels::from([("__name__", "up")]);
        let series = vec![Series { labels, samples: vec![Sample { timestamp_ms, value: 1.0 }] }];
        Event::Samples(SampleBatch { source: "host".into(), position, series, ..SampleBatch::default() })
    };
    bench.send(&batch(0, 10));
    bench.send(&batch(0, 11));
    bench.send(&batch(1, 12));
    assert_eq!(bench.index().status().samples, 2);
}

#[test]
fn a_batch_of_samples_may_come_as_several_json_records_of_one_position() {
    let mut bench = Bench::new();
    let labels = |name| Labels::from([("__name__", name)]);
    let one = |name| Series { labels: labels(name), samples: vec![Sample { timestamp_ms: 1, value: 1.0 }] };
    let series = vec![one("a"), one("b")];
    let batch =
        Event::Samples(SampleBatch { source: "host".into(), position: 7, series, ..SampleBatch::default() });
    bench.send_as(&batch, Codec::Json);
    bench.send_as(&batch, Codec::Json);
    let found = bench.index().snapshot().select_samples(&[], 0, 10, &|_| false).unwrap().numbers;
    assert_eq!(found.iter().map(|s| s.samples.len()).collect::<Vec<_>>(), [1, 1]);
}
