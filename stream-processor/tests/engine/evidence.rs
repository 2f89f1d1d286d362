//! What an alert says about its grounds.

use event::{AlertState, Event, Evidence, Tick};
use stream_processor::engine::{Engine, External, Options, Output};

use crate::case::{Case, START_MS, alerts, engine_with, lines, partition, run};

const RULES: &str = r#"
groups:
  - name: g
    interval: 15s
    rules:
      - {alert: Full, expr: 'sum by (host) (used) / on (host) size > 0.5', labels: {zone: there}}
      - {alert: Growing, expr: 'increase(ended[1m]) > 1'}
"#;

const LOG_RULES: &str = r#"
groups:
  - name: g
    interval: 15s
    rules:
      - {alert: Errors, expr: 'sum by (code) (count_over_time({job="app"} |= "error" | logfmt [30s])) > 1'}
"#;

fn engine(rules: &str, most: usize, url: &str) -> Engine {
    let external = External { url: url.into(), ..External::default() };
    engine_with(rules, "", Options { evidence: most, external, ..Options::default() })
}

fn evidence(outputs: &[Output], state: AlertState) -> Vec<Evidence> {
    let fitting = alerts(outputs).into_iter().filter(|alert| alert.state == state);
    fitting.map(|alert| alert.evidence.expect("evidence is wanted")).collect()
}

fn samples(evidence: &Evidence) -> Vec<String> {
    let shown = evidence.samples.iter().map(|sample| {
        let at = sample.timestamp.as_millisecond() - START_MS;
        format!("{} {} at {at}", sample.labels, sample.value)
    });
    shown.collect()
}

fn case() -> Case {
    let text = r#"
case: series that are behind an alert, and others
every: 15s
input:
  'used{host="a", disk="1", zone="here"}': 4 4 1 1
  'used{host="a", disk="2", zone="here"}': 4 4 1 1
  'used{host="b", disk="1", zone="here"}': 1 1 1 1
  'size{host="a"}': 10 10 10 10
  'size{host="b"}': 10 10 10 10
  'ended{host="c"}': 1 3 stale
until: 45s
"#;
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn samples_are_the_newest_of_the_series_behind_the_alert() {
    let mut engine = engine(RULES, 5, "http://there:3100/");
    engine.set_partitions(&[partition(0)]);
    let outputs = run(&mut engine, &case().inputs());
    let firing = evidence(&outputs, AlertState::Firing);
    assert_eq!(
        samples(&firing[0]),
        [
            r#"{__name__="used", disk="1", host="a", zone="here"} 4 at 0"#,
            r#"{__name__="used", disk="2", host="a", zone="here"} 4 at 0"#,
            r#"{__name__="size", host="a"} 10 at 0"#,
        ]
    );
    let query = "http://there:3100/api/v1/query?query=increase%28ended%5B1m%5D%29+%3E+1&time=1767225615";
    assert_eq!(firing[1].query, query);
    // Of a range the last value counts, although the series has ended.
    let ended = evidence(&outputs, AlertState::Resolved);
    assert_eq!(samples(&ended[0])[0], r#"{__name__="used", disk="1", host="a", zone="here"} 1 at 30000"#);
    let growing = alerts(&outputs).into_iter().find(|alert| alert.labels.get("host") == Some("c")).unwrap();
    assert!(growing.generator_url.starts_with("http://there:3100/graph?g0.expr="), "{growing:?}");
}

#[test]
fn there_is_no_more_of_it_than_is_wanted() {
    for most in [0, 2] {
        let mut engine = engine(RULES, most, "");
        engine.set_partitions(&[partition(0)]);
        let outputs = run(&mut engine, &case().inputs());
        let counts = alerts(&outputs).into_iter().map(|alert| alert.evidence.map_or(0, |e| e.samples.len()));
        assert_eq!(counts.max(), Some(most));
        assert!(alerts(&outputs).iter().all(|alert| alert.evidence.is_some() == (most > 0)));
    }
}

/// Two sources of one stream in two partitions, read in the order of `picks`.
fn errors(picks: [i32; 2]) -> Vec<Output> {
    let mut engine = engine(LOG_RULES, 2, "");
    let logs = |number| ("logs".to_owned(), number);
    engine.set_partitions(&[partition(0), logs(0), logs(1)]);
    let batches = [
        lines(
            "x.log",
            1,
            &[(1_000, "error code=1 first"), (3_000, "error code=1 x"), (3_000, "error code=2")],
        ),
        lines("y.log", 1, &[(2_000, "all is well code=1"), (3_000, "error code=1 y")]),
    ];
    for number in picks {
        engine.feed(&logs(number), START_MS + 3_000, &batches[number as usize]);
    }
    let end = Event::Tick(Tick { timestamp_ms: START_MS + 20_000 });
    for partition in [partition(0), logs(0), logs(1)] {
        engine.feed(&partition, START_MS + 20_000, &end);
    }
    run(&mut engine, &[])
}

#[test]
fn a_line_counts_for_an_alert_by_any_of_the_ranges() {
    let rules = r#"
groups:
  - name: g
    interval: 15s
    rules:
      - alert: Errors
        expr: (sum by (code) (count_over_time({job="app"} | logfmt [30s])) > 1) and on () count_over_time({job="app"}[30s]) > 2
"#;
    let mut engine = engine(rules, 5, "");
    let logs = ("logs".to_owned(), 0);
    engine.set_partitions(&[partition(0), logs.clone()]);
    let batch = lines("x.log", 1, &[(1_000, "code=1 a"), (2_000, "code=1 b"), (3_000, "code=2 c")]);
    engine.feed(&logs, START_MS + 3_000, &batch);
    let end = Event::Tick(Tick { timestamp_ms: START_MS + 20_000 });
    for partition in [partition(0), logs] {
        engine.feed(&partition, START_MS + 20_000, &end);
    }
    let firing = evidence(&run(&mut engine, &[]), AlertState::Firing);
    let shown: Vec<&str> = firing[0].lines.iter().map(|line| line.line.as_str()).collect();
    assert_eq!(shown, ["code=2 c", "code=1 b", "code=1 a"]);
}

#[test]
fn lines_are_the_newest_that_count_whoever_was_read_first() {
    let outputs = errors([0, 1]);
    let firing = evidence(&outputs, AlertState::Firing);
    let shown = firing[0].lines.iter().map(|line| (line.source.as_str(), line.position, line.line.as_str()));
    assert_eq!(shown.collect::<Vec<_>>(), [("x.log", 2, "error code=1 x"), ("y.log", 2, "error code=1 y")]);
    assert_eq!(firing[0].lines[0].timestamp.to_string(), "2026-01-01T00:00:03Z");
    assert!(firing[0].query.starts_with("/loki/api/v1/query?query=sum+by") && firing.len() == 1);
    let bytes = |outputs: &[Output]| alerts(outputs).iter().map(event::Alert::to_json).collect::<Vec<_>>();
    assert_eq!(bytes(&errors([1, 0])), bytes(&outputs));
}
