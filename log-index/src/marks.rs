//! High-water marks: how far each source has been taken in. What comes again is dropped.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Marks by topic and source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Marks {
    topics: HashMap<String, HashMap<String, Mark>>,
    /// The newest record's time.
    newest_ms: i64,
}

/// The highest position, and when its record was written.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Mark(u64, i64);

impl Marks {
    /// What lies at or below this has been taken in; `None` if nothing has, or the source has no identity.
    pub fn get(&self, topic: &str, source: &str) -> Option<u64> {
        self.topics.get(topic)?.get(source).map(|mark| mark.0)
    }

    /// Raises the mark of a source; one without identity has none.
    pub fn raise(&mut self, topic: &str, source: &str, position: u64, record_ms: i64) {
        if source.is_empty() {
            return;
        }
        self.newest_ms = self.newest_ms.max(record_ms);
        if !self.topics.contains_key(topic) {
            self.topics.insert(topic.to_owned(), HashMap::new());
        }
        let Some(sources) = self.topics.get_mut(topic) else { return };
        match sources.get_mut(source) {
            Some(mark) => *mark = Mark(mark.0.max(position), record_ms),
            None => {
                sources.insert(source.to_owned(), Mark(position, record_ms));
            }
        }
    }

    /// Forgets the sources that have been silent for `age_ms`, so that the marks stay few. With the age of
    /// retention nothing can come twice by it: what such a source may repeat is too old to be taken in. Silence is
    /// measured by the time of the records: while an old topic is read again its sources count as awake. `now_ms`
    /// keeps a record from the future from making all others look silent.
    pub fn forget(&mut self, now_ms: i64, age_ms: i64) {
        let horizon = self.newest_ms.min(now_ms).saturating_sub(age_ms);
        for sources in self.topics.values_mut() {
            sources.retain(|_, mark| mark.1 >= horizon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_rise_and_never_fall_and_sources_without_identity_have_none() {
        let mut marks = Marks::default();
        marks.raise("logs", "a", 7, 0);
        marks.raise("logs", "a", 3, 0);
        marks.raise("logs", "", 3, 0);
        assert_eq!(marks.get("logs", "a"), Some(7));
        assert_eq!((marks.get("metrics", "a"), marks.get("logs", "")), (None, None));
    }

    const AGE: i64 = 7 * 86_400_000;

    #[test]
    fn sources_silent_for_long_are_forgotten_by_the_time_of_the_records() {
        let mut marks = Marks::default();
        marks.raise("logs", "old", 1, 0);
        marks.raise("logs", "new", 1, AGE + 1);
        marks.raise("logs", "wrong clock", 1, i64::MAX);
        marks.forget(AGE, AGE);
        assert_eq!(marks.get("logs", "old"), Some(1));
        marks.forget(AGE + 1, AGE);
        assert_eq!((marks.get("logs", "old"), marks.get("logs", "new")), (None, Some(1)));
    }
}
