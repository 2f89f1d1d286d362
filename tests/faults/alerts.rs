//! What is on the alert topic: for each alert the transitions that its wave makes, each once and in order.

use std::{collections::BTreeMap, time::Duration};

use bus::{Consumer, ConsumerBuilder, Offsets, Start};
use event::{Alert, AlertState};

use crate::load::samples::WAVE;

const TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(200);

/// What one wave makes of an alert.
const TRANSITIONS: [(&str, &[AlertState]); 2] = [
    ("Wave", &[AlertState::Firing, AlertState::Resolved]),
    ("LastingWave", &[AlertState::Pending, AlertState::Firing, AlertState::Resolved]),
];

/// Reads the topic as it is now; blocks. `None` when the broker does not answer.
pub fn read(bus: &bus::Config) -> Option<Vec<Alert>> {
    let topics = [bus.topics.alerts.as_str()];
    let builder = ConsumerBuilder { config: bus, group: "faults", topics: &topics, queue_kib: 1024 };
    let consumer = Consumer::open(&builder).ok()?;
    let ends = consumer.ends(TIMEOUT).ok()?;
    consumer.start(&Offsets::default(), Start::Earliest).ok()?;
    let (mut alerts, begin) = (Vec::new(), std::time::Instant::now());
    while begin.elapsed() < TIMEOUT {
        let records = consumer.poll(POLL, 1000).ok()?;
        alerts.extend(records.iter().map(|record| Alert::from_json(&record.value).expect("an alert")));
        if consumer.position().ok()?.reached(&ends) || ends.iter().all(|(_, end)| end == 0) {
            return Some(alerts);
        }
    }
    None
}

/// Whether all transitions up to sample `number` of every lane are there; `Err` says what is wrong.
pub fn judge(alerts: &[Alert], lanes: usize, number: u64) -> Result<bool, String> {
    let mut found: BTreeMap<(String, String), Vec<&Alert>> = BTreeMap::new();
    for alert in alerts {
        let label = |name| alert.labels.get(name).unwrap_or_default().to_owned();
        found.entry((label("alertname"), label("lane"))).or_default().push(alert);
    }
    let mut is_complete = true;
    for (name, states) in TRANSITIONS {
        for lane in 0..lanes {
            let found = found.remove(&(name.to_owned(), lane.to_string())).unwrap_or_default();
            judge_one(&found, states).map_err(|wrong| format!("{name} of lane {lane}: {wrong}"))?;
            is_complete &= found.len() as u64 >= number / WAVE * states.len() as u64;
        }
    }
    if found.is_empty() { Ok(is_complete) } else { Err(format!("strange alerts: {found:?}")) }
}

fn judge_one(found: &[&Alert], states: &[AlertState]) -> Result<(), String> {
    for (at, alert) in found.iter().enumerate() {
        let (wave, state) = (at / states.len() + 1, states[at % states.len()]);
        let is_right = alert.state == state && (state == AlertState::Resolved || alert.value == wave as f64);
        if !is_right {
            let Alert { state: found, value, evaluated_at, .. } = alert;
            return Err(format!(
                "transition {at} should be {state:?} of wave {wave}, is {found:?} of {value} at {evaluated_at}"
            ));
        }
    }
    Ok(())
}
