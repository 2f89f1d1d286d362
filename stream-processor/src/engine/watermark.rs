//! How far event time has come: per partition, and for all of them together.

use std::collections::BTreeMap;

/// Topic and number.
pub type Partition = (String, i32);

/// Follows event time. It has come as far as the partition that is furthest behind; one without any record
/// holds it back, until the driver writes a tick into it.
#[derive(Clone, Debug)]
pub struct Watermark {
    lateness_ms: i64,
    skew_ms: i64,
    partitions: BTreeMap<Partition, Option<i64>>,
}

impl Watermark {
    /// `lateness_ms`: how much later than its successor an event may come; `skew_ms`: how far ahead of the
    /// writer's clock an event may pull time.
    pub fn new(lateness_ms: i64, skew_ms: i64) -> Self {
        Watermark { lateness_ms, skew_ms, partitions: BTreeMap::new() }
    }

    /// Names all partitions; those that are no longer among them stop to hold time back.
    pub fn set_partitions(&mut self, partitions: &[Partition]) {
        let known = std::mem::take(&mut self.partitions);
        let keep = |p: &Partition| (p.clone(), known.get(p).copied().flatten());
        self.partitions = partitions.iter().map(keep).collect();
    }

    /// An event of this time was read; `record_timestamp_ms` is when it was written (0 or less: unknown).
    pub fn observe(&mut self, partition: &Partition, event_ms: i64, record_timestamp_ms: i64) {
        let capped = match record_timestamp_ms {
            written if written > 0 => event_ms.min(written.saturating_add(self.skew_ms)),
            _ => event_ms,
        };
        let reached = capped.saturating_sub(self.lateness_ms);
        match self.partitions.get_mut(partition) {
            Some(known) => *known = Some(known.map_or(reached, |k| k.max(reached))),
            None => drop(self.partitions.insert(partition.clone(), Some(reached))),
        }
    }

    /// How far one partition has come; `None`: nothing was read from it.
    pub fn of(&self, partition: &Partition) -> Option<i64> {
        self.partitions.get(partition).copied().flatten()
    }

    /// How far all have come: every event up to here was read, but for late ones.
    pub fn current(&self) -> Option<i64> {
        self.partitions.values().copied().min().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(number: i32) -> Partition {
        ("metrics".into(), number)
    }

    #[test]
    fn the_slowest_partition_holds_time_back() {
        let mut watermark = Watermark::new(5_000, 10_000);
        watermark.set_partitions(&[partition(0), partition(1)]);
        watermark.observe(&partition(0), 60_000, 60_000);
        assert_eq!(watermark.current(), None);
        watermark.observe(&partition(1), 30_000, 60_000);
        assert_eq!(watermark.current(), Some(25_000));
        watermark.observe(&partition(1), 20_000, 60_000);
        assert_eq!(watermark.current(), Some(25_000));
        watermark.set_partitions(&[partition(0)]);
        assert_eq!(watermark.current(), Some(55_000));
    }

    #[test]
    fn an_event_from_the_future_moves_time_no_further_than_the_skew() {
        let mut watermark = Watermark::new(5_000, 10_000);
        watermark.observe(&partition(0), i64::MAX, 60_000);
        assert_eq!(watermark.current(), Some(65_000));
        watermark.observe(&partition(1), 90_000, -1);
        assert_eq!(watermark.of(&partition(1)), Some(85_000));
    }
}
