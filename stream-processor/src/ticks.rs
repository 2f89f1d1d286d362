//! Ticks: time goes on although nothing happens. They are records like any other, so a replay sees them too.

use std::time::{Duration, Instant};

use bus::{Outgoing, Partition, Record};
use event::{Codec, Event, Tick, encode};

/// Notices which partitions are silent, by the clock of this machine.
pub struct Ticks {
    after: Duration,
    codec: Codec,
    heard: Vec<(Partition, Instant)>,
}

impl Ticks {
    /// Partitions count as heard of at `now`.
    pub fn new(partitions: &[Partition], after: Duration, codec: Codec, now: Instant) -> Self {
        Ticks { after, codec, heard: partitions.iter().map(|p| (p.clone(), now)).collect() }
    }

    /// A record came.
    pub fn hear(&mut self, record: &Record, now: Instant) {
        let same = |p: &Partition| p.0 == record.topic && p.1 == record.partition;
        if let Some((_, heard)) = self.heard.iter_mut().find(|(p, _)| same(p)) {
            *heard = now;
        }
    }

    /// A tick of `timestamp_ms` for each partition that was silent for long enough.
    pub fn due(&mut self, now: Instant, timestamp_ms: i64) -> Vec<Outgoing> {
        let event = Event::Tick(Tick { timestamp_ms });
        let mut ticks = Vec::new();
        for ((topic, partition), heard) in &mut self.heard {
            if now.duration_since(*heard) >= self.after {
                *heard = now;
                let record = |value| Outgoing {
                    topic: topic.clone(),
                    value,
                    partition: Some(*partition),
                    ..Outgoing::default()
                };
                ticks.extend(encode(&event, self.codec).into_iter().map(record));
            }
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_silent_partitions_get_a_tick() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let partitions = [("metrics".to_owned(), 0), ("metrics".to_owned(), 1)];
        let mut ticks = Ticks::new(&partitions, Duration::from_secs(5), Codec::Batch, start);
        let record = Record {
            topic: "metrics".into(),
            partition: 0,
            offset: 0,
            timestamp_ms: 0,
            key: Vec::new().into(),
            value: Vec::new().into(),
        };
        ticks.hear(&record, at(3));
        assert!(ticks.due(at(4), 4_000).is_empty());
        let due = ticks.due(at(6), 6_000);
        assert_eq!(due.iter().map(|t| t.partition).collect::<Vec<_>>(), [Some(1)]);
        let tick = event::decode(&due[0].value).unwrap();
        assert_eq!(tick, Event::Tick(Tick { timestamp_ms: 6_000 }));
        assert!(ticks.due(at(7), 7_000).is_empty());
    }
}
