//! Groups, rules and alerts in Prometheus' JSON.

use event::AlertState;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use stream_processor::engine::{ActiveAlert, AlertStatus, GroupStatus, Health, RuleStatus};

use super::filter::Page;

/// `data` of `/api/v1/rules`.
pub fn groups(page: &Page) -> Value {
    let groups: Vec<Value> = page.groups.iter().map(|group| one_group(group, page.without_alerts)).collect();
    let mut data = json!({"groups": groups});
    if let Some(next) = &page.next {
        data["groupNextToken"] = json!(next);
    }
    data
}

/// `data` of `/api/v1/alerts`.
pub fn alerts(groups: &[GroupStatus]) -> Value {
    let rules = groups.iter().flat_map(|group| &group.rules).filter_map(|rule| rule.alert.as_ref());
    let alerts: Vec<Value> = rules.flat_map(|alert| &alert.active).map(one_alert).collect();
    json!({"alerts": alerts})
}

fn one_group(group: &GroupStatus, without_alerts: bool) -> Value {
    json!({
        "name": group.name,
        "file": group.file,
        "rules": group.rules.iter().map(|rule| one_rule(rule, without_alerts)).collect::<Vec<_>>(),
        "interval": group.interval_ms as f64 / 1e3,
        "limit": group.limit,
        "evaluationTime": group.took().as_secs_f64(),
        "lastEvaluation": last_evaluation(group.evaluated_ms()),
    })
}

fn one_rule(rule: &RuleStatus, without_alerts: bool) -> Value {
    let Health { evaluated_ms, took, error } = &rule.health;
    let mut shown = json!({
        "name": rule.name,
        "query": rule.expr,
        "labels": map(&rule.labels),
        "health": match (evaluated_ms, error) {
            (None, _) => "unknown",
            (_, Some(_)) => "err",
            (_, None) => "ok",
        },
        "evaluationTime": took.as_secs_f64(),
        "lastEvaluation": last_evaluation(*evaluated_ms),
        "type": if rule.alert.is_some() { "alerting" } else { "recording" },
    });
    if let Some(error) = error {
        shown["lastError"] = json!(error);
    }
    if let Some(alert) = &rule.alert {
        shown["state"] = json!(state(alert, *evaluated_ms));
        shown["duration"] = json!(alert.hold_ms as f64 / 1e3);
        shown["keepFiringFor"] = json!(alert.keep_firing_ms as f64 / 1e3);
        shown["annotations"] = map(&alert.annotations);
        let active = || alert.active.iter().map(one_alert).collect::<Vec<_>>();
        shown["alerts"] = if without_alerts { Value::Null } else { json!(active()) };
    }
    shown
}

/// That of the alert that is furthest.
fn state(alert: &AlertStatus, evaluated_ms: Option<i64>) -> &'static str {
    match evaluated_ms {
        None => "unknown",
        Some(_) if alert.active.iter().any(ActiveAlert::is_firing) => "firing",
        Some(_) if alert.active.iter().any(|active| active.state == AlertState::Unknown) => "unknown",
        Some(_) if !alert.active.is_empty() => "pending",
        Some(_) => "inactive",
    }
}

fn one_alert(alert: &ActiveAlert) -> Value {
    let mut shown = json!({
        "labels": alert.labels,
        "annotations": alert.annotations,
        "state": alert.state.name(),
        "activeAt": time(alert.active_at_ms),
        "value": number(alert.value),
    });
    if let Some(evidence) = &alert.evidence {
        shown["evidence"] = json!(evidence);
    }
    if let Some(since) = alert.keep_firing_since_ms {
        shown["keepFiringSince"] = json!(time(since));
    }
    shown
}

fn map(texts: &[(String, String)]) -> Value {
    Value::Object(texts.iter().map(|(name, text)| (name.clone(), json!(text))).collect::<Map<_, _>>())
}

fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX).to_string()
}

/// What was never evaluated has Go's zero time.
fn last_evaluation(ms: Option<i64>) -> String {
    ms.map_or_else(|| "0001-01-01T00:00:00Z".into(), time)
}

/// `1.5e+00`, as Go writes it.
fn number(value: f64) -> String {
    match value {
        f64::INFINITY => return "+Inf".into(),
        f64::NEG_INFINITY => return "-Inf".into(),
        value if value.is_nan() => return "NaN".into(),
        _ => {}
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use event::Labels;

    use super::*;

    fn rule() -> RuleStatus {
        let active = ActiveAlert {
            labels: Labels::from([("alertname", "Down"), ("host", "a")]),
            annotations: Labels::from([("summary", "a is down")]),
            state: AlertState::Firing,
            active_at_ms: 1_767_225_600_000,
            keep_firing_since_ms: None,
            value: 1.0,
            evidence: None,
        };
        let alert = AlertStatus { hold_ms: 90_000, active: vec![active], ..AlertStatus::default() };
        let health = Health { evaluated_ms: Some(1_767_225_615_000), ..Health::default() };
        RuleStatus {
            name: "Down".into(),
            expr: "up == 0".into(),
            labels: Vec::new(),
            health,
            alert: Some(alert),
        }
    }

    #[test]
    fn a_rule_is_shown_with_its_state_and_alerts() {
        let shown = one_rule(&rule(), false);
        let expected = json!({
            "name": "Down", "query": "up == 0", "labels": {}, "annotations": {}, "type": "alerting",
            "state": "firing", "duration": 90.0, "keepFiringFor": 0.0, "health": "ok",
            "evaluationTime": 0.0, "lastEvaluation": "2026-01-01T00:00:15Z",
            "alerts": [{
                "labels": {"alertname": "Down", "host": "a"}, "annotations": {"summary": "a is down"},
                "state": "firing", "activeAt": "2026-01-01T00:00:00Z", "value": "1e+00"
            }]
        });
        assert_eq!(shown, expected);
        assert_eq!(one_rule(&rule(), true)["alerts"], Value::Null);
    }

    #[test]
    fn a_rule_says_that_it_failed_or_was_never_evaluated() {
        let with = |health| one_rule(&RuleStatus { health, alert: None, ..rule() }, false);
        let failed = with(Health { error: Some("why".into()), evaluated_ms: Some(0), ..Health::default() });
        assert_eq!((&failed["health"], &failed["lastError"]), (&json!("err"), &json!("why")));
        let new = with(Health::default());
        assert_eq!(
            (&new["health"], &new["lastEvaluation"]),
            (&json!("unknown"), &json!("0001-01-01T00:00:00Z"))
        );
    }
}
