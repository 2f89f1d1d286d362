//! What the engine writes is what `docs/alert.schema.json` says.

use crate::case::{Case, alerts, engine_with, run};
use serde_json::Value;
use stream_processor::engine::{Options, Silence};

#[test]
fn every_transition_fits_the_schema_and_reads_back() {
    let schema = include_str!("../../../docs/alert.schema.json");
    let schema = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let text = r#"
case: all states and odd values
rules: |
  groups:
    - name: g
      interval: 15s
      rules:
        - {alert: Now, expr: x > 5 or x != x, annotations: {v: "{{ $value }}"}}
        - {alert: Later, expr: x > 5, for: 30s}
        - {alert: Silent, expr: y > 5}
every: 15s
input: {'x{i="a"}': 6 6 6 6 1 1 6 1, 'x{i="b"}': NaN Inf 0, y: 6}
until: 6m
"#;
    let case: Case = serde_saphyr::from_str(text).unwrap();
    let silence = Some(Silence { after_ms: 30_000, unknown_ms: 600_000 });
    let mut engine = engine_with(&case.rules, "", Options { silence, ..Options::default() });
    let all = alerts(&run(&mut engine, &case.inputs()));
    assert!(all.iter().any(|alert| alert.evidence.as_ref().is_some_and(|e| !e.samples.is_empty())));
    let mut states: Vec<String> = Vec::new();
    for alert in &all {
        let json: Value = serde_json::from_slice(&alert.to_json()).unwrap();
        let errors: Vec<String> = schema.iter_errors(&json).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{json:#}\n{errors:#?}");
        states.push(json["state"].as_str().unwrap().to_owned());
        assert_eq!(event::Alert::from_json(&alert.to_json()).unwrap().to_json(), alert.to_json());
    }
    states.sort();
    states.dedup();
    assert_eq!(states, ["firing", "inactive", "pending", "resolved", "unknown"]);

    let mut wrong: Value = serde_json::from_slice(&all[0].to_json()).unwrap();
    wrong["state"] = "gone".into();
    assert!(!schema.is_valid(&wrong));
}
