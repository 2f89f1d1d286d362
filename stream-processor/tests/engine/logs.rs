//! Rules over log lines.

use event::{Event, Tick};

use crate::case::{START_MS, engine, lines, partition, run, show_alerts, show_series};

const RULES: &str = r#"
groups:
  - name: g
    interval: 15s
    rules:
      - {alert: Errors, expr: 'count_over_time({job="app"} |= "error" [30s]) > 1'}
      - {record: lines, expr: 'sum(count_over_time({job="app"} [30s]))'}
"#;

#[test]
fn lines_count_once_in_event_time() {
    let mut engine = engine(RULES, "");
    let logs = ("logs".to_owned(), 0);
    engine.set_partitions(&[partition(0), logs.clone()]);
    let first = lines("a/app.log", 1, &[(1_000, "error: a"), (2_000, "all is well")]);
    // The second comes again after a crash of whoever sent it.
    for batch in [&first, &first, &lines("a/app.log", 3, &[(3_000, "error: b")])] {
        engine.feed(&logs, START_MS + 3_000, batch);
    }
    let end = Event::Tick(Tick { timestamp_ms: START_MS + 65_000 });
    for partition in [partition(0), logs] {
        engine.feed(&partition, START_MS + 65_000, &end);
    }
    assert_eq!((engine.stats().repeated, engine.stats().samples), (2, 3));
    let outputs = run(&mut engine, &[]);
    let expected =
        "15s firing Errors{host=\"a\", job=\"app\"} = 2\n45s resolved Errors{host=\"a\", job=\"app\"} = 2\n";
    assert_eq!(show_alerts(&outputs, false), expected);
    let series = show_series(&outputs);
    let recorded: Vec<&str> = series.lines().filter(|line| line.contains("lines")).collect();
    assert_eq!(recorded, ["15s lines{} 3", "30s lines{} 3", "45s lines{} stale"]);
    assert!(engine.take_problems().is_empty());
}
