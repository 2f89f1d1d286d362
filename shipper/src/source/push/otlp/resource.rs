//! Whose metrics they are: `job` and `instance`, and everything else about it in `target_info`.

use std::collections::BTreeMap;

use event::{Labels, METRIC_NAME};
use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::{attributes::text, name};

const NAME: &str = "service.name";
const NAMESPACE: &str = "service.namespace";
const INSTANCE: &str = "service.instance.id";

/// What a resource adds to its metrics.
pub struct Resource {
    identity: Vec<(&'static str, String)>,
    others: BTreeMap<String, String>,
}

impl Resource {
    pub fn new(attributes: &[KeyValue]) -> Self {
        let get = |key: &str| {
            let found = attributes.iter().find(|attribute| attribute.key == key);
            found.and_then(|attribute| attribute.value.as_ref()).map(text).unwrap_or_default()
        };
        let job = match (get(NAMESPACE), get(NAME)) {
            (namespace, name) if namespace.is_empty() => name,
            (_, name) if name.is_empty() => name,
            (namespace, name) => format!("{namespace}/{name}"),
        };
        let identity = [("job", job), ("instance", get(INSTANCE))].into_iter();
        let others = attributes.iter().filter(|a| ![NAME, NAMESPACE, INSTANCE].contains(&a.key.as_str()));
        Resource {
            identity: identity.filter(|(_, value)| !value.is_empty()).collect(),
            others: labels(others),
        }
    }

    /// The labels of a point with these attributes.
    pub fn labels(&self, metric: &str, attributes: &[KeyValue], more: &[(&str, &str)]) -> Labels {
        self.with(metric, &labels(attributes), more)
    }

    /// The labels of `target_info`, if there is anything to tell, and of whom.
    pub fn info(&self) -> Option<Labels> {
        let tells = !self.others.is_empty() && !self.identity.is_empty();
        tells.then(|| self.with("target_info", &self.others, &[]))
    }

    fn with(&self, metric: &str, own: &BTreeMap<String, String>, more: &[(&str, &str)]) -> Labels {
        let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let identity = self.identity.iter().map(|(name, value)| (*name, value.as_str()));
        own.chain(identity).chain(more.iter().copied()).chain([(METRIC_NAME, metric)]).collect()
    }
}

/// Values of attributes that have one name as labels are joined, in the order of the attributes' names.
fn labels<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>) -> BTreeMap<String, String> {
    let mut sorted: Vec<&KeyValue> = attributes.into_iter().filter(|a| !a.key.is_empty()).collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for attribute in sorted {
        let value = attribute.value.as_ref().map(text).unwrap_or_default();
        let label = labels.entry(name::label(&attribute.key)).or_default();
        *label = if label.is_empty() { value } else { format!("{label};{value}") };
    }
    labels
}
