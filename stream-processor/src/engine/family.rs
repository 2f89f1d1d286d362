//! The series of one metric. A matcher that asks for a value finds the series that have it at once, so that a rule for
//! one of many hosts does not look at the others.

use std::collections::BTreeSet;

use event::{Labels, METRIC_NAME, MatchOp, Matcher};
use hashbrown::HashMap;

use super::history::History;

/// Each sample that comes is for one of them, at once; who reads gets them in the order of their labels.
#[derive(Debug, Default)]
pub struct Family {
    histories: HashMap<Labels, History>,
    ordered: BTreeSet<Labels>,
    /// By name and value of a label, those that have it.
    with_label: HashMap<String, HashMap<String, BTreeSet<Labels>>>,
}

impl Family {
    pub fn get_mut(&mut self, labels: &Labels) -> Option<&mut History> {
        self.histories.get_mut(labels)
    }

    pub fn insert(&mut self, labels: &Labels, history: History) {
        for (name, value) in indexed(labels) {
            let values = self.with_label.entry(name.to_owned()).or_default();
            values.entry(value.to_owned()).or_default().insert(labels.clone());
        }
        self.ordered.insert(labels.clone());
        self.histories.insert(labels.clone(), history);
    }

    /// Keeps the series that `keep` accepts.
    pub fn retain(&mut self, mut keep: impl FnMut(&mut History) -> bool) {
        let mut gone = Vec::new();
        self.histories.retain(|labels, history| {
            let stays = keep(history);
            if !stays {
                gone.push(labels.clone());
            }
            stays
        });
        gone.iter().for_each(|labels| self.forget(labels));
    }

    pub fn len(&self) -> usize {
        self.histories.len()
    }

    pub fn is_empty(&self) -> bool {
        self.histories.is_empty()
    }

    /// The labels of all series.
    pub fn labels(&self) -> impl Iterator<Item = &Labels> {
        self.ordered.iter()
    }

    /// The series that all `matchers` accept.
    pub fn matching<'a, 'm>(
        &'a self,
        matchers: &'m [Matcher],
    ) -> impl Iterator<Item = (&'a Labels, &'a History)> + use<'a, 'm> {
        let labels = match self.narrowest(matchers) {
            Some(few) => few.into_iter().flatten(),
            None => Some(&self.ordered).into_iter().flatten(),
        };
        let wanted = labels.filter(|labels| matchers.iter().all(|m| m.matches_labels(labels)));
        wanted.filter_map(|labels| Some((labels, self.histories.get(labels)?)))
    }

    /// Of the sets that matchers ask for by a value the smallest, which may be none at all; `None` if no matcher does.
    fn narrowest(&self, matchers: &[Matcher]) -> Option<Option<&BTreeSet<Labels>>> {
        let exact = |m: &&Matcher| m.op == MatchOp::Equal && !m.value.is_empty() && m.name != METRIC_NAME;
        let set = |m: &Matcher| self.with_label.get(&m.name)?.get(&m.value);
        matchers.iter().filter(exact).map(set).min_by_key(|set| set.map_or(0, BTreeSet::len))
    }

    fn forget(&mut self, labels: &Labels) {
        self.ordered.remove(labels);
        for (name, value) in indexed(labels) {
            let Some(values) = self.with_label.get_mut(name) else { continue };
            let Some(set) = values.get_mut(value) else { continue };
            set.remove(labels);
            if set.is_empty() {
                values.remove(value);
            }
        }
        self.with_label.retain(|_, values| !values.is_empty());
    }
}

/// All but the name, which is that of the family.
fn indexed(labels: &Labels) -> impl Iterator<Item = (&str, &str)> {
    labels.iter().filter(|(name, _)| *name != METRIC_NAME)
}

#[cfg(test)]
mod tests {
    use event::Sample;

    use super::*;

    fn labels(host: &str, mode: &str) -> Labels {
        Labels::from([(METRIC_NAME, "cpu"), ("host", host), ("mode", mode)])
    }

    fn family() -> Family {
        let mut family = Family::default();
        for (host, mode) in [("b", "user"), ("a", "user"), ("a", "idle"), ("b", "idle")] {
            family.insert(&labels(host, mode), History::new(1_000));
        }
        family
    }

    fn found(family: &Family, matchers: &[Matcher]) -> Vec<Labels> {
        family.matching(matchers).map(|(labels, _)| labels.clone()).collect()
    }

    #[test]
    fn matchers_find_what_looking_at_each_series_finds_in_the_same_order() {
        let family = family();
        let (host, mode) = (Matcher::equal("host", "a"), Matcher::equal("mode", "user"));
        let idle = labels("a", "idle");
        assert_eq!(found(&family, std::slice::from_ref(&host)), [idle.clone(), labels("a", "user")]);
        assert_eq!(found(&family, &[host.clone(), mode]), [labels("a", "user")]);
        let other = Matcher::new("mode", MatchOp::NotEqual, "user").unwrap();
        assert_eq!(found(&family, &[host, other]), [idle]);
        assert_eq!(found(&family, &[Matcher::equal("zone", "")]).len(), 4);
        assert_eq!(found(&family, &[Matcher::equal("host", "c")]), []);
        assert_eq!(found(&family, &[]).len(), 4);
    }

    #[test]
    fn what_is_gone_is_not_found() {
        let mut family = family();
        for mode in ["idle", "user"] {
            family.get_mut(&labels("b", mode)).unwrap().insert(Sample::default());
        }
        family.retain(|history| !history.is_empty());
        assert_eq!(found(&family, &[Matcher::equal("host", "a")]), []);
        assert_eq!((family.len(), found(&family, &[Matcher::equal("host", "b")]).len()), (2, 2));
        family.retain(|_| false);
        assert!(family.is_empty() && family.with_label.is_empty());
    }
}
