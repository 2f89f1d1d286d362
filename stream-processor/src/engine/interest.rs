//! Which series rules and windows read, and how far back.

use event::{Labels, METRIC_NAME, MatchOp, Matcher};
use hashbrown::{HashMap, HashSet};

/// Series that are known not to be wanted; more are forgotten, so that those that come and go do not fill the memory.
const MOST_UNWANTED: usize = 100_000;

/// What some rule or window reads.
#[derive(Clone, Debug)]
pub struct Interest {
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// How far back from a step, in milliseconds.
    pub reach_ms: i64,
}

/// All of them.
#[derive(Debug)]
pub struct Interests {
    named: HashMap<String, Vec<Interest>>,
    any_name: Vec<Interest>,
    /// Of metrics that are read, series that are not: they need not be looked at again.
    unwanted: HashSet<Labels>,
}

impl Interests {
    pub fn new(interests: Vec<Interest>) -> Self {
        let mut named: HashMap<String, Vec<Interest>> = HashMap::new();
        let mut any_name = Vec::new();
        for interest in interests {
            match exact_name(&interest.matchers) {
                Some(name) => named.entry(name.to_owned()).or_default().push(interest),
                None => any_name.push(interest),
            }
        }
        Interests { named, any_name, unwanted: HashSet::new() }
    }

    /// How far back the series is looked at; `None` if not at all.
    pub fn reach_ms(&mut self, labels: &Labels) -> Option<i64> {
        if self.unwanted.contains(labels) {
            return None;
        }
        let mut looked =
            self.named.get(labels.metric_name()).into_iter().flatten().chain(&self.any_name).peekable();
        looked.peek()?;
        let matching = looked.filter(|interest| interest.matchers.iter().all(|m| m.matches_labels(labels)));
        let reach_ms = matching.map(|interest| interest.reach_ms).max();
        if reach_ms.is_none() {
            self.note_unwanted(labels);
        }
        reach_ms
    }

    fn note_unwanted(&mut self, labels: &Labels) {
        if self.unwanted.len() >= MOST_UNWANTED {
            self.unwanted.clear();
        }
        self.unwanted.insert(labels.clone());
    }
}

/// The metric that is asked for by its name.
pub fn exact_name(matchers: &[Matcher]) -> Option<&str> {
    let mut names = matchers.iter().filter(|m| m.name == METRIC_NAME);
    names.find(|m| m.op == MatchOp::Equal).map(|m| m.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_wanted_or_not_however_often_it_is_asked_about() {
        let on = |host: &str| vec![Matcher::equal(METRIC_NAME, "up"), Matcher::equal("host", host)];
        let interest = |host, reach_ms| Interest { matchers: on(host), reach_ms };
        let mut interests = Interests::new(vec![interest("a", 1), interest("a", 3), interest("b", 2)]);
        for _ in 0..2 {
            let reach = ["a", "b", "c"]
                .map(|host| interests.reach_ms(&Labels::from([(METRIC_NAME, "up"), ("host", host)])));
            assert_eq!(reach, [Some(3), Some(2), None]);
            assert_eq!(interests.reach_ms(&Labels::from([(METRIC_NAME, "down")])), None);
        }
        assert_eq!(interests.unwanted.len(), 1);
    }
}
