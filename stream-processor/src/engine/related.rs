//! Which of many label sets do not contradict another: every name that both have has the same value in both.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use event::Labels;

/// Things in an order, found by labels. One look costs as much as there is to find, not as there is.
pub struct Related<T> {
    all: Vec<(Labels, T)>,
    /// By the names that were asked for.
    indexes: RefCell<BTreeMap<Vec<String>, Rc<Index>>>,
}

/// Places of things: by the names that they have of those asked for, then by their labels of these names.
type Index = BTreeMap<Vec<String>, HashMap<Labels, Vec<usize>>>;

impl<T> Related<T> {
    pub fn new(all: Vec<(Labels, T)>) -> Self {
        Related { all, indexes: RefCell::default() }
    }

    /// What does not contradict `labels`, in order.
    pub fn to(&self, labels: &Labels) -> impl Iterator<Item = &T> {
        let index = self.index(labels.iter().map(|(name, _)| name.to_owned()).collect());
        let same = index.iter().filter_map(|(names, things)| {
            things.get(&labels.filtered(|name| names.iter().any(|known| known == name)))
        });
        let mut places: Vec<usize> = same.flatten().copied().collect();
        places.sort_unstable();
        places.into_iter().map(|at| &self.all[at].1)
    }

    fn index(&self, names: Vec<String>) -> Rc<Index> {
        let mut indexes = self.indexes.borrow_mut();
        indexes.entry(names).or_insert_with_key(|names| self.index_by(names).into()).clone()
    }

    fn index_by(&self, names: &[String]) -> Index {
        let mut index = Index::new();
        for (at, (labels, _)) in self.all.iter().enumerate() {
            let shared = labels.filtered(|name| names.iter().any(|known| known == name));
            let has = shared.iter().map(|(name, _)| name.to_owned()).collect();
            index.entry(has).or_default().entry(shared).or_default().push(at);
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_relate_unless_a_common_name_has_two_values() {
        let sets = [
            Labels::from([("host", "a"), ("job", "x")]),
            Labels::from([("host", "b"), ("job", "x")]),
            Labels::from([("job", "x")]),
            Labels::from([("job", "y")]),
            Labels::default(),
        ];
        let related = Related::new(sets.iter().cloned().zip(0..).collect());
        let to = |labels: Labels| related.to(&labels).copied().collect::<Vec<i32>>();
        assert_eq!(to(Labels::from([("host", "a"), ("job", "x"), ("disk", "1")])), [0, 2, 4]);
        assert_eq!(to(Labels::from([("host", "b")])), [1, 2, 3, 4]);
        assert_eq!(to(Labels::default()), [0, 1, 2, 3, 4]);
    }
}
