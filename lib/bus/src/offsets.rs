//! How far each partition has been read: the next offset to read.

use std::collections::BTreeMap;

use rdkafka::{Offset, TopicPartitionList, error::KafkaError};
use serde::{Deserialize, Serialize};

/// Topic and number.
pub type Partition = (String, i32);

/// For each partition the offset of the first record not yet read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(String, i32, i64)>", into = "Vec<(String, i32, i64)>")]
pub struct Offsets(BTreeMap<Partition, i64>);

impl Offsets {
    /// The next offset of a partition.
    pub fn get(&self, topic: &str, partition: i32) -> Option<i64> {
        self.0.get(&(topic.to_owned(), partition)).copied()
    }

    /// Sets the next offset of a partition.
    pub fn set(&mut self, topic: &str, partition: i32, next: i64) {
        match self.0.get_mut(&(topic.to_owned(), partition)) {
            Some(offset) => *offset = next,
            None => {
                self.0.insert((topic.to_owned(), partition), next);
            }
        }
    }

    /// Sets those offsets that are higher in `other`, or not known yet.
    pub fn raise(&mut self, other: &Offsets) {
        for ((topic, partition), next) in other.iter() {
            if self.get(topic, *partition).is_none_or(|known| known < next) {
                self.set(topic, *partition, next);
            }
        }
    }

    /// Partition and next offset, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Partition, i64)> {
        self.0.iter().map(|(partition, next)| (partition, *next))
    }

    /// Whether nothing is known of any partition.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every partition of `target` has been read up to its offset there.
    pub fn reached(&self, target: &Offsets) -> bool {
        target.0.iter().all(|(p, end)| *end <= 0 || self.0.get(p).is_some_and(|next| next >= end))
    }

    /// How many records of `ends` are still to be read.
    pub fn lag(&self, ends: &Offsets) -> i64 {
        ends.0.iter().map(|(p, end)| (end - self.0.get(p).copied().unwrap_or(0)).max(0)).sum()
    }

    /// For a commit: each offset with `text`.
    pub(crate) fn to_list(&self, text: &str) -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::new();
        for ((topic, partition), next) in &self.0 {
            let mut element = list.add_partition(topic, *partition);
            element.set_offset(Offset::Offset(*next))?;
            element.set_metadata(text);
        }
        Ok(list)
    }

    pub(crate) fn from_list(list: &TopicPartitionList) -> Self {
        let known = list.elements().into_iter().filter_map(|e| match e.offset() {
            Offset::Offset(next) => Some(((e.topic().to_owned(), e.partition()), next)),
            _ => None,
        });
        Offsets(known.collect())
    }
}

impl From<Vec<(String, i32, i64)>> for Offsets {
    fn from(list: Vec<(String, i32, i64)>) -> Self {
        Offsets(list.into_iter().map(|(topic, partition, next)| ((topic, partition), next)).collect())
    }
}

impl From<Offsets> for Vec<(String, i32, i64)> {
    fn from(offsets: Offsets) -> Self {
        offsets.0.into_iter().map(|((topic, partition), next)| (topic, partition, next)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_partition_is_reached_before_anything_was_read() {
        let mut read = Offsets::default();
        let ends = Offsets::from(vec![("logs".into(), 0, 3), ("logs".into(), 1, 0)]);
        assert!(!read.reached(&ends));
        assert_eq!(read.lag(&ends), 3);
        read.set("logs", 0, 3);
        assert!(read.reached(&ends));
    }
}
