//! Odd times, gaps and floods: counted, bounded, and nothing else suffers.

use crate::case::{START_MS, engine, labels, partition, show_alerts, show_series};
use config::Source;
use event::{Event, Sample, SampleBatch, Series, Tick};
use stream_processor::{
    engine::{Engine, Options},
    rules,
};

const RULES: &str = "
groups:
  - name: g
    rules:
      - {record: total, expr: sum(x)}
      - {alert: Gone, expr: absent(x), for: 1m}
";

fn samples(name: &str, times: &[i64]) -> Event {
    let samples = times.iter().map(|time| Sample { timestamp_ms: *time, value: 1.0 }).collect();
    let series = vec![Series { labels: labels(name), samples }];
    Event::Samples(SampleBatch { series, ..SampleBatch::default() })
}

fn tick(timestamp_ms: i64) -> Event {
    Event::Tick(Tick { timestamp_ms })
}

#[test]
fn impossible_times_are_refused_and_move_nothing() {
    let mut engine = engine(RULES, "");
    let wild = [i64::MIN, -1, START_MS + 3_600_000, i64::MAX];
    engine.feed(&partition(0), START_MS, &samples("x", &wild));
    for time in wild {
        engine.feed(&partition(0), START_MS, &tick(time));
    }
    assert_eq!(engine.stats().refused, 4);
    engine.feed(&partition(0), START_MS, &samples("x{i=\"a\"}", &[START_MS + 15_000]));
    engine.feed(&partition(0), START_MS + 20_000, &tick(START_MS + 20_000));
    assert_eq!(show_series(&engine.advance()), "15s total{} 1\n");
    assert!(engine.watermark().is_some_and(|reached| reached <= START_MS + 30_000));
}

#[test]
fn a_gap_of_decades_costs_a_few_steps_even_with_absent() {
    let mut engine = engine(RULES, "");
    engine.feed(&partition(0), 1_000, &samples("x", &[1_000]));
    engine.feed(&partition(0), START_MS, &samples("x", &[START_MS]));
    engine.feed(&partition(0), START_MS + 5_000, &tick(START_MS + 5_000));
    let outputs = engine.advance();
    assert!(engine.stats().steps < 100, "{:?}", engine.stats());
    let shown = show_alerts(&outputs, false);
    let states: Vec<_> = shown.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(states, ["pending", "firing", "resolved"], "{shown}");
}

#[test]
fn a_late_sample_counts_for_the_steps_that_are_still_to_come() {
    let mut engine =
        engine("groups: [{name: g, rules: [{record: n, expr: 'sum(count_over_time(x[1m]))'}]}]", "");
    engine.feed(&partition(0), START_MS, &samples("x", &[START_MS]));
    engine.feed(&partition(0), START_MS + 20_000, &tick(START_MS + 20_000));
    let first = engine.advance();
    engine.feed(&partition(0), START_MS + 21_000, &samples("x", &[START_MS + 10_000]));
    engine.feed(&partition(0), START_MS + 35_000, &tick(START_MS + 35_000));
    assert_eq!(show_series(&first), "0s n{} 1\n15s n{} 1\n");
    assert_eq!(show_series(&engine.advance()), "30s n{} 2\n");
    assert_eq!(engine.stats().late, 1);
}

#[test]
fn too_many_series_are_left_out_with_a_word_about_the_label() {
    let program = rules::check(&[Source::new("rules.yml", RULES)], None).unwrap();
    let mut engine = Engine::new(program, Options { max_series: 3, ..Options::default() });
    for number in 0..10 {
        engine.feed(
            &partition(0),
            START_MS,
            &samples(&format!("x{{id=\"{number}\", job=\"a\"}}"), &[START_MS]),
        );
    }
    engine.feed(&partition(0), START_MS + 400_000, &tick(START_MS + 400_000));
    let series = show_series(&engine.advance());
    assert!(series.starts_with("0s total{} 3\n"), "{series}");
    let problems = engine.take_problems();
    assert!(problems.iter().any(|p| p.message.contains("label `id`")), "{problems:?}");
    assert_eq!(engine.stats().refused, 7);
}

#[test]
fn of_samples_of_one_time_the_larger_counts_whichever_came_first() {
    for values in [[1.0, 2.0], [2.0, 1.0]] {
        let mut engine = engine(RULES, "");
        for value in values {
            let samples = vec![Sample { timestamp_ms: START_MS, value }];
            let series = vec![Series { labels: labels("x"), samples }];
            let event = Event::Samples(SampleBatch { series, ..SampleBatch::default() });
            engine.feed(&partition(0), START_MS, &event);
        }
        engine.feed(&partition(0), START_MS + 5_000, &tick(START_MS + 5_000));
        assert_eq!(show_series(&engine.advance()), "0s total{} 2\n", "{values:?}");
    }
}

#[test]
fn a_clock_that_jumps_back_changes_nothing_that_is_over() {
    let mut engine = engine(RULES, "");
    engine.feed(&partition(0), START_MS, &samples("x{i=\"a\"}", &[START_MS]));
    engine.feed(&partition(0), START_MS + 5_000, &tick(START_MS + 5_000));
    assert_eq!(show_series(&engine.advance()), "0s total{} 1\n");
    let hour_ago = START_MS - 3_600_000;
    engine.feed(&partition(0), START_MS + 6_000, &samples("x{i=\"b\"}", &[hour_ago, hour_ago + 15_000]));
    engine.feed(&partition(0), START_MS + 20_000, &tick(START_MS + 20_000));
    assert_eq!(show_series(&engine.advance()), "15s total{} 1\n");
    assert_eq!(engine.stats().late, 2);
}

#[test]
fn a_rule_over_its_limit_gives_nothing_and_names_the_label_with_the_most_values() {
    let rules = "groups: [{name: g, limit: 2, rules: [{record: r, expr: x}, {alert: A, expr: x}]}]";
    let mut engine = engine(rules, "");
    for id in 0..3 {
        let series = samples(&format!("x{{id=\"{id}\", job=\"a\"}}"), &[START_MS]);
        engine.feed(&partition(0), START_MS, &series);
    }
    engine.feed(&partition(0), START_MS + 5_000, &tick(START_MS + 5_000));
    assert_eq!(engine.advance(), []);
    let said: Vec<String> = engine.take_problems().into_iter().map(|problem| problem.message).collect();
    let widest = "label `id` has the most values (3)";
    let over = |what: &str| format!("exceeded limit of 2 with 3 {what}; {widest}");
    assert_eq!(said, [over("series"), over("alerts")]);
}
