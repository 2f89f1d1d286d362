//! The label `service_name`, by which Grafana's Logs Drilldown lists logs.

use event::Labels;

use crate::scope::DERIVED;

const SERVICE_NAME: &str = "service_name";
const UNKNOWN: &str = "unknown_service";

/// Adds the label where it is missing, and says so: the value of the first of the labels in `from` that is
/// there. Nothing is added if `from` is empty.
pub fn add(labels: &mut Labels, from: &[String]) {
    if from.is_empty() || labels.get(SERVICE_NAME).is_some() {
        return;
    }
    let name = from.iter().find_map(|label| labels.get(label)).unwrap_or(UNKNOWN).to_owned();
    *labels = labels.with(SERVICE_NAME, &name).with(DERIVED, SERVICE_NAME);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn named(labels: &[(&str, &str)]) -> Option<String> {
        let mut labels: Labels = labels.iter().copied().collect();
        add(&mut labels, &Config::default().service_name);
        labels.get(SERVICE_NAME).map(str::to_owned)
    }

    #[test]
    fn the_first_label_that_names_a_service_counts() {
        assert_eq!(named(&[("job", "syslog"), ("app", "web")]).as_deref(), Some("web"));
        assert_eq!(named(&[("host", "a")]).as_deref(), Some("unknown_service"));
        assert_eq!(named(&[("service_name", "own"), ("app", "web")]).as_deref(), Some("own"));
    }

    #[test]
    fn without_such_labels_nothing_is_added() {
        let mut labels = Labels::from([("app", "web")]);
        add(&mut labels, &[]);
        assert_eq!(labels, Labels::from([("app", "web")]));
    }
}
