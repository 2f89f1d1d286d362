//! The same events give the same outputs, whatever order partitions are read in, wherever batches are cut, and
//! whenever the processor is killed and started again.

use crate::{
    case::{Input, START_MS, alerts, engine_with, labels, partition, run},
    histograms::histogram,
};
use event::{Event, HistogramSample, HistogramSeries, Sample, SampleBatch, Series, Tick};
use proptest::prelude::*;
use stream_processor::engine::{Engine, Options, Output, Silence};

const RULES: &str = r#"
groups:
  - name: first
    interval: 10s
    rules:
      - {record: total, expr: "sum by (h) (rate(c[40s])) or sum by (h) (x)"}
      - {alert: High, expr: "x > 5", for: 20s, keep_firing_for: 20s, annotations: {v: "{{ $value }}"}}
      - {alert: Gone, expr: absent(x), for: 30s}
      - {record: clock, expr: time()}
      - {record: distribution, expr: sum by (h) (l)}
  - name: second
    rules:
      - {record: chained, expr: "avg_over_time(total[1m])"}
      - {alert: Chained, expr: "chained > 3", annotations: {v: "{{ query `max(total)` | first | value }}"}}
"#;
const WINDOWS: &str = "windows: [{name: x, select: x, window: 20s, functions: [avg, count], by: [h]}]";

/// Records of three partitions: samples with some disorder, lateness, gaps, repetitions, ticks.
fn records() -> impl Strategy<Value = Vec<Input>> {
    let one = (0..3_i32, 0..4_i64, -20..8_i64, 0..10_u8, 0..5_u8);
    proptest::collection::vec(one, 1..120).prop_map(|steps| {
        let (mut now, mut position) = (START_MS, 0);
        let records = steps.into_iter().map(|(number, pace, shift, value, kind)| {
            now += [1_000, 4_000, 9_000, if value == 9 { 400_000 } else { 2_000 }][pace as usize];
            position += u64::from(kind != 1);
            // Most samples are on time.
            let time = if kind < 4 { now } else { now + shift * 1_000 };
            let event = match kind {
                0 => Event::Tick(Tick { timestamp_ms: now }),
                _ => Event::Samples(batch(number, time, position, f64::from(value))),
            };
            Input { partition: partition(number), written_ms: now, event }
        });
        let mut all: Vec<Input> = records.collect();
        let end = |number| Input {
            partition: partition(number),
            written_ms: now + 60_000,
            event: Event::Tick(Tick { timestamp_ms: now + 60_000 }),
        };
        all.extend((0..3).map(end));
        all
    })
}

fn batch(number: i32, timestamp_ms: i64, position: u64, value: f64) -> SampleBatch {
    let series = |name: &str, value: f64| Series {
        labels: labels(&format!("{name}{{h=\"{number}\"}}")),
        samples: vec![Sample { timestamp_ms, value }],
    };
    SampleBatch {
        source: format!("s{number}"),
        position,
        series: vec![series("x", value), series("c", (timestamp_ms - START_MS) as f64 * value / 1e3)],
        histograms: vec![HistogramSeries {
            labels: labels(&format!("l{{h=\"{number}\"}}")),
            samples: vec![HistogramSample { timestamp_ms, histogram: histogram(value, 1.0).into() }],
        }],
        ..SampleBatch::default()
    }
}

fn fresh() -> Engine {
    let silence = Some(Silence { after_ms: 30_000, unknown_ms: 120_000 });
    let mut engine = engine_with(RULES, WINDOWS, Options { silence, ..Options::default() });
    engine.set_partitions(&[partition(0), partition(1), partition(2)]);
    engine
}

/// Each partition in its order, the partitions shuffled: `picks` says which one comes next.
fn interleaved(records: &[Input], picks: &[u8]) -> Vec<Input> {
    let mut queues: Vec<Vec<Input>> = (0..3)
        .map(|number| records.iter().rev().filter(|r| r.partition == partition(number)).cloned().collect())
        .collect();
    let mut all = Vec::new();
    let mut picks = picks.iter().cycle();
    while queues.iter().any(|q| !q.is_empty()) {
        let pick = usize::from(*picks.next().unwrap_or(&0)) % 3;
        let at = (0..3).map(|i| (pick + i) % 3).find(|i| !queues[*i].is_empty()).unwrap();
        all.extend(queues[at].pop());
    }
    all
}

fn run_in_cuts(engine: &mut Engine, records: &[Input], cut: usize) -> Vec<Output> {
    records.chunks(cut).flat_map(|chunk| run(engine, chunk)).collect()
}

/// NaN equals NaN here: outputs are compared as bytes.
fn bytes(outputs: &[Output]) -> Vec<Vec<u8>> {
    let encode = |output: &Output| match output {
        Output::Series(batch) => event::encode(&Event::Samples(batch.clone()), event::Codec::Batch).concat(),
        Output::Alert(alert) => alert.to_json(),
    };
    outputs.iter().map(encode).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn interleaving_and_cuts_change_nothing(
        records in records(),
        picks in proptest::collection::vec(0..3_u8, 1..40),
        cut in 1..30_usize,
    ) {
        let expected = run(&mut fresh(), &records);
        let shuffled = run_in_cuts(&mut fresh(), &interleaved(&records, &picks), cut);
        prop_assert_eq!(bytes(&shuffled), bytes(&expected));
    }

    #[test]
    fn a_restart_at_any_point_gives_the_same_sequence(
        records in records(),
        kill in 0..120_usize,
        uncommitted in 0..3_usize,
    ) {
        let expected = run_in_cuts(&mut fresh(), &records, 1);
        let mut first = fresh();
        let kill = kill.min(records.len());
        let mut outputs = run_in_cuts(&mut first, &records[..kill], 1);
        let committed = first.last_step();
        // Some outputs were written after the last commit.
        let mut written = outputs.clone();
        let next = run_in_cuts(&mut first, &records[kill..], 1);
        written.extend(next.into_iter().take(uncommitted));

        let mut second = fresh();
        second.resume(committed, &alerts(&written));
        for output in &written {
            if let Output::Series(batch) = output {
                second.resume_series(batch);
            }
        }
        let again = run(&mut second, &records);
        let known = alerts(&written);
        outputs.extend(written[outputs.len()..].iter().filter(|o| matches!(o, Output::Alert(_))).cloned());
        outputs.extend(again);
        // Alerts that were written without being committed come once, before the series of their step.
        prop_assert!(known.len() <= alerts(&outputs).len());
        prop_assert_eq!(missing(&outputs, &expected), "");
        prop_assert_eq!(missing(&expected, &outputs), "");
    }
}

/// What `of` has and `from` lacks.
fn missing(from: &[Output], of: &[Output]) -> String {
    let mut known = bytes(from);
    let lacking = of.iter().filter(|output| {
        let bytes = bytes(std::slice::from_ref(*output)).remove(0);
        let at = known.iter().position(|k| *k == bytes);
        at.map(|at| known.swap_remove(at)).is_none()
    });
    lacking.map(|output| format!("{output:?}\n")).collect()
}
