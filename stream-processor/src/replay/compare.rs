//! When old and new rules fired, side by side.

use std::collections::BTreeSet;

use event::Labels;

use super::{Firing, Firings};

/// One alert under the old rules and the new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertDifference {
    /// With `alertname`.
    pub labels: Labels,
    /// When it fired under the old rules.
    pub old: Vec<Firing>,
    /// When it fired under the new ones.
    pub new: Vec<Firing>,
    /// Times at which it fired under one of them only; none if it is the same under both.
    pub differences: Vec<Difference>,
}

/// A time at which an alert fired under one set of rules only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Milliseconds since 1970.
    pub from_ms: i64,
    /// Milliseconds since 1970.
    pub to_ms: i64,
    /// Whether it was the new rules.
    pub only_new: bool,
}

impl Firing {
    /// How long it lasted, up to `end_ms` if it fires still.
    pub fn length_ms(&self, end_ms: i64) -> i64 {
        self.to_ms.unwrap_or(end_ms) - self.from_ms
    }
}

/// Every alert that fired under either, in the order of its labels; what fires still does so up to `end_ms`.
pub fn compare(old: &Firings, new: &Firings, end_ms: i64) -> Vec<AlertDifference> {
    let all: BTreeSet<&Labels> = old.keys().chain(new.keys()).collect();
    let of = |firings: &Firings, labels: &Labels| firings.get(labels).cloned().unwrap_or_default();
    let one = |labels: &Labels| {
        let (old, new) = (of(old, labels), of(new, labels));
        AlertDifference { labels: labels.clone(), differences: differences(&old, &new, end_ms), old, new }
    };
    all.into_iter().map(one).collect()
}

fn differences(old: &[Firing], new: &[Firing], end_ms: i64) -> Vec<Difference> {
    let bounds = |firing: &Firing| [firing.from_ms, firing.to_ms.unwrap_or(end_ms)];
    let bounds: BTreeSet<i64> = old.iter().chain(new).flat_map(bounds).collect();
    let bounds: Vec<i64> = bounds.into_iter().collect();
    let fires =
        |all: &[Firing], at: i64| all.iter().any(|f| f.from_ms <= at && at < f.to_ms.unwrap_or(end_ms));
    let mut found: Vec<Difference> = Vec::new();
    for (from_ms, to_ms) in bounds.iter().zip(bounds.iter().skip(1)).map(|(a, b)| (*a, *b)) {
        let only_new = fires(new, from_ms);
        if only_new == fires(old, from_ms) {
            continue;
        }
        match found.last_mut() {
            Some(last) if last.to_ms == from_ms && last.only_new == only_new => last.to_ms = to_ms,
            _ => found.push(Difference { from_ms, to_ms, only_new }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firings(times: &[(i64, Option<i64>)]) -> Firings {
        let times = times.iter().map(|(from_ms, to_ms)| Firing { from_ms: *from_ms, to_ms: *to_ms });
        Firings::from([(Labels::from([("alertname", "A")]), times.collect())])
    }

    fn shown(old: &[(i64, Option<i64>)], new: &[(i64, Option<i64>)]) -> Vec<(i64, i64, bool)> {
        let found = compare(&firings(old), &firings(new), 100);
        found[0].differences.iter().map(|d| (d.from_ms, d.to_ms, d.only_new)).collect()
    }

    #[test]
    fn only_times_at_which_one_fires_and_the_other_does_not_differ() {
        assert_eq!(shown(&[(10, Some(20))], &[(10, Some(20))]), []);
        assert_eq!(shown(&[(10, Some(20))], &[(15, Some(30))]), [(10, 15, false), (20, 30, true)]);
        assert_eq!(shown(&[(10, None)], &[(10, Some(50))]), [(50, 100, false)]);
        assert_eq!(shown(&[], &[(10, Some(20)), (40, None)]), [(10, 20, true), (40, 100, true)]);
    }
}
