//! Whose metrics they are: `job` and `instance`, and everything else about it in `target_info`.

use std::collections::BTreeMap;

use event::{Labels, METRIC_NAME};
use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::{super::budget::Budget, attributes::text, name};

const NAME: &str = "service.name";
const NAMESPACE: &str = "service.namespace";
const INSTANCE: &str = "service.instance.id";

/// By their names as labels.
pub type Attributes = BTreeMap<String, String>;

/// What a resource adds to its metrics.
pub struct Resource {
    identity: Vec<(&'static str, String)>,
    others: Attributes,
}

impl Resource {
    pub fn new(sent: &[KeyValue]) -> Self {
        let get = |key: &str| {
            let found = sent.iter().find(|attribute| attribute.key == key);
            found.and_then(|attribute| attribute.value.as_ref()).map(text).unwrap_or_default()
        };
        let job = match (get(NAMESPACE), get(NAME)) {
            (namespace, name) if namespace.is_empty() => name,
            (_, name) if name.is_empty() => name,
            (namespace, name) => format!("{namespace}/{name}"),
        };
        let identity = [("job", job), ("instance", get(INSTANCE))].into_iter();
        let others = sent.iter().filter(|a| ![NAME, NAMESPACE, INSTANCE].contains(&a.key.as_str()));
        Resource {
            identity: identity.filter(|(_, value)| !value.is_empty()).collect(),
            others: attributes(others),
        }
    }

    /// The labels of a point with these attributes.
    ///
    /// # Errors
    /// When they take more than there may be.
    pub fn labels(
        &self,
        metric: &str,
        attributes: &Attributes,
        more: &[(&str, &str)],
        budget: &mut Budget,
    ) -> Result<Labels, String> {
        let own = attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let identity = self.identity.iter().map(|(name, value)| (*name, value.as_str()));
        let all = own.chain(identity).chain(more.iter().copied()).chain([(METRIC_NAME, metric)]);
        budget.take_pairs(all.clone())?;
        Ok(all.collect())
    }

    /// The labels of `target_info`, if there is anything to tell, and of whom.
    ///
    /// # Errors
    /// Likewise.
    pub fn info(&self, budget: &mut Budget) -> Result<Option<Labels>, String> {
        let tells = !self.others.is_empty() && !self.identity.is_empty();
        tells.then(|| self.labels("target_info", &self.others, &[], budget)).transpose()
    }
}

/// Attributes as labels. Values that have one name are joined, in the order of the attributes' names.
pub fn attributes<'a>(sent: impl IntoIterator<Item = &'a KeyValue>) -> Attributes {
    let mut sorted: Vec<&KeyValue> = sent.into_iter().filter(|a| !a.key.is_empty()).collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    let mut labels = Attributes::new();
    for attribute in sorted {
        let value = attribute.value.as_ref().map(text).unwrap_or_default();
        let label = labels.entry(name::label(&attribute.key)).or_default();
        if !label.is_empty() {
            label.push(';');
        }
        label.push_str(&value);
    }
    labels
}
