//! How far each source was read, so that what a shipper sends again is recognised.
//!
//! A mark is needed only as long as some step may look at a sample of its source: what is older is passed over
//! whoever sends it. So the marks that are needed come back with the samples that are read back, and whether one is
//! still in force depends on the records of its partition alone, not on when it was swept out.

use std::collections::HashMap;

use event::{LogBatch, SampleBatch};

use super::watermark::{Partition, Watermark};

/// The highest position of each source, and its newest sample's time.
#[derive(Debug, Default)]
pub struct Sources(HashMap<Partition, HashMap<String, (u64, i64)>>);

impl Sources {
    /// Whether the batch was read before; else its position becomes the mark. `newest_ms` is its newest sample;
    /// marks of sources with nothing after `oldest_ms` are no longer in force.
    ///
    /// A batch at the mark itself passes: in the JSON form a batch comes as several records of one position, and a
    /// sample that is there already changes nothing.
    pub fn is_repeated(
        &mut self,
        partition: &Partition,
        batch: &SampleBatch,
        newest_ms: i64,
        oldest_ms: i64,
    ) -> bool {
        let known = self.mark(partition, &batch.source, (batch.position, newest_ms), oldest_ms);
        known.is_some_and(|known| known > batch.position)
    }

    /// Up to which position the entries of the source were read before; the last of the batch becomes the mark.
    pub fn entries_read(
        &mut self,
        partition: &Partition,
        batch: &LogBatch,
        newest_ms: i64,
        oldest_ms: i64,
    ) -> Option<u64> {
        let last = batch.entries.iter().map(|entry| entry.position).max()?;
        self.mark(partition, &batch.source, (last, newest_ms), oldest_ms)
    }

    /// The mark of a source before it was moved on; `None` if none is in force.
    fn mark(
        &mut self,
        partition: &Partition,
        source: &str,
        (position, newest_ms): (u64, i64),
        oldest_ms: i64,
    ) -> Option<u64> {
        if source.is_empty() {
            return None;
        }
        if !self.0.contains_key(partition) {
            self.0.insert(partition.clone(), HashMap::new());
        }
        let sources = self.0.get_mut(partition)?;
        match sources.get_mut(source) {
            Some((known, newest)) if *newest > oldest_ms => {
                let before = *known;
                (*known, *newest) = (before.max(position), newest_ms.max(*newest));
                Some(before)
            }
            _ => {
                sources.insert(source.to_owned(), (position, newest_ms));
                None
            }
        }
    }

    /// Forgets what is no longer in force: marks older than how far their partition has come, less `reach_ms`.
    pub fn forget(&mut self, watermark: &Watermark, reach_ms: i64) {
        for (partition, sources) in &mut self.0 {
            let oldest = oldest_ms(watermark.of(partition), reach_ms);
            sources.retain(|_, (_, newest)| *newest > oldest);
        }
    }
}

/// What is as old as this is of no more use in a partition that has come to `reached_ms`.
pub fn oldest_ms(reached_ms: Option<i64>, reach_ms: i64) -> i64 {
    reached_ms.map_or(i64::MIN, |reached| reached.saturating_sub(reach_ms))
}
