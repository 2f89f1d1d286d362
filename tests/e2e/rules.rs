//! Rules over the past, from the store and from the topics.

use crate::{answers::caught_up, past::Past};

const STALE: f64 = f64::from_bits(event::Sample::STALE_BITS);

/// Host b is down from minute 20 to 30, and gone at minute 50; errors come from minute 40 to 45, many lines at minute 55.
async fn hour() -> Past {
    let past = Past::empty().await;
    for second in (0..3_600).step_by(15) {
        past.sample(&[("__name__", "up"), ("host", "a")], &[(second, 1.0)]).await;
        let down = (1_200..1_800).contains(&second);
        match second {
            ..3_000 => past.sample(&[("__name__", "up"), ("host", "b")], &[(second, f64::from(!down))]).await,
            3_000 => past.sample(&[("__name__", "up"), ("host", "b")], &[(second, STALE)]).await,
            _ => {}
        }
        if (2_400..2_700).contains(&second) {
            past.log(&[("job", "app")], &[(second, "level=error"), (second, "level=info")]).await;
        }
    }
    let many: Vec<(i64, &str)> = (0..6_100).map(|n| (3_300 + n / 1_000, "many")).collect();
    past.log(&[("job", "bulk")], &many).await;
    caught_up(&past.url()).await;
    past
}

const OLD: &str = r#"
  - {record: "hosts:down", expr: "count(up == 0)"}
  - {alert: SomeDown, expr: "hosts:down > 0", for: 5m}
  - {alert: Errors, expr: 'sum by (job, pod) (count_over_time({job="app"} |= "error" [1m])) > 2'}
"#;

const NEW: &str = r#"
  - {record: "hosts:down", expr: "count(up == 0)"}
  - {alert: SomeDown, expr: "hosts:down > 0", for: 2m}
  - {alert: Errors, expr: 'sum by (job, pod) (count_over_time({job="app"} |= "error" [1m])) > 2'}
  - {alert: Gone, expr: 'absent(up{host="b"})'}
  - {alert: Many, expr: 'sum(count_over_time({job=~".+"}[5m])) == 6100'}
"#;

#[tokio::test]
async fn rules_over_series_and_lines_are_compared_alike_from_the_store_and_from_the_topics() {
    let past = hour().await;
    let (old, new) = (past.rules("old.yml", OLD), past.rules("new.yml", NEW));
    let (from, to) = (past.time(0), past.time(3_600));
    let diff =
        |history: &str| past.ask(&["diff", &old, &new, "--from", &from, "--to", &to, "--history", history]);
    let stored = diff("store");
    let part = |from: i64, to: i64, rest: &str| format!("{} to {} ({rest}\n", past.time(from), past.time(to));
    for expected in [
        "Errors{job=\"app\", pod=\"p1\"}\n  old: once, 4m45s\n  new: once, 4m45s\n".to_owned(),
        "SomeDown{}\n  old: once, 5m\n  new: once, 8m\n".to_owned(),
        format!("  + {}", part(1_320, 1_500, "3m) new only")),
        // At the very step at which the series ended.
        format!("  + {}", part(3_000, 3_600, "10m) new only")),
        "Many{}\n  old: never\n  new: once, ".to_owned(),
        "4 alerts, 3 differ, from ".to_owned(),
    ] {
        assert!(stored.contains(&expected), "{expected} is not in\n{stored}");
    }
    assert_eq!(stored, diff("store"));
    assert_eq!(stored, diff("topics"));
}

#[tokio::test]
async fn alerts_of_a_time_of_the_past_are_told_from_the_store_and_from_the_topics() {
    let past = hour().await;
    let rules = past.rules("new.yml", NEW);
    let at = past.time(2_500);
    for history in ["store", "topics"] {
        let shown = past.ask(&["eval", &rules, "--at", &at, "--history", history]);
        assert_eq!(shown, format!("Errors{{job=\"app\", pod=\"p1\"}} firing since {}\n", past.time(2_430)));
    }
}

#[tokio::test]
async fn a_past_in_which_nothing_was_is_told_so() {
    let past = hour().await;
    let (rules, at) = (past.rules("old.yml", OLD), past.time(-3_600));
    for history in ["store", "topics"] {
        let shown = past.ask(&["eval", &rules, "--at", &at, "--history", history]);
        assert_eq!(
            shown,
            format!("warning: up to {at} there is nothing that these rules look at\n"),
            "{history}"
        );
    }
}

const CHAIN: &str = r#"
  - {record: "hosts:down", expr: "count(up == 0)", labels: {team: a}}
  - {record: "hosts:down:max10m", expr: "max_over_time(hosts:down[10m])"}
  - {record: "errors:count1m", expr: 'sum(count_over_time({job="app"} |= "error" [1m]))'}
  - {alert: SomeDown, expr: "hosts:down > 0"}
"#;

#[tokio::test]
async fn recording_rules_are_written_over_the_past_and_a_second_time_changes_nothing() {
    let past = hour().await;
    let rules = past.rules("chain.yml", CHAIN);
    let (start, end) = (past.time(1_500), past.time(3_600));
    let backfill = |more: &[&str]| {
        past.ask(&[&["backfill", &rules, "--start", &start, "--end", &end][..], more].concat())
    };
    let dry = backfill(&["--dry-run"]);
    let at = |second: i64| past.begin_ms / 1_000 + second;
    assert!(dry.starts_with(&format!("hosts:down{{team=\"a\"}} => 1 @[{}]\n", at(1_500))), "{dry}");
    assert!(dry.contains(&format!("hosts:down{{team=\"a\"}} => stale @[{}]\n", at(1_800))), "{dry}");
    assert!(!dry.contains("ALERTS"), "{dry}");
    assert_eq!(dry, backfill(&["--dry-run", "--history", "topics"]));
    assert_eq!(past.query("hosts:down", 1_500).await, serde_json::json!([]));
    // A rule looks back at what another has recorded before the start.
    let later = past.ask(&["backfill", &rules, "--start", &past.time(1_815), "--end", &end, "--dry-run"]);
    assert!(
        later.starts_with(&format!("hosts:down:max10m{{team=\"a\"}} => 1 @[{}]\n", at(1_815))),
        "{later}"
    );

    let found = async || {
        let mut found = Vec::new();
        for name in ["hosts:down", "hosts:down:max10m", "errors:count1m"] {
            found.push(past.query(&format!("{name}[1h]"), 3_600).await);
        }
        found
    };
    let written = backfill(&[]);
    let first = found().await;
    let count = |series: &serde_json::Value| series[0]["values"].as_array().map(Vec::len);
    // Every 15 s: up to minute 30, less than ten minutes longer, and while there are errors.
    assert_eq!(first.iter().map(count).collect::<Vec<_>>(), [Some(20), Some(59), Some(23)]);
    assert_eq!(backfill(&[]), written);
    assert_eq!(found().await, first);
}

#[tokio::test]
async fn a_check_tells_of_duplicates_and_of_metrics_that_the_server_does_not_have() {
    let past = Past::empty().await;
    past.sample(&[("__name__", "node_load1")], &[(0, 1.0)]).await;
    caught_up(&past.url()).await;
    let twice = "  - {record: a, expr: node_lood1}\n".repeat(2);
    let shown = past.ask(&["check", &past.rules("twice.yml", &twice)]);
    assert!(shown.contains("twice.yml: 2 rules give `a` with the same labels"), "{shown}");
    assert!(shown.contains("`node_lood1`, which `a` asks for; did you mean `node_load1`?"), "{shown}");
}
