//! What a restart with other rules does to alerts.

use crate::case::{Case, alerts, engine, partition, run, show_alerts};

fn case() -> Case {
    let text = "
case: two alerts
rules: |
  groups:
    - name: g
      interval: 15s
      rules:
        - {alert: Stays, expr: x > 5, labels: {severity: page}}
        - {alert: Goes, expr: x > 5}
        - {alert: Waits, expr: x > 5, for: 1h}
every: 15s
input: {x: 6x20}
until: 5m
";
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn alerts_of_rules_that_are_gone_end_and_others_go_on() {
    let case = case();
    let inputs = case.inputs();
    let mut before = case.engine();
    let outputs = run(&mut before, &inputs[..10]);
    assert_eq!(alerts(&outputs).len(), 3);

    let rules = "
groups:
  - name: g
    interval: 15s
    rules: [{alert: Stays, expr: x > 4, labels: {severity: page}}]
";
    let mut after = engine(rules, "");
    after.set_partitions(&[partition(0)]);
    after.resume(before.last_step(), &alerts(&outputs));
    let ended = show_alerts(&run(&mut after, &inputs), false);
    assert_eq!(ended, "2m15s resolved Goes{} = 6\n2m15s inactive Waits{} = 6\n");
    assert_eq!(after.alerts(), (0, 1));
}
