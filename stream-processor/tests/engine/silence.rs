//! What becomes of alerts whose sources say nothing any more.

use event::AlertState;
use stream_processor::engine::{Engine, Options, Silence};

use crate::case::{Case, START_MS, alerts, engine_with, partition, run, show_alerts};

const RULES: &str = r#"
groups:
  - name: g
    interval: 15s
    rules:
      - {alert: Now, expr: x > 5}
      - {alert: Rate, expr: 'rate(c[1m]) > 0.1'}
      - {alert: Later, expr: x > 5, for: 1h}
"#;

fn engine(rules: &str) -> Engine {
    let silence = Some(Silence { after_ms: 30_000, unknown_ms: 600_000 });
    let mut engine = engine_with(rules, "", Options { silence, ..Options::default() });
    engine.set_partitions(&[partition(0)]);
    engine
}

fn case(input: &str, until: &str) -> Case {
    let text = format!("{{case: silence, every: 15s, until: {until}, input: {{{input}}}}}");
    serde_saphyr::from_str(&text).unwrap()
}

fn shown(rules: &str, input: &str, until: &str) -> Vec<String> {
    let outputs = run(&mut engine(rules), &case(input, until).inputs());
    show_alerts(&outputs, false).lines().map(str::to_owned).collect()
}

#[test]
fn alerts_of_a_silent_source_are_unknown_until_the_time_out() {
    let transitions = shown(RULES, "'x{h=\"a\"}': 6 6, 'c{h=\"b\"}': 0 9 18", "20m");
    let expected = [
        "0s firing Now{h=\"a\"} = 6",
        "0s pending Later{h=\"a\"} = 6",
        "15s firing Rate{h=\"b\"} = 0.15",
        // Of the last minute there is one sample left.
        "1m15s unknown Rate{h=\"b\"} = 0.375",
        // The sample of 15s is seen for five minutes.
        "5m15s unknown Now{h=\"a\"} = 6",
        "5m15s inactive Later{h=\"a\"} = 6",
        "11m15s resolved Rate{h=\"b\"} = 0.375",
        "15m15s resolved Now{h=\"a\"} = 6",
    ];
    assert_eq!(transitions, expected);
}

#[test]
fn a_source_that_speaks_again_decides() {
    let silent = "_x24";
    let again = shown(RULES, &format!("'x{{h=\"a\"}}': 6 {silent} 7 1"), "8m");
    let now: Vec<&str> = again.iter().filter(|line| line.contains(" Now")).map(String::as_str).collect();
    let (firing, unknown) = ("0s firing Now{h=\"a\"} = 6", "5m unknown Now{h=\"a\"} = 6");
    let back = "6m15s firing Now{h=\"a\"} = 7";
    assert_eq!(now, [firing, unknown, back, "6m30s resolved Now{h=\"a\"} = 7"]);
    let low = shown(RULES, &format!("'x{{h=\"a\"}}': 6 {silent} 1"), "8m");
    assert!(low.contains(&"6m15s resolved Now{h=\"a\"} = 6".to_owned()), "{low:?}");
}

#[test]
fn what_a_source_says_ends_an_alert_at_once() {
    let ended = shown(RULES, "'x{h=\"a\"}': 6 stale", "2m");
    assert!(ended.contains(&"15s resolved Now{h=\"a\"} = 6".to_owned()), "{ended:?}");
    // One that speaks is enough, and a clock needs none.
    let rules = "groups: [{name: g, rules: [{alert: Sum, expr: sum(x) > 5}, {alert: Early, expr: vector(time()) < 1767225615}]}]";
    let two = shown(rules, "'x{h=\"a\"}': 6, 'x{h=\"b\"}': 1x40", "6m");
    assert_eq!(
        two,
        [
            "0s firing Sum{} = 7",
            "0s firing Early{} = 1767225600",
            "15s resolved Early{} = 1767225600",
            "5m resolved Sum{} = 7"
        ]
    );
}

#[test]
fn an_alert_whose_series_cannot_be_told_or_that_is_seldom_looked_at_ends_when_its_series_speak() {
    let relabelled = r#"label_replace(x, "h", "${1}-x", "h", "(.*)") > 5"#;
    let rules = format!("groups: [{{name: g, rules: [{{alert: Made, expr: '{relabelled}'}}]}}]");
    let made = shown(&rules, "'x{h=\"a\"}': 6 1x8", "2m");
    assert_eq!(made, ["0s firing Made{h=\"a-x\"} = 6", "15s resolved Made{h=\"a-x\"} = 6"]);
    let rules = "groups: [{name: g, interval: 1m, rules: [{alert: Seldom, expr: x > 5}]}]";
    let seldom = shown(rules, "'x{h=\"a\"}': 6 1 _x30, 'y': 1x32", "8m");
    assert_eq!(seldom, ["0s firing Seldom{h=\"a\"} = 6", "1m resolved Seldom{h=\"a\"} = 6"]);
}

/// Since when the alert only goes on to fire.
fn keeps_firing_since(engine: &Engine) -> Option<i64> {
    let rules = engine.evaluator().rules();
    let active = rules.flat_map(|(_, _, state)| state.alerts.list()).next().unwrap();
    assert_eq!(active.state, AlertState::Unknown);
    active.keep_firing_since_ms
}

#[test]
fn an_unknown_alert_does_not_keep_firing_before_a_restart_or_after() {
    for keep in ["0s", "1m"] {
        let rule = format!("{{alert: Now, expr: x > 5, keep_firing_for: {keep}}}");
        let rules = format!("groups: [{{name: g, interval: 15s, rules: [{rule}]}}]");
        let inputs = case("'x{h=\"a\"}': 6 6", "8m").inputs();
        let mut before = engine(&rules);
        let outputs = run(&mut before, &inputs);
        let mut after = engine(&rules);
        after.resume(before.last_step(), &alerts(&outputs));
        run(&mut after, &inputs);
        assert_eq!((keeps_firing_since(&before), keeps_firing_since(&after)), (None, None), "{keep}");
    }
}

#[test]
fn an_unknown_alert_ends_behind_a_gap_in_which_nothing_was_read() {
    let mut inputs = case("'x{h=\"a\"}': 6 6", "3h").inputs();
    inputs.retain(|input| !(START_MS + 400_000..START_MS + 9_000_000).contains(&input.written_ms));
    let rules = "groups: [{name: g, interval: 15s, rules: [{alert: Now, expr: x > 5}]}]";
    let shown = show_alerts(&run(&mut engine(rules), &inputs), false);
    assert!(shown.ends_with("5m15s unknown Now{h=\"a\"} = 6\n2h30m resolved Now{h=\"a\"} = 6\n"), "{shown}");
}

#[test]
fn an_unknown_alert_outlives_a_restart() {
    let (case, rules) = (case("'x{h=\"a\"}': 6 6", "20m"), RULES);
    let inputs = case.inputs();
    let mut before = engine(rules);
    let mut outputs = run(&mut before, &inputs[..30]);
    let mut after = engine(rules);
    after.resume(before.last_step(), &alerts(&outputs));
    outputs.extend(run(&mut after, &inputs));
    let expected = run(&mut engine(rules), &inputs);
    assert_eq!(show_alerts(&outputs, false), show_alerts(&expected, false));
    assert!(
        show_alerts(&outputs, false).contains("5m15s unknown Now") && before.last_step() < after.last_step()
    );
}
