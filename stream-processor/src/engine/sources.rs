//! How far each source was read, so that what a shipper sends again is recognised.
//!
//! A mark is needed only as long as some step may look at a sample of its source: what is older is passed over
//! whoever sends it. So the marks that are needed come back with the samples that are read back, and whether one is
//! still in force depends on the records of its partition alone, not on when it was swept out.

use std::collections::HashMap;

use event::SampleBatch;

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
        if batch.source.is_empty() {
            return false;
        }
        if !self.0.contains_key(partition) {
            self.0.insert(partition.clone(), HashMap::new());
        }
        let Some(sources) = self.0.get_mut(partition) else { return false };
        match sources.get_mut(&batch.source) {
            Some((position, newest)) if *newest > oldest_ms => {
                let repeated = *position > batch.position;
                (*position, *newest) = (batch.position.max(*position), newest_ms.max(*newest));
                repeated
            }
            _ => {
                sources.insert(batch.source.clone(), (batch.position, newest_ms));
                false
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
