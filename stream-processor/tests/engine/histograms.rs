//! Rules over native histograms.

use event::{Bucket, Event, Histogram, HistogramSample, HistogramSeries, Sample, SampleBatch, Series};
use stream_processor::engine::Output;

use crate::case::{Input, START_MS, engine, labels, partition, run, show_alerts, show_series};

const RULES: &str = r#"
groups:
  - name: g
    interval: 15s
    rules:
      - {record: all, expr: sum(took)}
      - {record: many, expr: histogram_count(all)}
      - {alert: Slow, expr: 'histogram_quantile(0.5, took) > 2.5'}
      - {alert: Some, expr: sum(took)}
"#;

/// `count` observations between 1 and 2, and one more between 2 and 4 for each that is slow.
pub fn histogram(count: f64, slow: f64) -> Histogram {
    let bucket = |index, count| Bucket { index, count };
    Histogram {
        count: count + slow,
        sum: count + 3.0 * slow,
        positive: vec![bucket(1, count), bucket(2, slow)],
        ..Histogram::default()
    }
}

fn took(host: &str, at_ms: i64, histogram: Histogram) -> Input {
    let series = HistogramSeries {
        labels: labels(&format!("took{{host=\"{host}\"}}")),
        samples: vec![HistogramSample { timestamp_ms: START_MS + at_ms, histogram: histogram.into() }],
    };
    input(at_ms, SampleBatch { histograms: vec![series], ..SampleBatch::default() })
}

fn input(at_ms: i64, batch: SampleBatch) -> Input {
    Input { partition: partition(0), written_ms: START_MS + at_ms, event: Event::Samples(batch) }
}

fn ended(host: &str, at_ms: i64) -> Input {
    let value = f64::from_bits(Sample::STALE_BITS);
    let series = Series {
        labels: labels(&format!("took{{host=\"{host}\"}}")),
        samples: vec![Sample { timestamp_ms: START_MS + at_ms, value }],
    };
    input(at_ms, SampleBatch { series: vec![series], ..SampleBatch::default() })
}

fn tick(at_ms: i64) -> Input {
    let event = Event::Tick(event::Tick { timestamp_ms: START_MS + at_ms });
    Input { partition: partition(0), written_ms: START_MS + at_ms, event }
}

#[test]
fn rules_see_native_histograms_and_record_them() {
    let mut engine = engine(RULES, "");
    engine.set_partitions(&[partition(0)]);
    let inputs = [
        took("a", 0, histogram(4.0, 0.0)),
        took("b", 0, histogram(2.0, 0.0)),
        took("a", 15_000, histogram(4.0, 16.0)),
        ended("a", 30_000),
        ended("b", 30_000),
        tick(40_000),
    ];
    let outputs = run(&mut engine, &inputs);
    let expected = "0s firing Some{} = 0\n15s firing Slow{host=\"a\"} = 2.5936791093020193\n\
                    30s resolved Slow{host=\"a\"} = 2.5936791093020193\n30s resolved Some{} = 0\n";
    assert_eq!(show_alerts(&outputs, false), expected);

    let recorded = |output: &Output| match output {
        Output::Series(batch) => batch.histograms.iter().map(|s| (*s.samples[0].histogram).clone()).collect(),
        Output::Alert(_) => Vec::new(),
    };
    let recorded: Vec<Histogram> = outputs.iter().flat_map(recorded).collect();
    assert_eq!(recorded.iter().map(|h| h.count).collect::<Vec<_>>(), [6.0, 22.0]);
    let series = show_series(&outputs);
    let own: Vec<&str> = series.lines().filter(|line| !line.contains("ALERTS")).collect();
    assert_eq!(own, ["0s many{} 6", "15s many{} 22", "30s all{} stale", "30s many{} stale"]);
    assert!(engine.take_problems().is_empty());
}
