//! Transitions as comma-separated values (RFC 4180), one a line.

use event::Alert;
use jiff::Timestamp;

use crate::commands::print;

/// The first line.
pub const NAMES: &str =
    "evaluated_at,state,alertname,labels,value,active_at,starts_at,ends_at,group,summary,fingerprint";

/// One transition; what it does not have is empty.
pub fn line(alert: &Alert) -> String {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let fields = [
        alert.evaluated_at.to_string(),
        alert.state.name().to_owned(),
        alert.labels.get("alertname").unwrap_or_default().to_owned(),
        alert.labels.filtered(|name| name != "alertname").to_string(),
        alert.value.to_string(),
        alert.active_at.to_string(),
        time(alert.starts_at),
        time(alert.ends_at),
        alert.group.clone(),
        alert.annotations.get("summary").unwrap_or_default().to_owned(),
        alert.fingerprint.clone(),
    ];
    fields.map(|field| print::csv(&field)).join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transition_is_one_line_with_as_many_fields_as_there_are_names() {
        let json = r#"{"version":1,"state":"firing","fingerprint":"172d260f357833e7",
            "labels":{"alertname":"Full","device":"/dev/sda1","host":"a"},"annotations":{"summary":"a, \"full\""},
            "value":8.4,"activeAt":"2026-11-21T10:56:00Z","startsAt":"2026-11-21T10:58:00Z",
            "evaluatedAt":"2026-11-21T10:58:00Z","group":"host","generatorURL":"/graph"}"#;
        let shown = line(&Alert::from_json(json.as_bytes()).unwrap());
        let expected = "2026-11-21T10:58:00Z,firing,Full,\"{device=\"\"/dev/sda1\"\", host=\"\"a\"\"}\",8.4,\
                        2026-11-21T10:56:00Z,2026-11-21T10:58:00Z,,host,\"a, \"\"full\"\"\",172d260f357833e7";
        assert_eq!(shown, expected);
        let outside = shown.split('"').step_by(2).map(|part| part.matches(',').count()).sum::<usize>();
        assert_eq!(outside, NAMES.matches(',').count());
    }
}
